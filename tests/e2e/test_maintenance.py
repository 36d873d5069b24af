"""What apply does for the trail beside writing to it: partitions, the last VACUUM of those whose time is past, pending lists."""

import contextlib
import time

import pytest

from servers import wait_until
from waltrail_program import AsOwner

DAYS_AGO = "date_trunc('day', now(), 'UTC') - make_interval(days => %s)"
IN_DEFAULT = "SELECT count(*) FROM ONLY public.changes_default"
# Partitions whose time has been past for an hour; one that ends within the test may become one of them.
PAST = "SELECT partition FROM changes.partition_bounds() WHERE upper_bound < now() - interval '1 hour'"


def partition_of(database, days_ago):
    return database.value(
        f"SELECT partition::text FROM changes.partition_bounds() WHERE lower_bound = {DAYS_AGO}", [days_ago]
    )


@pytest.fixture
def begun(pair, waltrail):
    """A pair that has something applied: before that, no time is past."""
    source, destination, slot = pair
    source.execute("INSERT INTO counters VALUES (0, 0)")
    waltrail.apply_until_now(source, destination, slot)
    return pair


def test_days_of_a_pause_have_partitions_before_the_first_batch(pair, waltrail):
    source, destination, slot = pair
    source.execute("INSERT INTO counters VALUES (1, 1)")
    # Another source of the same destination was applied 20 days ago; this one's rows are of today.
    destination.execute(f"""
        INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name) VALUES (77, 'other', 1, 1, 'o', 'o');
        INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at) VALUES (77, '0/1', '0/2', 1, {DAYS_AGO % 20})
    """)
    waltrail.apply_until_now(source, destination, slot)
    assert partition_of(destination, 20) is not None
    assert destination.value("SELECT count(*) FROM public.changes") == 1
    assert destination.value(IN_DEFAULT) == 0


def test_partitions_whose_time_is_past_are_sealed_once(begun, waltrail):
    source, destination, slot = begun
    apply = waltrail.apply(source, AsOwner(destination), slot, "--listen", "off")
    wait_until(lambda: destination.value(f"SELECT count(*) = 0 FROM ({PAST}) AS p WHERE partition NOT IN (SELECT s.partition FROM changes.seals AS s)"),
               "partitions are sealed")  # fmt: skip
    assert destination.value("SELECT count(*) FROM changes.seals") >= 3
    assert destination.value("SELECT count(*) FROM changes.seals AS s WHERE pg_stat_get_vacuum_count(s.partition) <> 1") == 0
    assert apply.stop() == 0
    assert "could not" not in apply.output()
    apply = waltrail.apply(source, AsOwner(destination), slot)
    apply.wait_for_output("streaming")
    time.sleep(1)
    assert apply.stop() == 0
    assert destination.value("SELECT max(pg_stat_get_vacuum_count(s.partition)) FROM changes.seals AS s") == 1


def test_a_vacuum_that_waits_keeps_nothing_from_ending(begun, waltrail):
    source, destination, slot = begun
    busy = partition_of(destination, 3)
    with contextlib.closing(destination.connect(autocommit=False)) as holder:
        holder.cursor().execute(f"LOCK TABLE {busy} IN SHARE UPDATE EXCLUSIVE MODE")
        apply = waltrail.apply(source, AsOwner(destination), slot)
        wait_until(lambda: destination.value("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'VACUUM%' AND wait_event_type = 'Lock'") == 1,
                   "a VACUUM waits")  # fmt: skip
        source.execute("INSERT INTO counters VALUES (1, 1)")
        wait_until(lambda: destination.value("SELECT count(*) FROM public.changes") == 2, "the writer goes on beside it")
        started = time.monotonic()
        assert apply.stop() == 0
        assert time.monotonic() - started < 20
    assert "could not seal" not in apply.output()
    assert destination.value(f"SELECT count(*) FROM changes.seals WHERE partition = '{busy}'::regclass") == 0


PENDING = """
    SELECT coalesce({}(m.n_pending_pages), 0)::int
      FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS a ON a.oid = c.relam AND a.amname = 'gin'
     CROSS JOIN LATERAL gin_metapage_info(get_raw_page(c.oid::regclass::text, 0)) AS m WHERE c.relkind = 'i'
"""


