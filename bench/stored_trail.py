"""Trails that hold millions of changes already, all in one partition, for bench/run grow.

Changes are those of the workload's table, as many as are asked for: each record is inserted and updated once. They are written by SQL with
all indexes in place, by several sessions: an index that is made afterwards would be denser than one that has grown. A large trail
takes long to make, so its server's data directory is kept, and used again while it is the same year: partitions are of a year,
and what is new must come into the one that is full.
"""
import concurrent.futures
import shutil
import time

import report
import workload
from two_ends import create_database

STEP = 50_000  # changes of one transaction
LARGE, SMALL = 'trail_large', 'trail_small'

# The change with number c is the insert of record c / 2, or its update. Positions and times rise with c; the last is of now.
ROWS = """
INSERT INTO public.changes
SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(c % 4096), 3, '0') || '8'
        || substr(md5(c::text), 1, 15))::uuid,
       'stored', 'public', '{table}', i::text, CASE WHEN c % 2 = 0 THEN 'CREATE' ELSE 'UPDATE' END,
       CASE WHEN c % 2 = 0 THEN '{{}}' ELSE content END,
       CASE WHEN c % 2 = 0 THEN content ELSE content || jsonb_build_object(
           'visits', i % 1000 + 1, 'active', i % 3 = 0, 'balance', (content ->> 'balance')::numeric + 1.25,
           'updated_at', (content ->> 'updated_at')::timestamptz + interval '1 day') END,
       {context}, at, at, at, 1000 + c / 100, 1000000 + c * 200
  FROM (SELECT c, i, to_jsonb(r) AS content,
               date_trunc('second', greatest(now() - ({count} - c) * interval '1 millisecond', date_trunc('year', now()))) AS at
          FROM generate_series({first}::bigint, {last}::bigint) AS c
         CROSS JOIN LATERAL (SELECT c / 2 + 1) AS n (i)
         CROSS JOIN LATERAL (SELECT {values}) AS r ({names})) AS s"""


def make(server, database, count, chosen, sessions):
    """A trail with so many changes stored, by the sessions."""
    create_database(server, database)
    server.sql('CREATE SCHEMA partman', 'CREATE EXTENSION pg_partman SCHEMA partman', 'CREATE EXTENSION waltrail',
               "SELECT changes.setup('unlimited', '1 year')", database=database)
    context = f'({workload.context_sql("c / 100")})::jsonb' if chosen.has_context else "'{}'"

    def load(first):
        server.sql('SET synchronous_commit = off', ROWS.format(
            table=chosen.table, values=chosen.shape.values, names=chosen.shape.names, context=context, count=count, first=first,
            last=min(first + STEP, count) - 1), database=database)
        return first

    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(sessions) as pool:
        for first in pool.map(load, range(0, count, STEP)):
            report.progress(f'{database}: {first} of {count} changes stored')
    partition = server.sql('SELECT partition FROM changes.partitions() WHERE now() >= lower_bound AND now() < upper_bound', database=database)
    report.progress(f'{database}: vacuum')
    server.sql(f'VACUUM (FREEZE, ANALYZE) {partition}', 'CHECKPOINT', database=database)
    print(f'{database}: stored {count} changes in {time.monotonic() - start:.0f} s')


def stored(server, database):
    """The rows (an estimate) and bytes in the partition of now."""
    rows, size = server.sql('SELECT rows, total_bytes FROM changes.partitions() WHERE now() >= lower_bound AND now() < upper_bound',
                            database=database).split('|')
    return int(rows), int(size)


def kept_data(folder, version, chosen, count):
    """The data directory in the folder --keep, without what an interrupted run has left of it."""
    data = folder / f'postgresql-{version.split()[1]}-{chosen.name}-{count}'
    if data.exists() and not is_made(data):
        shutil.rmtree(data)
    return data


def is_made(data):
    return (data / 'waltrail_bench_made').exists()


def note_made(server):
    marker = server.data / 'waltrail_bench_made'
    marker.touch()
    server.own(marker)
