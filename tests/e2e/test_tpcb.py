"""pgbench's own tables, captured under load while apply is killed: the state that follows from the trail is the table's."""

import subprocess
import time

from servers import BINDIR

TABLES = {
    "pgbench_accounts": ["aid"],
    "pgbench_branches": ["bid"],
    "pgbench_tellers": ["tid"],
    "pgbench_history": [],
}
LOAD_S = 60
KILLS = 3


def pgbench(source, *arguments):
    return [str(BINDIR / "pgbench"), *arguments, source.conninfo()]


def rows_of_source(source, table):
    """Every row as jsonb text, counted: the history has no key and may hold equal rows."""
    return dict(source.query(f"SELECT to_jsonb(t)::text, count(*) FROM {table} t GROUP BY 1"))


def rows_of_trail(destination, table, key):
    """What remains of the changes since the last TRUNCATE; for keyed tables the newest change of each key. The key is taken
    from the row: pgbench loads its tables before it gives them a primary key, so primary_key is NULL in those changes."""
    since = f"""
        WITH changed AS (
            SELECT * FROM changes WHERE "table" = '{table}' AND operation <> 'TRUNCATE' AND position > coalesce(
                (SELECT max(position) FROM changes WHERE "table" = '{table}' AND operation = 'TRUNCATE'), 0))
    """
    if key:
        return dict(destination.query(since + """, newest AS (
            SELECT DISTINCT ON (id_in_row) * FROM (
                SELECT *, coalesce(nullif(after, '{}'), before)->>'%s' AS id_in_row FROM changed) c
            ORDER BY id_in_row, position DESC)
            SELECT after::text, count(*) FROM newest WHERE operation <> 'DELETE' GROUP BY 1""".replace("%s", key[0])))
    return dict(destination.query(since + "SELECT after::text, count(*) FROM changed GROUP BY 1"))


def test_state_that_follows_from_the_trail_equals_the_tables(source, destination, slot, waltrail):
    source.execute("ALTER DATABASE \"%s\" SET synchronous_commit = off" % source.name)
    # The slot exists before the tables, so the trail knows all of their rows.
    waltrail.init(source, destination, slot)
    subprocess.run(pgbench(source, "-i", "-q", "-s", "2"), check=True, capture_output=True, cwd="/")
    process = waltrail.apply(source, destination, slot)
    load = subprocess.Popen(
        pgbench(source, "-n", "-c", "4", "-T", str(LOAD_S)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/"
    )
    for _ in range(KILLS):
        time.sleep(LOAD_S / (KILLS + 1))
        assert "streaming" in process.output()
        process.kill9()
        process = waltrail.apply(source, destination, slot)
    output, _ = load.communicate(timeout=LOAD_S + 60)
    assert load.returncode == 0, output
    process.kill9()
    waltrail.apply_until_now(source, destination, slot, timeout_s=600)

    for table, key in TABLES.items():
        expected = rows_of_source(source, table)
        assert expected and rows_of_trail(destination, table, key) == expected, table
    transactions = source.value("SELECT count(*) FROM pgbench_history")
    assert transactions > LOAD_S * 10, "the load was no load"
    counted = dict(destination.query('SELECT "table", count(*) FROM changes WHERE operation = \'UPDATE\' GROUP BY 1'))
    assert counted == {table: transactions for table in TABLES if table != "pgbench_history"}
    assert destination.value("SELECT count(*) - count(DISTINCT id) FROM changes") == 0
    # before holds the row as the change before left it
    assert (
        destination.value("""
            SELECT count(*) FROM (
                SELECT before, lag(after) OVER (PARTITION BY after->'tid' ORDER BY position) AS was, operation
                FROM changes WHERE "table" = 'pgbench_tellers' AND position > (
                    SELECT max(position) FROM changes WHERE "table" = 'pgbench_tellers' AND operation = 'TRUNCATE')) c
            WHERE operation = 'UPDATE' AND before IS DISTINCT FROM was""")
        == 0
    )
