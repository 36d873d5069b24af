"""What the preloaded library costs the source: pgbench drives servers that differ in nothing else.

The servers stand side by side, one is driven at a time: in a round each has one short slice, in
random order, and its values are compared with those of the server "plain" in the same round.
Servers that are the same differ by some percent for as long as they live (where their memory and
files happen to lie), which no number of rounds averages out: "control" shows how much, and the
servers are made anew many times (--setups), with few rounds each.

Before anything is timed, each workload runs once on each server, and the logical messages in the
WAL are counted: a library that says nothing would look fast.
"""
import argparse
import contextlib
import dataclasses
import os
import random
import statistics

import paired
import pgbench
import report
from capture_workloads import SUBJECTS, WORKLOADS, cases
from options import add_shared_options
from server import Server

PEER = 'plain'
CHECK_TRANSACTIONS = 200  # of each client
WAL_FILES_AHEAD = 64      # of 16 MB

# With full_page_writes, pages would be written to the WAL whole after each checkpoint; that is more
# than a transaction's own bytes, and would hide what capture adds. WAL files are kept for reuse, as
# they are where a server has run for a while.
SETTINGS = {'shared_buffers': '512MB', 'full_page_writes': 'off', 'min_wal_size': '4GB'}


@dataclasses.dataclass(frozen=True)
class Slice:
    tps: float
    cpu_us: float     # of the backends, a transaction
    wal_bytes: float  # a transaction


def parse(arguments):
    parser = argparse.ArgumentParser(prog='bench/run capture', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--workload', action='append', choices=WORKLOADS, metavar='NAME',
                        help=f'may be repeated (default: all of {", ".join(WORKLOADS)})')
    parser.add_argument('--setups', type=int, default=9,
                        help='how often servers are made anew (default: 9)')
    parser.add_argument('--rounds', type=int, default=2, help='of each set-up (default: 2)')
    parser.add_argument('--seconds', type=int, default=5, help='of a slice (default: 5)')
    parser.add_argument('--clients', type=int, default=2, help='of pgbench (default: 2)')
    add_shared_options(parser)
    options = parser.parse_args(arguments)
    if min(options.setups, options.rounds, options.seconds, options.clients) < 1:
        parser.error('--setups, --rounds, --seconds and --clients must be at least 1')
    options.workload = list(dict.fromkeys(options.workload or WORKLOADS))
    return options


def main(arguments):
    options = parse(arguments)
    slices = {case: {subject: [] for subject in WORKLOADS[case.workload].messages}
              for case in cases(options.workload)}
    for setup in range(1, options.setups + 1):
        with contextlib.ExitStack() as stack:
            report.progress(f'set-up {setup}/{options.setups}: making the servers')
            servers = make_servers(stack, slices, options)
            if setup == 1:
                describe(servers[PEER], options)
            for case, found in slices.items():
                measure(servers, case, found, options, f'set-up {setup}/{options.setups}')
    print_results(slices)
    if options.json:
        report.write_entries(options.json, list(entries(slices)))


def make_servers(stack, slices, options):
    names = [name for name in SUBJECTS if any(name in found for found in slices.values())]
    return {name: stack.enter_context(make_server(SUBJECTS[name], options)) for name in names}


@contextlib.contextmanager
def make_server(subject, options):
    with Server(options.pg_config, options.os_user, options.library_path,
                settings=SETTINGS | subject.settings) as server:
        pgbench.make_tables(server)
        if subject.sql_file:
            server.sql(subject.sql_file.read_text())
        server.sql("SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal() "
                   f'FROM generate_series(1, {WAL_FILES_AHEAD})')
        server.durable()
        yield server


def describe(server, options):
    load = ', '.join(f'{value:.1f}' for value in os.getloadavg())
    print(f'{server.version}, {os.cpu_count()} CPUs, load average at the start {load}')
    print(f'pgbench at scale {pgbench.SCALE}, {options.clients} clients; {options.setups} set-ups, '
          f'in each {options.rounds} rounds of {options.seconds} s a server')
    print('wal_level logical, no slot; fsync on, full_page_writes off, autovacuum off; checkpoints '
          'between workloads only')


