"""What the preloaded library costs the source: pgbench drives servers that differ in nothing else.

Each is driven beside the server "plain", both at the same time, each with its pgbench on one CPU,
and then with their CPUs changed (paired.py); so a CPU has all of the work of a transaction, and
its throughput says what that is. Servers that are the same differ by a percent or two for as long
as they live (where their memory and files happen to lie), which no number of rounds averages out:
"control" shows how much, and the servers are made anew many times (--setups), with few rounds each.

Before anything is timed, each workload runs once on each server, and the logical messages in the
WAL are counted: a library that says nothing would look fast.
"""
import argparse
import contextlib
import os
import random
import statistics

import paired
import pgbench
import publish
import report
from capture_workloads import SUBJECTS, WORKLOADS, cases
from figures import Column, Figures
from options import parse_with_shared
from server import Server

PEER = 'plain'
CHECK_TRANSACTIONS = 2000  # of each client
WAL_FILES_AHEAD = 64       # of 16 MB

# With full_page_writes, pages would be written to the WAL whole after each checkpoint; that is more
# than a transaction's own bytes, and would hide what capture adds. WAL files are kept for reuse, as
# they are where a server has run for a while.
SETTINGS = {'shared_buffers': '512MB', 'full_page_writes': 'off', 'min_wal_size': '4GB'}
COLUMNS = [Column('tps', 'tps', 0), Column(f'tps / {PEER}', 'tps', 3, PEER), Column('CPU us', 'cpu_us', 1), Column(f'CPU / {PEER}', 'cpu_us', 3, PEER),
           Column('WAL bytes', 'wal_bytes', 0)]


def parse(arguments):
    parser = argparse.ArgumentParser(prog='bench/run capture', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--workload', action='append', choices=WORKLOADS, metavar='NAME',
                        help=f'may be repeated (default: all of {", ".join(WORKLOADS)})')
    parser.add_argument('--setups', type=int, default=6,
                        help='how often servers are made anew (default: 6)')
    parser.add_argument('--rounds', type=int, default=4, help='of each set-up (default: 4)')
    parser.add_argument('--seconds', type=int, default=1,
                        help='of a slice, of which a round has two for each server (default: 1)')
    parser.add_argument('--clients', type=int, default=2, help='of each pgbench (default: 2)')
    options = parse_with_shared(parser, arguments)
    if min(options.setups, options.rounds, options.seconds, options.clients) < 1:
        parser.error('--setups, --rounds, --seconds and --clients must be at least 1')
    options.workload = list(dict.fromkeys(options.workload or WORKLOADS))
    return options


def main(arguments):
    options = parse(arguments)
    pairs = {case: {subject: [] for subject in WORKLOADS[case.workload].messages if subject != PEER}
             for case in cases(options.workload)}
    for setup in range(1, options.setups + 1):
        with contextlib.ExitStack() as stack:
            report.progress(f'set-up {setup}/{options.setups}: making the servers')
            servers = make_servers(stack, pairs, options)
            if setup == 1:
                describe(servers[PEER], options)
            for case, found in pairs.items():
                measure(servers, case, found, options, f'set-up {setup}/{options.setups}')
    print_results(pairs)
    publish.publish(options, [figures(name, pairs, options) for name in options.workload])


def make_servers(stack, pairs, options):
    names = [PEER] + [name for name in SUBJECTS if any(name in found for found in pairs.values())]
    return {name: stack.enter_context(make_server(SUBJECTS[name], options)) for name in names}


@contextlib.contextmanager
def make_server(subject, options):
    with Server(options.pg_config, options.os_user, options.library_path,
                settings=SETTINGS | subject.settings) as server:
        pgbench.make_tables(server)
        if subject.sql_file:
            server.sql(subject.sql_file.read_text())
        server.sql('CREATE EXTENSION pg_prewarm')
        server.sql("SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal() "
                   f'FROM generate_series(1, {WAL_FILES_AHEAD})')
        server.durable()
        yield server


def describe(server, options):
    load = ', '.join(f'{value:.1f}' for value in os.getloadavg())
    print(f'{server.version}, {os.cpu_count()} CPUs, load average at the start {load}')
    print(f'pgbench at scale {pgbench.SCALE}, fillfactor {pgbench.FILLFACTOR}, '
          f'{options.clients} clients; {options.setups} set-ups, '
          f'in each {options.rounds} rounds of twice {options.seconds} s')
    print('wal_level logical, no slot; fsync on, full_page_writes off, autovacuum off; checkpoints '
          'between workloads only')


