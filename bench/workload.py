"""What is written to the WAL before anything is timed: half inserts, half updates of the same rows.

The row is an ordinary one of an application: a key, counters, texts, money, a time, a small
document. Everything is computed from the row's number, so that each run writes the same rows.
"""

DDL = """\
CREATE TABLE public.bench_account (
    id         bigint PRIMARY KEY,
    visits     integer NOT NULL,
    email      text NOT NULL,
    name       text NOT NULL,
    active     boolean NOT NULL,
    balance    numeric(12,2) NOT NULL,
    updated_at timestamptz NOT NULL,
    settings   jsonb
)"""
TABLE = 'public.bench_account'
REPLICA_IDENTITY = f'ALTER TABLE {TABLE} REPLICA IDENTITY FULL'

ROW = """\
i, i % 1000, 'user' || i || '@example.com', left(md5(i::text), 20), i % 3 <> 0,
(i % 1000000) / 100.0, timestamptz '2025-01-01 00:00Z' + i * interval '1 second 1 microsecond',
jsonb_build_object('theme', 'dark', 'page', i % 50)"""
ASSIGNMENTS = """\
visits = visits + 1, balance = balance + 1.25, active = NOT active,
updated_at = updated_at + interval '1 day'"""

# name: (what it is, default number of changes)
WORKLOADS = {
    'bulk': ('all inserts in one transaction, then all updates in another', 1_000_000),
    'single': ('one change a transaction', 200_000),
}


def write_bulk(server, rows):
    server.sql(f'INSERT INTO {TABLE} SELECT {ROW} FROM generate_series(1, {rows}) AS i',
               f'UPDATE {TABLE} SET {ASSIGNMENTS}')


def write_single(server, rows):
    server.sql('SET synchronous_commit = off', f"""
        DO $$
        BEGIN
            FOR i IN 1..{rows} LOOP
                INSERT INTO {TABLE} SELECT {ROW};
                COMMIT;
            END LOOP;
            FOR i IN 1..{rows} LOOP
                UPDATE {TABLE} SET {ASSIGNMENTS} WHERE id = i;
                COMMIT;
            END LOOP;
        END $$""")


WRITERS = {'bulk': write_bulk, 'single': write_single}
