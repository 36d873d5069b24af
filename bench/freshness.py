"""Whether the program and the library that a run is made with are those of this tree: a record names its commit."""
import filecmp
import pathlib

from machine import TREE
from server import run_checked

SUFFIXES = ('.cpp', '.hpp')
LIBRARY = TREE / 'waltrail.so'
LIBRARY_SOURCES, PROGRAM_SOURCES = ('capture', 'decoder', 'wire'), ('apply', 'wire')


def check(program, pg_config, library_paths):
    """An error where they may not be. `program`: None where the run uses none."""
    refuse_older(LIBRARY, LIBRARY_SOURCES)
    if program:
        refuse_older(pathlib.Path(program), PROGRAM_SOURCES)
    folders = [pathlib.Path(path) for path in library_paths] + [pathlib.Path(run_checked([pg_config, '--pkglibdir']))]
    loaded = next((folder / LIBRARY.name for folder in folders if (folder / LIBRARY.name).exists()), None)
    if loaded is None or not filecmp.cmp(loaded, LIBRARY, shallow=False):
        refuse(f'the library that the server loads, {loaded or "not installed"}, is not that of this tree')


def refuse_older(built, folders):
    newest = max((path for folder in folders for path in (TREE / folder).iterdir() if path.suffix in SUFFIXES), key=changed_at)
    if not built.exists() or changed_at(built) < changed_at(newest):
        refuse(f'"{built.name}" is older than {newest.relative_to(TREE)}, or not there')


def changed_at(path):
    return path.stat().st_mtime


def refuse(reason):
    raise RuntimeError(f'{reason}: the record would name a commit that was not measured; "make && make install" first, or --no-record')
