"""A trail for bench/run query: how it is made, and what a server is given for it."""
import concurrent.futures
import dataclasses
import os
import pathlib
import time

import report

FOLDER = pathlib.Path(__file__).parent
PENDING_BYTES_MAX = 4096 * 1024  # gin_pending_list_limit, the server's default
PENDING_STEP = 500               # changes

# What a server of this size would be given; autovacuum is off, since what it does is part of the set-up here.
SETTINGS = {'shared_buffers': '4GB', 'work_mem': '16MB', 'maintenance_work_mem': '512MB',
            'effective_cache_size': '16GB', 'random_page_cost': '1.1', 'wal_level': 'minimal',
            'max_wal_senders': '0', 'full_page_writes': 'off'}


@dataclasses.dataclass(frozen=True)
class Scale:
    changes: int
    records: int
    days: int

    @property
    def versions(self):
        return self.changes // self.records


def load(server, scale, sessions):
    report.progress('making the trail')
    server.sql('CREATE SCHEMA partman', 'CREATE EXTENSION pg_partman SCHEMA partman',
               'CREATE EXTENSION waltrail', 'CREATE EXTENSION pageinspect',
               f"SELECT changes.setup('{scale.days + 5} days')")
    server.sql((FOLDER / 'trail.sql').read_text(encoding='utf-8'))
    server.sql(f"CREATE TABLE span AS SELECT now() - interval '{scale.days} days' AS starts, "
               f"interval '{scale.days} days' AS lasts")
    # A partition for each day: maintenance makes them once it knows how far back the trail reaches.
    server.sql('INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at) '
               "SELECT 'shop', 'public', 'users', 'TRUNCATE', 0, 0, date_trunc('second', starts + g * interval '1 day') "
               f'FROM span, generate_series(0, {scale.days}) AS g')
    server.sql('CALL changes.maintain()')
    server.sql('SET session_replication_role = replica; DELETE FROM public.changes')
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(sessions) as pool:
        for day in pool.map(lambda day: load_day(server, scale, day), range(scale.days)):
            report.progress(f'day {day + 1} of {scale.days} is loaded')
    server.sql('SELECT register_source(starts) FROM span')
    print(f'loaded in {time.monotonic() - start:.0f} s by {sessions} sessions')
    report.progress('sealing the partitions')
    for partition in server.sql('SELECT partition FROM changes.partitions()').splitlines():
        server.sql(f'VACUUM (FREEZE, ANALYZE) {partition}')
    server.sql('ANALYZE public.changes', 'CHECKPOINT')


def load_day(server, scale, day):
    low, high = (scale.versions * number / scale.days for number in (day, day + 1))
    server.sql(f'INSERT INTO public.changes SELECT c.* FROM span, changes_between({low}, {high}, '
               f'{scale.versions}, {scale.records}, starts, lasts) AS c')
    return day


def fill_pending(server, scale):
    """Copies of the newest changes, until the fullest list is nearly at its limit: a little more and
    a writer would empty it."""
    newest = server.sql("SELECT partition FROM changes.partitions() WHERE lower_bound <= now() AND upper_bound > now()")
    indexes = server.sql('SELECT indexrelid::regclass FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid '
                         f"JOIN pg_am AS a ON a.oid = c.relam WHERE indrelid = '{newest}'::regclass AND amname = 'gin'").split()
    recent = "public.changes WHERE committed_at > now() - interval '2 days'"
    rows = int(server.sql(f'SELECT count(*) FROM {recent}'))
    if rows == 0:
        raise RuntimeError('the trail has no changes of today and yesterday that could be copied')
    filled = step = 0
    while True:
        pages = max(int(server.sql(f"SELECT n_pending_pages FROM gin_metapage_info(get_raw_page('{index}', 0))"))
                    for index in indexes)
        if filled and pages * 8192 + step > PENDING_BYTES_MAX:
            return filled
        server.sql('INSERT INTO public.changes SELECT gen_random_uuid(), c.database, c.schema, c."table", c.primary_key, c.operation, '
                   "c.before, c.after, c.context, date_trunc('second', now()), c.queued_at, c.created_at, c.transaction_id, c.position "
                   f'FROM generate_series(1, {-(-PENDING_STEP // rows)}), LATERAL (SELECT * FROM {recent} '
                   f'OFFSET {filled % max(rows - PENDING_STEP, 1)} LIMIT {PENDING_STEP}) AS c LIMIT {PENDING_STEP}')
        filled += PENDING_STEP
        step = max(step, pages * 8192 * PENDING_STEP // filled * 2)


def describe(server, scale):
    load_average = ', '.join(f'{value:.1f}' for value in os.getloadavg())
    partitions, heap, indexes = server.sql(
        "SELECT count(*), pg_size_pretty(sum(pg_table_size(partition))), pg_size_pretty(sum(pg_indexes_size(partition))) "
        'FROM changes.partitions()').split('|')
    count = server.sql('SELECT count(*) FROM public.changes')
    print(f'{server.version}, {os.cpu_count()} CPUs, load average {load_average}')
    print(f'{count} changes of {scale.records} records in {scale.days} days; {partitions} partitions, {heap} and {indexes} of indexes')
    print(', '.join(f'{name} {value}' for name, value in SETTINGS.items()))
