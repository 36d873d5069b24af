"""A source whose WAL is written before anything is timed, and a destination whose trail every run begins anew.

The trail is made once by `waltrail init`, and kept as a template of a database; the slot is kept as it was made, and copied. So each
run finds what the first one found. The source runs with its defaults but for wal_level. The destination does as little beside
its work as a server may: wal_level minimal, nothing replicates from it; it flushes each commit.
"""
import os
import time

import report
import slots
from server import DATABASE, Server

TRAIL = 'trail'
SLOT = 'bench'
START_SLOT = 'bench_start'

SOURCE_SETTINGS = {'shared_buffers': '512MB', 'max_wal_senders': '20'}
DESTINATION_SETTINGS = {'shared_buffers': '2GB', 'min_wal_size': '8GB', 'wal_level': 'minimal', 'max_wal_senders': '0', 'max_logical_replication_workers': '8',
                        'max_worker_processes': '16', 'maintenance_work_mem': '256MB', 'effective_cache_size': '8GB', 'random_page_cost': '1.1'}


def make_source(options, settings=None, plugins=()):
    return Server(options.pg_config, options.os_user, options.library_path, settings=SOURCE_SETTINGS | (settings or {}),
                  output_plugins=['pgoutput', 'waltrail', *plugins])


def make_destination(options, kept_data=None, settings=None):
    return Server(options.pg_config, options.os_user, options.library_path, settings=DESTINATION_SETTINGS | (settings or {}),
                  kept_data=kept_data)


def create_database(server, name, template='template0'):
    server.sql(f'DROP DATABASE IF EXISTS {name} WITH (FORCE)', f'CREATE DATABASE {name} TEMPLATE {template}', database='postgres')


def describe(source, destination):
    load = ', '.join(f'{value:.1f}' for value in os.getloadavg())
    print(f'{source.version}, {os.cpu_count()} CPUs, load average before the runs {load}; source and destination on this machine')
    for name, server in (('source', source), ('destination', destination)):
        shown = ', '.join(f'{setting} {server.sql(f"SHOW {setting}")}' for setting in
                          ('wal_level', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'autovacuum'))
        print(f'{name}: {shown}')


def wait_until(condition, what, timeout_s):
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f'timed out after {timeout_s} s waiting for {what}')
        time.sleep(0.02)


class Trail:
    """The trail of `source` in a database of its own on `destination`."""

    def __init__(self, source, destination, program, name=TRAIL):
        self.source = source
        self.destination = destination
        self.program = program
        self.name = name
        self.template = f'{name}_template'

    @property
    def conninfo(self):
        return self.destination.conninfo(self.name)

    def make(self, *init_options):
        """Before the workload is written, after its tables are made."""
        create_database(self.destination, self.name)
        self.program.init(self.source.conninfo(), self.conninfo, SLOT, '--label', DATABASE, *init_options)
        slots.copy(self.source, SLOT, START_SLOT)
        self.destination.sql(f'ALTER DATABASE {self.name} RENAME TO {self.template}', database='postgres')

    def reset(self):
        """As it was after init(), with nothing left to be written to the disk by what was before."""
        report.progress('resetting the destination')
        self.reset_destination()
        slots.drop(self.source, SLOT)
        slots.copy(self.source, START_SLOT, SLOT)

    def reset_destination(self):
        create_database(self.destination, self.name, self.template)
        self.destination.sql('CHECKPOINT')

    def apply(self, more=()):
        return self.program.apply_until_now(self.source.conninfo(), self.conninfo, SLOT, more)

    def sql(self, *statements):
        return self.destination.sql(*statements, database=self.name)
