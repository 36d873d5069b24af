"""How fast output plugins decode: every subject reads the very same WAL in the same run.

Each subject has a slot made before the workload. A run decodes from a copy of that slot, so every
run starts at the same position; rounds are interleaved (A B C A B C …), so that a disturbance of
the machine hits all subjects. The first pass is not timed: it writes each subject's output to a
file to count bytes and changes, and warms the page cache. Timed runs write to /dev/null.
"""
import argparse
import dataclasses
import os
import subprocess
import textwrap
import threading
import time

import publish
import report
import slots
import workload
from comparison import Comparison
from figures import Column
from options import parse_with_shared
from server import DATABASE, Server
from subjects import SUBJECTS, count_changes

SAMPLE_INTERVAL_S = 0.01
RUN_SLOT = 'bench_run'
PEERS = ('nothing', 'one_byte', 'pgoutput')
COLUMNS = [
    Column('wall s', 'wall_seconds'), Column('walsender CPU s', 'walsender_cpu_seconds'), Column('MB', 'bytes', 1, per=1e6),
    *(Column(f'{what} / {peer}', metric, 2, peer) for peer in PEERS
      for what, metric in (('wall', 'wall_seconds'), ('CPU', 'walsender_cpu_seconds'))),
    Column('bytes / pgoutput', 'bytes', 2, 'pgoutput')]


@dataclasses.dataclass(frozen=True)
class Run:
    wall_seconds: float
    cpu_seconds: float | None
    input: str  # what the server handed to the plugin: transactions and bytes


def parse(arguments):
    parser = argparse.ArgumentParser(prog='bench/run decode', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--workload', default='bulk', metavar='NAMES',
                        help=f'comma-separated, or all, from: {", ".join(workload.WORKLOADS)} (default: bulk)')
    parser.add_argument('--changes', type=int, help='(default: the workload\'s own, 1000000 for bulk)')
    parser.add_argument('--runs', type=int, default=3, help='timed rounds (default: 3)')
    parser.add_argument('--subjects', default=','.join(SUBJECTS),
                        help=f'comma-separated, from: {", ".join(SUBJECTS)}')
    options = parse_with_shared(parser, arguments)
    options.workload = workload.parse_names(parser, options.workload, workload.WORKLOADS)
    unknown = [name for name in options.subjects.split(',') if name not in SUBJECTS]
    if unknown:
        parser.error(f'unknown subject "{unknown[0]}"; there are: {", ".join(SUBJECTS)}')
    if (options.changes is not None and options.changes < 2) or options.runs < 1:
        parser.error('--changes must be at least 2 and --runs at least 1')
    options.subjects = [SUBJECTS[name] for name in dict.fromkeys(options.subjects.split(','))]
    return options


def main(arguments):
    options = parse(arguments)
    found = []
    for chosen in options.workload:
        comparison = compare(chosen, options.changes or chosen.changes, options)
        comparison.print_table(COLUMNS)
        found.append(comparison.figures(COLUMNS, PEERS))
    print('\nMedians [min–max] of the rounds. Wall: from the start of pg_recvlogical to its end, output to /dev/null.\n'
          'MB (10^6 bytes): what pg_recvlogical wrote in a run that was not timed: payload and a newline per message.')
    publish.publish(options, found)


def compare(chosen, changes, options):
    plugins = list(dict.fromkeys(subject.plugin for subject in SUBJECTS.values()))
    comparison = Comparison('decode', chosen.name, {
        'changes': chosen.total(changes), 'runs': options.runs, 'subjects': [subject.name for subject in options.subjects]})
    with Server(options.pg_config, options.os_user, options.library_path, output_plugins=plugins,
                built_library='nothing') as server:
        subjects = present(server, comparison, options.subjects)
        end_lsn = write_wal(server, subjects, chosen, changes)
        describe(server, chosen, changes, options.runs)
        subjects, decoded = check(server, comparison, subjects, end_lsn, chosen, chosen.total(changes))
        for round_number in range(options.runs):
            for subject in subjects:
                report.progress(f'{chosen.name}: round {round_number + 1}/{options.runs}: {subject.name}')
                run = decode(server, subject, end_lsn, '/dev/null')
                expect_input(run, decoded)
                comparison.add(subject.name, {'wall_seconds': run.wall_seconds, 'walsender_cpu_seconds': run.cpu_seconds})
    return comparison


def present(server, comparison, subjects):
    """The subjects but for those whose plugin this machine does not have."""
    found = []
    for subject in subjects:
        if server.has_library(subject.plugin):
            found.append(subject)
        elif subject.required:
            raise RuntimeError(f'the output plugin "{subject.plugin}" is not installed '
                               f'(install it, or name its folder with --library-path)')
        else:
            comparison.leave_out(subject.name, f'no output plugin "{subject.plugin}" here')
    return found


