"""The real clients of folder node/: installed by npm into build/, once for each lock file, and run a scenario at a time."""

import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import urllib.parse

from servers import die_with_parent

SOURCES = pathlib.Path(__file__).resolve().parent / "node"
FOLDER = SOURCES.parents[2] / "build" / "node_clients"
INSTALL_TIMEOUT_S = 300
RUN_TIMEOUT_S = 60

# Prisma looks for its engines, which are downloads, before it asks whether they are needed: they are not, and any file will do.
PRISMA_WITHOUT_DOWNLOADS = {
    "PRISMA_SCHEMA_ENGINE_BINARY": "/bin/true",
    "PRISMA_QUERY_ENGINE_LIBRARY": "/bin/true",
    "CHECKPOINT_DISABLE": "1",
    "PRISMA_HIDE_UPDATE_MESSAGE": "1",
}


def _run(arguments, cwd, timeout_s, environment=None):
    # What the caller's shell has set must not reach the clients: node-postgres reads PGHOST and the like.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "WALTRAIL_"))}
    done = subprocess.run(
        arguments, cwd=cwd, env={**kept, **(environment or {})}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=timeout_s, check=False, preexec_fn=die_with_parent(signal.SIGKILL),
    )  # fmt: skip
    assert done.returncode == 0, f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
    return done.stdout


def _install():
    assert shutil.which("node") and shutil.which("npm"), "node or npm is missing: \"scripts/test e2e\" installs them"
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = hashlib.sha256(
        (SOURCES / "package-lock.json").read_bytes() + (SOURCES / "schema.prisma").read_bytes()
    ).hexdigest()
    installed = FOLDER / "installed"
    with open(FOLDER / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.copytree(SOURCES, FOLDER, dirs_exist_ok=True)
        if installed.exists() and installed.read_text() == wanted:
            return
        installed.unlink(missing_ok=True)
        _run(["npm", "ci", "--prefer-offline"], FOLDER, INSTALL_TIMEOUT_S)
        _run(
            ["node_modules/.bin/prisma", "generate", "--schema", "schema.prisma"], FOLDER, INSTALL_TIMEOUT_S,
            PRISMA_WITHOUT_DOWNLOADS,
        )  # fmt: skip
        installed.write_text(wanted)


def url(database):
    """A connection string that node-postgres understands: the socket's folder is the host."""
    return f"postgresql://postgres@/{database.name}?host={urllib.parse.quote(str(database.server.folder), safe='')}"


class NodeClients:
    def __init__(self):
        _install()

    def run(self, script, scenario, source=None, destination=None, **environment):
        """Runs a scenario of a script against one or both ends; returns what it returned. Lists are passed as JSON."""
        ends = {"SOURCE": source, "DESTINATION": destination}
        variables = {name: url(end) for name, end in ends.items() if end is not None}
        variables |= {name.upper(): json.dumps(value) for name, value in environment.items()}
        return json.loads(_run(["node", script, scenario], FOLDER, RUN_TIMEOUT_S, variables))

    def row_triggers(self, folder):
        """The migration that @bemi-db/prisma writes for its users: row triggers that emit the comment as a message."""
        (folder / "prisma" / "migrations").mkdir(parents=True)
        _run([str(FOLDER / "node_modules" / ".bin" / "bemi"), "migration:create"], folder, RUN_TIMEOUT_S)
        [migration] = folder.glob("prisma/migrations/*/migration.sql")
        return migration.read_text()