def measure(servers, case, found, options, where):
    load = pgbench.Load(case.protocol, case.synchronous_commit, options.clients, options.seconds)
    script_files = {}
    for subject in found:
        report.progress(f'{where}: {case}: checking {subject}')
        script_files[subject] = write_script(servers[subject], case)
        settle(servers[subject])
        check(servers[subject], subject, case, script_files[subject], options.clients)
    for number in range(1, options.rounds + 1):
        for subject in random.sample(list(found), len(found)):
            report.progress(f'{where}: {case}: round {number}/{options.rounds}: {subject}')
            found[subject].append(drive(servers[subject], script_files[subject], load))


def write_script(server, case):
    file = server.folder / 'script'
    file.write_text(WORKLOADS[case.workload].script(server, case.protocol) + '\n', encoding='utf-8')
    return file


def settle(server):
    """Clears away what the workload before has left behind; its WAL files can be used again."""
    server.sql('TRUNCATE pgbench_history', f'VACUUM {", ".join(pgbench.TABLES)}', 'CHECKPOINT')


def check(server, subject, case, script_file, clients):
    """Runs the script a little and counts what it has put into the WAL; warms the caches, too."""
    load = pgbench.Load(case.protocol, 'on', clients, transactions=CHECK_TRANSACTIONS)
    start_lsn = server.sql('SELECT pg_current_wal_flush_lsn()')
    outcome = pgbench.run(server, script_file, load)
    end_lsn = server.sql('SELECT pg_current_wal_flush_lsn()')
    workload = WORKLOADS[case.workload]
    messages = [size for size in server.message_bytes(start_lsn, end_lsn)
                if size >= workload.message_bytes_min]
    expected = workload.messages[subject] * outcome.transactions
    if len(messages) != expected:
        raise RuntimeError(f'{case}: "{subject}" put {len(messages)} messages of at least '
                           f'{workload.message_bytes_min} bytes into the WAL, expected {expected}')


def drive(server, script_file, load):
    start_lsn = server.sql('SELECT pg_current_wal_insert_lsn()')
    start_cpu = server.ended_children_cpu_seconds()
    outcome = pgbench.run(server, script_file, load)
    cpu_seconds = server.ended_children_cpu_seconds() - start_cpu
    wal_bytes = int(server.sql(f"SELECT pg_current_wal_insert_lsn() - '{start_lsn}'"))
    return Slice(outcome.per_second, cpu_seconds * 1e6 / outcome.transactions,
                 wal_bytes / outcome.transactions)


def metrics_of(found):
    return {subject: {field.name: [getattr(slice_, field.name) for slice_ in slices]
                      for field in dataclasses.fields(Slice)}
            for subject, slices in found.items()}


def entries(slices):
    for case, found in slices.items():
        yield from paired.entries(metrics_of(found), PEER,
                                  {'bench': 'capture'} | dataclasses.asdict(case))


def print_results(slices):
    report.progress('')
    for case, found in slices.items():
        workload = WORKLOADS[case.workload]
        print(f'\n{case}\n{workload.what}')
        report.print_aligned(table(workload, metrics_of(found)))
    print('\nMedians [quartiles] of all rounds; ratios are to "plain" in the same round. CPU (of\n'
          'backends), WAL and messages are those of a transaction. With synchronous_commit=off\n'
          'nobody waits for the disk: the cost shows best there.')
    for name, subject in SUBJECTS.items():
        print(f'{name:10} {subject.what}')


def table(workload, metrics):
    rows = [['subject', 'tps', f'tps / {PEER}', 'target', 'CPU us', f'CPU / {PEER}', 'WAL bytes',
             'messages']]
    for subject, values in metrics.items():
        tps_ratios = paired.ratios(values['tps'], metrics[PEER]['tps'])
        cpu_ratios = paired.ratios(values['cpu_us'], metrics[PEER]['cpu_us'])
        rows.append([subject, paired.spread(values['tps'], 0), paired.spread(tps_ratios, 3),
                     target(workload.least_ratio.get(subject), tps_ratios),
                     paired.spread(values['cpu_us'], 1), paired.spread(cpu_ratios, 3),
                     f'{statistics.median(values["wal_bytes"]):.1f}',
                     str(workload.messages[subject])])
    return rows


def target(least, ratios):
    if least is None:
        return ''
    return f'>= {least} {"met" if statistics.median(ratios) >= least else "missed"}'