def write_wal(server, subjects, chosen, changes):
    """Table, slots, workload. Returns the LSN to decode up to."""
    chosen.make_tables(server)
    report.progress(f'{chosen.name}: writing what is there before')
    chosen.write_rows_before(server, changes)
    server.sql('CREATE PUBLICATION bench FOR ALL TABLES')
    for subject in subjects:
        server.sql(f"SELECT pg_create_logical_replication_slot('bench_{subject.name}', '{subject.plugin}')")
    report.progress(f'{chosen.name}: writing {changes} changes')
    chosen.write(server, changes)
    # pg_recvlogical stops at a message or keepalive at or after its end position. The end lies
    # after the last commit and before WAL that gives no message, so that no subject writes more
    # than the workload and the walsender's next keepalive ends the run at once.
    server.durable()
    end_lsn = server.sql('SELECT pg_current_wal_flush_lsn()')
    server.sql('CHECKPOINT')
    return end_lsn


def describe(server, chosen, changes, runs):
    load = ', '.join(f'{value:.1f}' for value in os.getloadavg())
    work_mem = server.sql('SHOW logical_decoding_work_mem')
    counts = chosen.counts(changes)
    print(f'{server.version}, {os.cpu_count()} CPUs, load average before the runs {load}')
    print(f'workload "{chosen.name}": {chosen.what}; {counts["CREATE"]} inserts, {counts["UPDATE"]} updates, '
          f'{counts["DELETE"]} deletes')
    print(f'{len(chosen.shape.columns)} columns: {textwrap.shorten(chosen.shape.names, 100, placeholder=" …")}; replica identity full')
    print(f'logical_decoding_work_mem {work_mem}; fsync off while the workload was written, on '
          f'while it was decoded; {runs} interleaved rounds\n')


def check(server, comparison, subjects, end_lsn, chosen, changes):
    """The pass that is not timed. A subject that fails or counts wrongly is no comparison: a
    required one stops the benchmark, another one is left out by name. Returns the subjects that
    are right, and what the server handed to each."""
    output = server.folder / 'output'
    right, decoded = [], None
    for subject in subjects:
        report.progress(f'checking {subject.name}')
        try:
            run = decode(server, subject, end_lsn, output)
            expect_whole(server, subject, output, chosen, changes)
            decoded = decoded or run.input
            expect_input(run, decoded)
            right.append(subject)
            comparison.add(subject.name, {'bytes': output.stat().st_size if output.exists() else 0})
        except RuntimeError as error:
            if subject.required:
                raise RuntimeError(f'{subject.name}: {error}') from error
            comparison.leave_out(subject.name, f'failed: {error}')
        finally:
            output.unlink(missing_ok=True)
    return right, decoded


def expect_whole(server, subject, output, chosen, changes):
    relation_oid = int(server.sql(f"SELECT 'public.{chosen.table}'::regclass::oid::integer"))
    counted = count_changes(subject, output, chosen.table, relation_oid)
    if counted not in (None, changes):
        raise RuntimeError(f'sent {counted} of {changes} changes')


def expect_input(run, decoded):
    """The server counts the transactions and bytes it hands to a plugin: the proof that a run
    was whole, also for the subject that writes nothing."""
    if run.input != decoded:
        raise RuntimeError(f'decoded (transactions, bytes) {run.input}, expected {decoded}')


def decode(server, subject, end_lsn, output):
    slots.copy(server, f'bench_{subject.name}', RUN_SLOT)
    command = [server.bindir / 'pg_recvlogical', '--start', '--no-loop', '-h', server.folder,
               '-U', 'postgres', '-d', DATABASE, '-S', RUN_SLOT, f'--endpos={end_lsn}',
               '--fsync-interval=0', '-f', output]
    for option in subject.options:
        command += ['-o', option]
    stopped = threading.Event()
    cpu_seconds = []
    sampler = threading.Thread(target=sample_cpu, args=(server, stopped, cpu_seconds))
    try:
        sampler.start()
        start = time.monotonic()
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False)
        wall_seconds = time.monotonic() - start
    finally:
        stopped.set()
        sampler.join()
    if done.returncode != 0:
        raise_after_drop(server, done.stderr)
    decoded = server.sql('SELECT total_txns, total_bytes FROM pg_stat_replication_slots '
                         f"WHERE slot_name = '{RUN_SLOT}'")
    slots.drop(server, RUN_SLOT)
    return Run(wall_seconds, cpu_seconds[-1] if cpu_seconds else None, decoded)


def sample_cpu(server, stopped, cpu_seconds):
    """Reads the walsender's CPU time until it ends: /proc forgets it with the process, so the
    last sample, at most SAMPLE_INTERVAL_S old, is what it took."""
    files = []
    while not stopped.wait(SAMPLE_INTERVAL_S):
        files = files or server.walsender_cpu_files()
        try:
            for file in files:
                cpu_seconds.append(int(file.read_text().split()[0]) / 1e9)
        except (OSError, IndexError):
            return


def raise_after_drop(server, message):
    slots.drop(server, RUN_SLOT)
    lines = message.strip().splitlines() or ['no message']
    raise RuntimeError(next((line for line in lines if 'ERROR' in line), lines[-1]))