def test_pending_lists_are_cleaned_beside_the_writer(begun, waltrail):
    source, destination, slot = begun
    destination.execute("CREATE EXTENSION pageinspect")
    apply = waltrail.apply(source, destination, slot, "--listen", "off")
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 2000) AS i")
    wait_until(lambda: destination.value("SELECT count(*) FROM public.changes") == 2001, "the rows are there")
    wait_until(lambda: destination.value(PENDING.format("sum")) == 0, "the pending lists are cleaned", 30)
    assert destination.value("SELECT count(*) FROM public.changes WHERE after @> '{\"id\": 1999}'") == 1
    assert apply.stop() == 0
    assert "could not" not in apply.output()


def write_rows(source, first, last):
    source.execute(f"INSERT INTO burst SELECT i, 'one', 'two', 'three', 'four', 'five' FROM generate_series({first}, {last}) AS i")


def test_a_declared_burst_may_pend_until_it_is_over(source, destination, slot, waltrail):
    """4 MB of a list are 512 pages; 40,000 rows of six values pend in some 600."""
    source.execute("CREATE TABLE burst (id int PRIMARY KEY, a text, b text, c text, d text, e text)")
    waltrail.init(source, destination, slot)
    destination.execute("CREATE EXTENSION pageinspect")
    # Autovacuum cleans them too, here every five seconds.
    for (partition,) in destination.query("SELECT partition::text FROM changes.partition_bounds()"):
        destination.execute(f"ALTER TABLE {partition} SET (autovacuum_enabled = off)")
    longest = PENDING.format("max")
    write_rows(source, 1, 40000)
    waltrail.apply_until_now(source, destination, slot)
    assert destination.value(longest) <= 512
    write_rows(source, 40001, 80000)
    # Rows wait for the writers, so nothing is cleaned before the end.
    waltrail.apply_until_now(source, destination, slot, "--pending-bytes", str(64 << 20), "--memory-bytes", str(16 << 20))
    assert destination.value(longest) > 512
    assert destination.value("SELECT count(*) FROM public.changes WHERE after @> '{\"id\": 79999}'") == 1
    apply = waltrail.apply(source, destination, slot, "--pending-bytes", str(64 << 20))
    wait_until(lambda: destination.value(longest) == 0, "the pending lists are cleaned once nothing is behind", 30)
    assert apply.stop() == 0


def test_what_holds_and_seals_write_is_not_recorded_in_a_database_of_its_own(source, slot, waltrail):
    source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint); INSERT INTO counters VALUES (1, 1)")
    waltrail.init(source, source, slot)
    source.execute("INSERT INTO counters VALUES (2, 2)")
    waltrail.apply_until_now(source, source, slot)
    source.execute(f"""
        INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
        SELECT 'other', s, 't', 'CREATE', 1, 1, {DAYS_AGO % 3} FROM unnest(ARRAY['held', 'gone']) AS s
    """)
    source.psql("SELECT changes.vacuum_commands() \\gexec")
    source.execute("SELECT changes.hold('held', reason => 'test')")
    source.execute("SELECT changes.set_retention('1 day')")
    source.execute("CALL changes.maintain()")
    assert source.query("SELECT schema FROM changes.held") == [("held",)]
    assert source.value("SELECT sum(held) FROM changes.drops") == 1
    source.execute("SELECT changes.release(1)")
    source.execute("CALL changes.maintain()")
    assert source.value("SELECT count(*) FROM changes.held") == 0
    for _ in range(2):
        waltrail.apply_until_now(source, source, slot)
    assert source.query('SELECT DISTINCT "table" FROM changes.trail') == [("counters",)]


def test_setup_of_a_trail_that_is_complete_waits_for_no_writer(begun, waltrail):
    """Nor for apply, which would wait for it: both use several tables, each in an order of its own."""
    _source, destination, _slot = begun
    with contextlib.closing(destination.connect(autocommit=False)) as writer, writer.cursor() as cursor:
        cursor.execute("SELECT FROM changes.sources FOR KEY SHARE; UPDATE changes.applied SET changes = changes")
        cursor.execute("SELECT FROM changes.holds; SELECT FROM changes.drops; SELECT FROM public.changes LIMIT 1")
        destination.execute("SET lock_timeout = '3s'; SELECT changes.setup()")
        writer.rollback()
