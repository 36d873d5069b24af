"""Whether what was moved is what was written: counts, a checksum, and the source's tables made anew from the trail.

The checksum is a sum of hashes, so that it does not depend on the order of rows; the audit trigger, which has its rows from
PostgreSQL alone, must come to the same as the trail.
"""

CHECKSUM = ("sum(hashtextextended(concat_ws('|', {table}, {primary_key}, {operation}, {before}, {after}), 0)::numeric)")


def checksum_sql(table='"table"', primary_key='primary_key', operation='operation', before='before', after='after'):
    return CHECKSUM.format(table=table, primary_key=primary_key, operation=operation, before=before, after=after)


def expect(what, found, expected):
    if found != expected:
        raise RuntimeError(f'{what}: found {found}, expected {expected}')


def expect_counts(trail, workload, changes, condition='true'):
    """Returns the checksum."""
    operations = ', '.join(f"count(*) FILTER (WHERE operation = '{name}')" for name in ('CREATE', 'UPDATE', 'DELETE'))
    contexts = "count(*) FILTER (WHERE context ? 'request_id'), count(DISTINCT context -> 'request_id')"
    *found, checksum = trail.sql(f'SELECT {operations}, count(*), {contexts}, {checksum_sql()} FROM public.changes '
                                 f'WHERE {condition}').split('|')
    counts = workload.counts(changes)
    with_context = [workload.total(changes), transaction_contexts(workload, changes)] if workload.has_context else [0, 0]
    expect('inserts, updates, deletes, changes, those with a context, contexts', [int(value) for value in found],
           [*counts.values(), workload.total(changes), *with_context])
    return checksum


def transaction_contexts(workload, changes):
    """The contexts that differ: an update has that of the insert of the same rows."""
    return workload.transactions(changes) // (1 if workload.is_mixed else 2)


def expect_chain(trail, condition='true'):
    """What a change found is what the one before it left."""
    broken = trail.sql('SELECT count(*) FROM (SELECT before, lag(after) OVER (PARTITION BY "table", primary_key ORDER BY position) AS left '
                       f"FROM public.changes WHERE {condition}) AS c WHERE before <> coalesce(c.left, '{{}}')")
    expect('changes that do not go on from the one before', int(broken), 0)


def expect_tables(trail, table, condition='true'):
    """The newest `after` of each record is the source's row, and all of its rows are there. The rows come as
    jsonb by a file: both servers run under one account."""
    file = trail.source.folder / 'rows'
    trail.source.sql(f"COPY (SELECT to_jsonb(t) FROM public.{table} AS t) TO '{file}'")
    try:
        differences = trail.sql(
            'CREATE TEMP TABLE source_rows (content jsonb)', f"COPY source_rows FROM '{file}'",
            'CREATE TEMP TABLE trail_rows AS SELECT after AS content FROM (SELECT DISTINCT ON (primary_key) operation, after '
            f'FROM public.changes WHERE "table" = \'{table}\' AND {condition} ORDER BY primary_key, position DESC) AS newest '
            "WHERE operation <> 'DELETE'",
            'SELECT count(*) FROM ((TABLE source_rows EXCEPT ALL TABLE trail_rows) UNION ALL '
            '(TABLE trail_rows EXCEPT ALL TABLE source_rows)) AS d')
    finally:
        file.unlink()
    expect('rows that differ between the source and what the trail makes of it', int(differences), 0)


def table_checksum(server, database, table):
    """Rows and checksum of an ordinary table."""
    return server.sql(f'SELECT count(*), sum(hashtextextended(to_jsonb(t)::text, 0)::numeric) FROM public.{table} AS t', database=database)
