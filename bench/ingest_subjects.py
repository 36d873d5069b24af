"""What bring changes into a server, each as bench/run ingest drives it: reset(), then run(), timed, then check().

run() returns its metrics. `rows` are the changes that were written; `cpu` is that of a server's processes that have ended.
"""
import contextlib
import subprocess
import threading
import time

import slots
import trail_check
from server import DATABASE
from session import connect
from two_ends import create_database, wait_until

COPY_FILE_BYTES = 8_000_000  # as apply's batches have
CATCH_UP_TIMEOUT_S = 3600


class Ingest:
    """What subjects share: the workload that the source has in its WAL, and where it ends."""

    def __init__(self, trail, workload, changes):
        self.trail = trail
        self.source = trail.source
        self.destination = trail.destination
        self.workload = workload
        self.changes = changes              # as asked for
        self.total = workload.total(changes)
        self.end_lsn = None                 # of the workload
        self.checksum = None                # of the trail, once it is known to be right

    def rates(self, wall_seconds, **metrics):
        return {'wall_seconds': wall_seconds, 'changes_per_second': self.total / wall_seconds} | metrics


@contextlib.contextmanager
def cpu_of(**servers):
    """Yields a mapping that has, after the block, the CPU seconds of each server's processes that ended in it."""
    before = {name: server.ended_children_cpu_seconds() for name, server in servers.items()}
    found = {}
    yield found
    for name, server in servers.items():
        found[f'{name}_cpu_seconds'] = server.ended_children_cpu_seconds() - before[name]


class Waltrail:
    """`waltrail apply --until now`, from the start of the process to its end."""
    name = 'waltrail'

    def __init__(self, ingest, trail=None, flags=()):
        self.ingest = ingest
        self.trail = trail or ingest.trail
        self.flags = flags

    def reset(self):
        self.trail.reset()

    def run(self):
        with cpu_of(source=self.trail.source, destination=self.trail.destination) as cpu:
            ended = self.trail.apply(self.flags)
        return self.ingest.rates(ended.wall_seconds, apply_cpu_seconds=ended.cpu_seconds,
                                 cpu_us_per_change=ended.cpu_seconds * 1e6 / self.ingest.total,
                                 apply_memory_mb=ended.memory_bytes_max / 1e6, **cpu,
                                 context_index_mb=self.context_index_bytes() / 1e6)

    def context_index_bytes(self):
        return int(self.trail.sql("SELECT sum(pg_relation_size(indexrelid)) FROM pg_index WHERE indrelid IN (SELECT partition FROM "
                                  "changes.partition_bounds()) AND pg_get_indexdef(indexrelid) LIKE '%gin (context%'"))

    def check(self):
        checksum = trail_check.expect_counts(self.trail, self.ingest.workload, self.ingest.changes)
        if self.ingest.checksum is None:
            trail_check.expect_chain(self.trail)
            trail_check.expect_tables(self.trail, self.ingest.workload.table)
            self.ingest.checksum = checksum
        trail_check.expect('checksum of the trail', checksum, self.ingest.checksum)


class WaltrailActor(Waltrail):
    """The same from a source that preloads the library: each change has its actor in the context."""
    name = 'waltrail_actor'

    def check(self):
        super().check()
        actors = self.trail.sql("SELECT count(*) FROM public.changes WHERE context #>> '{_waltrail,actor,session_user}' = 'postgres'")
        trail_check.expect('changes with an actor', int(actors), self.ingest.total)


class Copy:
    """COPY of the very same rows from files into the same table: the limit. Each file is a transaction, of the size of apply's batches."""

    def __init__(self, ingest, sessions):
        self.name = f'copy_{sessions}'
        self.ingest = ingest
        self.sessions = sessions

    def reset(self):
        self.ingest.trail.reset_destination()

    def run(self):
        files = sorted(copy_folder(self.ingest).iterdir())
        # In turns, so that each session has as much to do: the first files are INSERTs, which have half as much as UPDATEs.
        shares = [files[first::self.sessions] for first in range(self.sessions)]
        with cpu_of(destination=self.ingest.destination) as cpu:
            start = time.monotonic()
            failures = []
            threads = [threading.Thread(target=self._copy, args=(chosen, failures)) for chosen in shares]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            wall_seconds = time.monotonic() - start
        if failures:
            raise failures[0]
        return self.ingest.rates(wall_seconds, **cpu)

    def _copy(self, files, failures):
        try:
            self.ingest.trail.sql('SET synchronous_commit = on', *(f"COPY public.changes FROM '{file}' (FORMAT binary)" for file in files))
        except (RuntimeError, OSError, subprocess.SubprocessError) as error:
            failures.append(error)

    def check(self):
        checksum = trail_check.expect_counts(self.ingest.trail, self.ingest.workload, self.ingest.changes)
        trail_check.expect('checksum of what was copied', checksum, self.ingest.checksum)


