"""The rows that workloads write: an ordinary row of an application, a wide one, and one with a large text.

Everything is computed from the row's number `i`, so that each run writes the same rows.
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class RowShape:
    table: str        # in schema public; its key is the column `id`
    columns: tuple    # of (name, type with constraints, the value as SQL over i)
    assignments: str  # of an UPDATE of each row

    @property
    def ddl(self):
        lines = ',\n'.join(f'    {name} {kind}' for name, kind, _ in self.columns)
        return f'CREATE TABLE public.{self.table} (\n{lines}\n)'

    @property
    def replica_identity(self):
        return f'ALTER TABLE public.{self.table} REPLICA IDENTITY FULL'

    @property
    def names(self):
        return ', '.join(name for name, _, _ in self.columns)

    @property
    def values(self):
        return ', '.join(value for _, _, value in self.columns)


# A key, a counter, texts, money, a time, a small document.
NARROW = RowShape('bench_account', (
    ('id', 'bigint PRIMARY KEY', 'i'),
    ('visits', 'integer NOT NULL', 'i % 1000'),
    ('email', 'text NOT NULL', "'user' || i || '@example.com'"),
    ('name', 'text NOT NULL', 'left(md5(i::text), 20)'),
    ('active', 'boolean NOT NULL', 'i % 3 <> 0'),
    ('balance', 'numeric(12,2) NOT NULL', '(i % 1000000) / 100.0'),
    ('updated_at', 'timestamptz NOT NULL',
     "timestamptz '2025-01-01 00:00Z' + i * interval '1 second 1 microsecond'"),
    ('settings', 'jsonb', "jsonb_build_object('theme', 'dark', 'page', i % 50)"),
), "visits = visits + 1, balance = balance + 1.25, active = NOT active, updated_at = updated_at + interval '1 day'")

WIDE_KINDS = (  # type, value as SQL over i and the column's number {n}
    ('text NOT NULL', "'word ' || (i * {n}) % 9973"),
    ('integer NOT NULL', '(i * {n} % 100000)::integer'),
    ('text', "CASE WHEN i % {n} = 0 THEN NULL ELSE left(md5((i + {n})::text), 16) END"),
    ('numeric(12,2) NOT NULL', '(i * {n} % 1000000) / 100.0'),
    ('boolean NOT NULL', 'i % {n} = 0'),
    ('timestamptz NOT NULL', "timestamptz '2025-01-01 00:00Z' + (i % 86400 + {n}) * interval '1 second'"),
)
WIDE_COLUMNS = 60

# As tables become over the years: 60 columns of six types, of which an UPDATE changes three.
WIDE = RowShape('bench_customer', (
    ('id', 'bigint PRIMARY KEY', 'i'),
    *((f'column_{n}', WIDE_KINDS[n % 6][0], WIDE_KINDS[n % 6][1].format(n=n)) for n in range(2, WIDE_COLUMNS + 1)),
), 'column_7 = column_7 + 1, column_9 = column_9 + 1.25, column_10 = NOT column_10')

# 63 digests of 128 digits each: pglz cannot compress them, so that they are TOASTed. An UPDATE leaves
# the text of every other row as it is.
LARGE = RowShape('bench_document', (
    ('id', 'bigint PRIMARY KEY', 'i'),
    ('title', 'text NOT NULL', "'Document ' || i"),
    ('body', 'text NOT NULL',
     "(SELECT string_agg(encode(sha512((i || '/' || part)::bytea), 'hex'), '') FROM generate_series(1, 63) AS part)"),
    ('version', 'integer NOT NULL', '1'),
), "version = version + 1, body = CASE WHEN id % 2 = 0 THEN reverse(body) ELSE body END")
