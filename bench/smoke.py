"""Every benchmark once, on few changes: that it runs, and that what it moved was right. Times mean nothing here.

Each verifies what was moved by counts and checksums, and ends with an error where it is wrong; a line "ok NAME" or "not ok NAME" tells of each.
"""
import os
import pathlib
import subprocess
import sys
import time

RUN = pathlib.Path(__file__).parent / 'run'
TIMEOUT_S = 120

BENCHMARKS = (
    ('decode', '--workload single_context,mix,wide,large --changes 600 --runs 1'),
    ('ingest', '--workload mix_context,large --changes 600 --runs 1 --actor'),
    ('ingest', '--workload narrow --burst 20000 --runs 1'),
    ('latency', '--rate 200 --seconds 1 --runs 1'),
    ('source', '--subjects waltrail,apply,audit_trigger --setups 1 --rounds 1 --seconds 1 --synchronous-commit off'),
    ('query', '--changes 4000 --records 1000 --days 4 --asked 3 --restarts 1'),
    ('grow', '--large 4000 --small 2000 --changes 2000 --runs 2'),
    ('capture', '--workload no_match --setups 1 --rounds 1'),
)


def main(arguments):
    """arguments: of every benchmark, like --pg-config."""
    failures = 0
    for name, options in BENCHMARKS:
        start = time.monotonic()
        shown = f'{name} {options}'
        failure = run([RUN, name, *options.split(), *arguments])
        print(f'{"not ok" if failure else "ok"} {shown}', flush=True)
        print(f'# {time.monotonic() - start:.1f} s', flush=True)
        if failure:
            print(failure, flush=True)
            failures += 1
    return failures


def run(command):
    """What it printed, where it failed."""
    process = subprocess.Popen([sys.executable, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env=dict(os.environ, PYTHONDONTWRITEBYTECODE='1'))
    try:
        output = process.communicate(timeout=TIMEOUT_S)[0]
    except subprocess.TimeoutExpired:
        process.terminate()  # it unwinds, and takes its servers down
        output = process.communicate()[0] + f'\nnot done after {TIMEOUT_S} s'
    except BaseException:
        process.terminate()
        process.communicate()
        raise
    return output if process.returncode != 0 else None