def copy_folder(ingest):
    return ingest.destination.folder / 'rows'


def write_copy_files(ingest):
    """From the rows that waltrail has just written, in the order of their positions."""
    destination, trail = ingest.destination, ingest.trail
    folder = copy_folder(ingest)
    folder.mkdir(exist_ok=True)
    destination.own(folder)
    trail.sql('CREATE UNLOGGED TABLE bench_rows AS SELECT row_number() OVER (ORDER BY position, id) AS number, c.* FROM public.changes AS c',
              'CREATE INDEX ON bench_rows (number)', 'ANALYZE bench_rows')
    sample = trail.sql('SELECT avg(length(before::text) + length(after::text) + length(context::text)) + 200 '
                       'FROM (SELECT * FROM bench_rows WHERE number % 100 = 1) AS s')
    step = max(int(COPY_FILE_BYTES / float(sample)), 1)
    columns = ('id, database, schema, "table", primary_key, operation, before, after, context, committed_at, queued_at, created_at, '
               'transaction_id, position')
    trail.sql(*(f'COPY (SELECT {columns} FROM bench_rows WHERE number >= {first} AND number < {first + step} ORDER BY number) '
                f"TO '{folder}/{first:012}' (FORMAT binary)" for first in range(1, ingest.total + 1, step)))
    trail.sql('DROP TABLE bench_rows')
    return step


class LogicalReplication:
    """PostgreSQL's own, into a plain copy of the source's table with nothing but its primary key."""
    name = 'logical_replication'
    slot = 'bench_pgoutput'
    run_slot = 'bench_pgoutput_run'
    database = 'replica'

    def __init__(self, ingest):
        self.ingest = ingest

    def prepare(self):
        """Before the workload is written."""
        table = self.ingest.workload.table
        self.ingest.source.sql(f'CREATE PUBLICATION bench FOR TABLE public.{table}',
                               f"SELECT pg_create_logical_replication_slot('{self.slot}', 'pgoutput')")

    def reset(self):
        source, destination = self.ingest.source, self.ingest.destination
        slots.drop(source, self.run_slot)
        slots.copy(source, self.slot, self.run_slot)
        create_database(destination, self.database)
        destination.sql(
            self.ingest.workload.shape.ddl,
            f"CREATE SUBSCRIPTION bench CONNECTION '{source.conninfo()}' PUBLICATION bench "
            f"WITH (create_slot = false, slot_name = '{self.run_slot}', copy_data = false, enabled = false)", database=self.database)
        destination.sql('CHECKPOINT')

    def run(self):
        source, destination = self.ingest.source, self.ingest.destination
        with cpu_of(source=source, destination=destination) as cpu, contextlib.closing(connect(source)) as watcher:
            start = time.monotonic()
            destination.sql('ALTER SUBSCRIPTION bench ENABLE', database=self.database)
            self._wait_until_confirmed(watcher)
            wall_seconds = time.monotonic() - start
            self._end_subscription()
        return self.ingest.rates(wall_seconds, **cpu)

    def _wait_until_confirmed(self, watcher):
        def is_confirmed():
            cursor.execute('SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots WHERE slot_name = %s',
                           [self.ingest.end_lsn, self.run_slot])
            return cursor.fetchone()[0]

        with watcher.cursor() as cursor:
            wait_until(is_confirmed, 'logical replication to catch up', CATCH_UP_TIMEOUT_S)

    def _end_subscription(self):
        """Its worker's CPU time is known once it has ended."""
        self.ingest.destination.sql('ALTER SUBSCRIPTION bench DISABLE', database=self.database)
        workers = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'logical replication worker'"
        wait_until(lambda: self.ingest.destination.sql(workers) == '0', 'the subscription to end', 10)
        self.ingest.destination.sql('ALTER SUBSCRIPTION bench SET (slot_name = NONE)', 'DROP SUBSCRIPTION bench', database=self.database)

    def check(self):
        table = self.ingest.workload.table
        trail_check.expect('rows and checksum of the copied table',
                           trail_check.table_checksum(self.ingest.destination, self.database, table),
                           trail_check.table_checksum(self.ingest.source, DATABASE, table))
