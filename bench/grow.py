"""Whether ingest becomes slower as the trail grows: the rate into a partition with many changes, and with few.

One server has both trails, each full of changes of the same table; a source writes new ones, which `waltrail apply --until now` then brings
into the one and the other, in turns. What was moved is counted and compared after each run. With --keep the large trail stays in that
folder, with what each run adds to it, and is used again.

The GIN indexes of the large trail are read into memory before the rounds, where a server that has written all the time has them; checkpoints come
by themselves, each after some 4 GB of WAL.
"""
import argparse
import contextlib
import os
import pathlib

import program
import publish
import report
import stored_trail
import trail_check
import two_ends
import workload
from comparison import Comparison
from figures import Column
from options import parse_with_shared
from server import DATABASE, run_checked

# The trail takes most of a disk: WAL must leave it some.
DESTINATION_SETTINGS = {'maintenance_work_mem': '512MB', 'max_wal_size': '8GB', 'min_wal_size': '1GB', 'wal_compression': 'lz4'}
WARM = """SELECT sum(pg_prewarm(i.indexrelid)) FROM changes.partitions() AS p JOIN pg_index AS i ON i.indrelid = p.partition::regclass
 JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS a ON a.oid = c.relam
 WHERE a.amname = 'gin' AND now() >= p.lower_bound AND now() < p.upper_bound"""
COLUMNS = [Column('stored', 'stored_changes', 0), Column('stored GB', 'stored_gb', 1), Column('wall s', 'wall_seconds'),
           Column('changes/s', 'changes_per_second', 0), Column('rate / small', 'changes_per_second', 3, 'small'),
           Column('apply CPU s', 'apply_cpu_seconds'), Column('destination CPU s', 'destination_cpu_seconds')]


