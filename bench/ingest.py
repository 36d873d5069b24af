"""How fast changes come from a source's WAL into an indexed trail, beside COPY of the very same rows (the limit) and what else people use.

The WAL is written before anything is timed. Each run begins with the destination and the slot as they were then, and ends when all
changes are committed there, durably; rounds are interleaved (A B C A B C …). After each run, what was moved is counted and
compared by a checksum; the trail itself is compared with the source's table in a pass that is not timed, which also warms the caches and makes
the files for COPY.
"""
import argparse
import contextlib

import program
import publish
import report
import two_ends
import workload
from audit_trigger import AuditTrigger
from burst import Burst
from comparison import Comparison
from figures import Column
from ingest_subjects import Copy, Ingest, LogicalReplication, Waltrail, WaltrailActor, write_copy_files
from options import parse_with_shared
from wal2json_client import KEYS, Wal2json

PEERS = ('copy_1', 'copy_2', 'logical_replication', 'wal2json', 'audit_trigger')
LIMIT = 'copy_2'
COLUMNS = [
    Column('wall s', 'wall_seconds'), Column('extra s', 'extra_seconds'), Column('changes/s', 'changes_per_second', 0),
    Column(f'rate / {LIMIT}', 'changes_per_second', 3, LIMIT), Column('apply CPU s', 'apply_cpu_seconds'),
    Column('us a change', 'cpu_us_per_change'), Column('source CPU s', 'source_cpu_seconds'),
    Column('destination CPU s', 'destination_cpu_seconds'), Column('apply MB', 'apply_memory_mb', 1),
    Column('context index MB', 'context_index_mb', 1), Column('cleaning after it s', 'cleaning_seconds'), Column('asked', 'questions', 0),
    Column('@> worst ms', 'contains_ms_max', 1), Column('history worst ms', 'history_ms_max', 1),
]
BURST_COLUMNS = [*COLUMNS, Column('rate / waltrail', 'changes_per_second', 3, 'waltrail')]


def parse(arguments):
    parser = argparse.ArgumentParser(prog='bench/run ingest', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--workload', default='narrow', metavar='NAMES',
                        help=f'comma-separated, or all, from: {", ".join(workload.FROM_NOTHING)} (default: narrow)')
    parser.add_argument('--changes', type=int, help='(default: the workload\'s own, 1000000 for narrow)')
    parser.add_argument('--runs', type=int, default=3, help='timed rounds (default: 3)')
    parser.add_argument('--peers', default=','.join(PEERS), help=f'comma-separated, from: {", ".join(PEERS)} (default: all)')
    parser.add_argument('--actor', action='store_true', help='beside it, a source that preloads the library: an actor in each context')
    parser.add_argument('--burst', type=int, metavar='CHANGES', help='so many are absorbed while questions are asked; peers: copy_2')
    parser.add_argument('--burst-flags', default='', metavar='FLAGS', help='of waltrail apply in the burst only, in one word')
    program.add_options(parser)
    options = parse_with_shared(parser, arguments)
    options.workload = workload.parse_names(parser, options.workload, workload.FROM_NOTHING)
    options.peers = [LIMIT] if options.burst else [name for name in options.peers.split(',') if name]
    options.changes = options.burst or options.changes
    unknown = [name for name in options.peers if name not in PEERS]
    if unknown:
        parser.error(f'unknown peer "{unknown[0]}"; there are: {", ".join(PEERS)}')
    if options.runs < 1 or (options.changes is not None and options.changes < 2):
        parser.error('--changes and --burst must be at least 2 and --runs at least 1')
    return options