def measure(servers, case, found, options, where):
    load = pgbench.Load(case.protocol, case.synchronous_commit, options.clients, options.seconds)
    for subject in (PEER, *found):
        report.progress(f'{where}: {case}: checking {subject}')
        write_script(servers[subject], case)
        settle(servers[subject])
        check(servers[subject], subject, case, options.clients)
    for number in range(1, options.rounds + 1):
        for subject in random.sample(list(found), len(found)):
            report.progress(f'{where}: {case}: round {number}/{options.rounds}: {subject}')
            pair = servers[subject], servers[PEER]
            for server in pair:
                settle(server)
            found[subject].append(paired.drive_both(lambda server: drive(server, load), *pair))


def script_file(server):
    return server.folder / 'script'


def write_script(server, case):
    text = WORKLOADS[case.workload].script(server, case.protocol)
    script_file(server).write_text(text + '\n', encoding='utf-8')


def settle(server):
    """Clears away what was done before, which is more on the server that all are compared with; its
    WAL files can be used again. Tables and indexes are in shared_buffers: else each transaction
    would make a server faster."""
    server.sql('TRUNCATE pgbench_history', f'VACUUM {", ".join(pgbench.TABLES)}',
               "SELECT pg_prewarm(oid) FROM pg_class WHERE relname LIKE 'pgbench%'", 'CHECKPOINT')


def check(server, subject, case, clients):
    """Runs the script a little and counts what it has put into the WAL; warms the caches, too."""
    load = pgbench.Load(case.protocol, 'on', clients, transactions=CHECK_TRANSACTIONS)
    start_lsn = server.sql('SELECT pg_current_wal_flush_lsn()')
    outcome = pgbench.run(server, script_file(server), load)
    end_lsn = server.sql('SELECT pg_current_wal_flush_lsn()')
    workload = WORKLOADS[case.workload]
    messages = [size for size in server.message_bytes(start_lsn, end_lsn)
                if size >= workload.message_bytes_min]
    expected = workload.messages[subject] * outcome.transactions
    if len(messages) != expected:
        raise RuntimeError(f'{case}: "{subject}" put {len(messages)} messages of at least '
                           f'{workload.message_bytes_min} bytes into the WAL, expected {expected}')


def drive(server, load):
    start_lsn = server.sql('SELECT pg_current_wal_insert_lsn()')
    start_cpu = server.ended_children_cpu_seconds()
    outcome = pgbench.run(server, script_file(server), load)
    cpu_seconds = server.ended_children_cpu_seconds() - start_cpu
    wal_bytes = int(server.sql(f"SELECT pg_current_wal_insert_lsn() - '{start_lsn}'"))
    return {'tps': outcome.per_second,
            'cpu_us': cpu_seconds * 1e6 / outcome.transactions,  # of the backends
            'wal_bytes': wal_bytes / outcome.transactions}


def figures(workload, pairs, options):
    asked = {'setups': options.setups, 'rounds': options.rounds, 'seconds': options.seconds, 'clients': options.clients}
    return Figures('capture', workload, asked, COLUMNS, [entry for case, found in pairs.items() if case.workload == workload
                                                         for entry in paired.entries(found, PEER, 'capture', str(case))])


def print_results(pairs):
    report.progress('')
    for case, found in pairs.items():
        workload = WORKLOADS[case.workload]
        print(f'\n{case}\n{workload.what}')
        report.print_aligned(table(workload, found))
    print('\nMedians [quartiles] of all rounds; ratios are to "plain" at the same time. CPU (of\n'
          'backends), WAL and messages are those of a transaction. With synchronous_commit=off\n'
          'nobody waits for the disk: the cost shows best there.')
    for name, subject in SUBJECTS.items():
        print(f'{name:10} {subject.what}')


def table(workload, found):
    rows = [['subject', 'tps', f'tps / {PEER}', 'CPU us', f'CPU / {PEER}', 'WAL bytes',
             f'WAL bytes of {PEER}', 'messages']]
    for subject, pairs in found.items():
        rows.append([subject, f'{median_of(pairs, 0, "tps"):.0f}', paired.spread(paired.ratios(pairs, 'tps'), 3),
                     f'{median_of(pairs, 0, "cpu_us"):.1f}',
                     paired.spread(paired.ratios(pairs, 'cpu_us'), 3),
                     f'{median_of(pairs, 0, "wal_bytes"):.1f}',
                     f'{median_of(pairs, 1, "wal_bytes"):.1f}', str(workload.messages[subject])])
    return rows


def median_of(pairs, side, metric):
    return statistics.median(pair[side][metric] for pair in pairs)