def parse(arguments):
    parser = argparse.ArgumentParser(prog='bench/run grow', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--large', type=int, default=50_000_000, metavar='CHANGES', help='stored in the one trail (default: 50000000)')
    parser.add_argument('--small', type=int, default=1_000_000, metavar='CHANGES', help='stored in the other (default: 1000000)')
    parser.add_argument('--changes', type=int, default=200_000, help='brought into each in a round (default: 200000)')
    parser.add_argument('--runs', type=int, default=5, help='rounds (default: 5)')
    parser.add_argument('--workload', default='narrow', choices=['narrow', 'narrow_context'], help='(default: narrow)')
    parser.add_argument('--shared-buffers', default='4GB', metavar='SIZE', help='of the destination; GIN indexes of 50 million changes take 11.5 GB (default: 4GB)')
    parser.add_argument('--keep', metavar='DIR', type=pathlib.Path, help='keep the large trail here, and use it again')
    parser.add_argument('--sessions', type=int, default=os.cpu_count(), help='that store what is stored (default: one a CPU)')
    program.add_options(parser)
    options = parse_with_shared(parser, arguments)
    options.workload = workload.WORKLOADS[options.workload]
    if min(options.small, options.changes, options.runs, options.sessions) < 1 or options.large < options.small:
        parser.error('--small, --changes, --runs and --sessions must be at least 1, --large at least --small')
    return options


def main(arguments):
    options = parse(arguments)
    waltrail = program.Program(options)
    comparison = Comparison('grow', options.workload.name, {'large': options.large, 'small': options.small, 'changes': options.changes,
                                                           'runs': options.runs, 'shared_buffers': options.shared_buffers,
                                                           'apply flags': options.apply_flags})
    data = None
    if options.keep:
        data = stored_trail.kept_data(options.keep, run_checked([options.pg_config, '--version']), options.workload, options.large)
    with contextlib.ExitStack() as servers:
        source = servers.enter_context(two_ends.make_source(options))
        destination = servers.enter_context(two_ends.make_destination(options, kept_data=data, settings=DESTINATION_SETTINGS | {'shared_buffers': options.shared_buffers}))
        is_kept = data is not None and stored_trail.is_made(data)
        store(destination, is_kept, options)
        destination.durable()
        attached = attach(source, destination, waltrail, options.workload)
        source.durable()
        warm(destination)
        two_ends.describe(source, destination)
        print(f'workload "{options.workload.name}": {options.workload.what}; {options.runs} rounds of {options.changes} changes, after one that is not counted\n')
        run_round(Comparison('grow', 'warm', {}), 0, source, attached, options)
        for number in range(1, options.runs + 1):
            run_round(comparison, number, source, attached, options)
    comparison.print_table(COLUMNS)
    print('\nMedians [min–max] of the rounds. Wall: of apply, from the start of its process to its end.')
    publish.publish(options, [comparison.figures(COLUMNS, ['small'])])


def store(destination, is_kept, options):
    if is_kept:
        rows, _ = stored_trail.stored(destination, stored_trail.LARGE)
        if rows < options.large * 0.95:
            raise RuntimeError(f'the partition of this year has {rows} changes of {options.large}: remove {destination.data}, to have it made anew')
        print(f'{stored_trail.LARGE}: kept, {rows} changes')
    else:
        stored_trail.make(destination, stored_trail.LARGE, options.large, options.workload, options.sessions)
        if destination.kept_data:
            stored_trail.note_made(destination)
    stored_trail.make(destination, stored_trail.SMALL, options.small, options.workload, options.sessions)


def warm(destination):
    report.progress(f'{stored_trail.LARGE}: reading GIN indexes')
    pages = destination.sql('CREATE EXTENSION IF NOT EXISTS pg_prewarm', WARM, database=stored_trail.LARGE)
    print(f'{stored_trail.LARGE}: GIN indexes of {int(pages) * 8192 / 1e9:.1f} GB were read')


class Stored:
    """One of the two trails, with the slot that leads to it."""

    def __init__(self, name, source, destination, waltrail, database):
        self.name = name
        self.source = source
        self.destination = destination
        self.program = waltrail
        self.database = database
        # A kept trail knows the sources of earlier runs, each by a label and a slot of its own.
        self.label = f'{DATABASE}_{source.sql("SELECT system_identifier FROM pg_control_system()")}'
        self.slot = f'{self.label}_{name}'
        self.since = destination.sql("SELECT date_trunc('second', now())")

    @property
    def conninfo(self):
        return self.destination.conninfo(self.database)

    @property
    def condition(self):
        """Of what this run has brought; the BRIN index finds it."""
        return f"database = '{self.label}' AND committed_at >= '{self.since}'"

    def init(self):
        self.program.init(self.source.conninfo(), self.conninfo, self.slot, '--label', self.label)

    def apply(self):
        before = self.destination.ended_children_cpu_seconds()
        ended = self.program.apply_until_now(self.source.conninfo(), self.conninfo, self.slot)
        return ended, self.destination.ended_children_cpu_seconds() - before

    def sql(self, *statements):
        return self.destination.sql(*statements, database=self.database)


def attach(source, destination, waltrail, chosen):
    chosen.make_tables(source)
    attached = [Stored('small', source, destination, waltrail, stored_trail.SMALL),
                Stored('large', source, destination, waltrail, stored_trail.LARGE)]
    for stored in attached:
        stored.init()
    return attached


def run_round(comparison, number, source, attached, options):
    """Round 0 brings what is used into memory, and is not counted."""
    report.progress(f'round {number}/{options.runs}: writing')
    chosen, rows = options.workload, options.changes // 2
    # Records that are new to both trails: numbers go on where those of the large one end.
    chosen.write(source, options.changes, first=options.large // 2 + 1 + number * rows)
    checksums = []
    for stored in attached if number % 2 == 0 else reversed(attached):
        report.progress(f'round {number}/{options.runs}: {stored.name}')
        rows_before, bytes_before = stored_trail.stored(stored.destination, stored.database)
        ended, cpu_seconds = stored.apply()
        total = chosen.total(options.changes)
        comparison.add(stored.name, {
            'stored_changes': rows_before, 'stored_gb': bytes_before / 1e9, 'wall_seconds': ended.wall_seconds,
            'changes_per_second': total / ended.wall_seconds, 'apply_cpu_seconds': ended.cpu_seconds, 'destination_cpu_seconds': cpu_seconds})
        checksums.append(trail_check.expect_counts(stored, chosen, (number + 1) * options.changes // 2 * 2, stored.condition))
    trail_check.expect('checksum of the large trail, by that of the small one', *checksums)
    if number == options.runs:
        trail_check.expect_tables(attached[0], chosen.table, attached[0].condition)