def main(arguments):
    options = parse(arguments)
    waltrail = program.Program(options)
    columns = BURST_COLUMNS if options.burst else COLUMNS
    found = []
    for chosen in options.workload:
        changes = options.changes or chosen.changes
        comparison = Comparison('ingest' if options.burst is None else 'burst', chosen.name, settings(chosen, changes, options))
        with contextlib.ExitStack() as servers:
            compare(comparison, chosen, changes, waltrail, servers, options)
        comparison.print_table(columns)
        found.append(comparison.figures(columns, ['waltrail', *PEERS]))
    print('\nMedians [min–max] of the rounds. Wall: until everything is committed at the destination; of apply from the start of its process to its\n'
          'end. CPU of a server: its sessions and walsenders. audit_trigger: the workload itself with the trigger; extra: beyond it without.')
    publish.publish(options, found)


def settings(chosen, changes, options):
    return {'changes': chosen.total(changes), 'runs': options.runs, 'peers': options.peers, 'actor': options.actor,
            'apply flags': options.apply_flags, 'flags in the burst': options.burst_flags}


def compare(comparison, chosen, changes, waltrail, servers, options):
    source = servers.enter_context(two_ends.make_source(options, plugins=['wal2json']))
    destination = servers.enter_context(two_ends.make_destination(options))
    ingest, subjects = write_wal(comparison, source, destination, chosen, changes, waltrail, options)
    if options.actor:
        subjects.append(with_actor(ingest, waltrail, servers, options))
    if 'audit_trigger' in options.peers:
        server = servers.enter_context(two_ends.make_source(options))
        server.durable()
        subjects.append(AuditTrigger(ingest, server))
    destination.durable()
    print(f'\nworkload "{chosen.name}": {chosen.what}; {ingest.total} changes, {options.runs} interleaved rounds')
    two_ends.describe(source, destination)
    first_pass(ingest, options)
    for number in range(options.runs):
        for subject in subjects:
            report.progress(f'{chosen.name}: round {number + 1}/{options.runs}: {subject.name}')
            subject.reset()
            metrics = subject.run()
            report.progress(f'{chosen.name}: round {number + 1}/{options.runs}: checking {subject.name}')
            subject.check()
            comparison.add(subject.name, metrics)


def write_wal(comparison, source, destination, chosen, changes, waltrail, options):
    """Tables, trail, slots, then the workload. Returns what the subjects share, and the subjects."""
    chosen.make_tables(source)
    trail = two_ends.Trail(source, destination, waltrail)
    trail.make()
    ingest = Ingest(trail, chosen, changes)
    subjects = [Waltrail(ingest)]
    if options.burst:
        subjects.append(Burst(ingest, flags=options.burst_flags.split()))
    subjects += [Copy(ingest, sessions) for sessions in (1, 2) if f'copy_{sessions}' in options.peers]
    for peer in [LogicalReplication(ingest), Wal2json(ingest)]:
        if peer.name not in options.peers:
            continue
        if peer.name == 'wal2json' and not source.has_library(peer.plugin):
            comparison.leave_out(peer.name, f'no output plugin "{peer.plugin}" here')
            continue
        peer.prepare()
        subjects.append(peer)
    ingest.end_lsn = write(source, ingest)
    return ingest, subjects


def write(source, ingest):
    report.progress(f'{ingest.workload.name}: writing {ingest.total} changes')
    ingest.workload.write(source, ingest.changes)
    source.durable()
    return source.sql('SELECT pg_current_wal_flush_lsn()')


def with_actor(ingest, waltrail, servers, options):
    source = servers.enter_context(two_ends.make_source(options, {'shared_preload_libraries': 'waltrail'}))
    ingest.workload.make_tables(source)
    trail = two_ends.Trail(source, ingest.destination, waltrail, name='trail_actor')
    trail.make()
    write(source, ingest)
    return WaltrailActor(ingest, trail)


def first_pass(ingest, options):
    report.progress(f'{ingest.workload.name}: the pass that is not timed')
    subject = Waltrail(ingest)
    subject.reset()
    subject.run()
    subject.check()
    if 'wal2json' in options.peers:
        ingest.keys = ingest.trail.sql(KEYS.format(table='public.changes'))
    if any(name.startswith('copy_') for name in options.peers):
        rows = write_copy_files(ingest)
        print(f'copy_1, copy_2: files of {rows} rows, each a transaction')
