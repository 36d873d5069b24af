"""Every benchmark once, on few changes: that it runs, and that what it moved was right. Times mean nothing here.

Each verifies what was moved by counts and checksums, and ends with an error where it is wrong; a line "ok NAME" or "not ok NAME" tells of each.
Two run at a time, the longest first. Nothing is recorded; that what is recorded is told right is seen without a run (document_check.py).
"""
import concurrent.futures
import pathlib
import subprocess
import sys

import document_check

RUN = pathlib.Path(__file__).parent / 'run'
TIMEOUT_S = 180

running = set()  # processes, which an interrupt ends

AT_ONCE = 2
BENCHMARKS = (
    ('ingest', '--workload mix_context --changes 600 --runs 1 --actor'),
    ('source', '--subjects waltrail,apply,audit_trigger --setups 1 --rounds 1 --seconds 1 --synchronous-commit off'),
    ('query', '--changes 4000 --records 1000 --days 4 --asked 3 --restarts 1'),
    ('decode', '--workload single_context,wide,large,updates --changes 600 --runs 1'),
    ('capture', '--workload no_match --setups 1 --rounds 1'),
    ('latency', '--rate 200 --seconds 1 --runs 1'),
    ('ingest', '--workload narrow --burst 20000 --runs 1'),
    ('grow', '--large 4000 --small 2000 --changes 2000 --runs 2'),
)


def main(arguments):
    """arguments: of every benchmark, like --pg-config. Returns how many failed."""
    failures = check_document()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        runs = [pool.submit(run, name, options, arguments) for name, options in BENCHMARKS]
        try:
            for done in concurrent.futures.as_completed(runs):
                line, output = done.result()
                print(line, flush=True)
                if output:
                    print(output, flush=True)
                    failures += 1
        except BaseException:
            for waiting in runs:
                waiting.cancel()
            for process in list(running):
                process.terminate()  # it unwinds, and takes its servers down
            raise
    return failures


def check_document():
    try:
        document_check.check()
    except RuntimeError as error:
        print(f'not ok document\n{error}', flush=True)
        return 1
    print('ok document', flush=True)
    return 0


def run(name, options, arguments):
    """The line that tells of it, and what it printed where it failed."""
    process = subprocess.Popen([sys.executable, RUN, name, *options.split(), '--no-record', *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True)
    running.add(process)
    try:
        output = process.communicate(timeout=TIMEOUT_S)[0]
    except subprocess.TimeoutExpired:
        process.terminate()
        output = process.communicate()[0] + f'\nnot done after {TIMEOUT_S} s'
    finally:
        running.discard(process)
    verdict = 'ok' if process.returncode == 0 else 'not ok'
    return f'{verdict} {name} {options}', None if process.returncode == 0 else output
