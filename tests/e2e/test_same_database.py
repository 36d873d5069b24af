"""Source and destination are one database: what waltrail writes is never captured, everything of the application's is."""

import contextlib
import threading
import time

import pytest

import audit
import servers
from servers import wait_until
from test_init_refuses import assert_one_line, state

ADD_DAYS = "date_trunc('second', now()) + make_interval(days => %s)"


@pytest.fixture
def one(source, slot, waltrail):
    """A database that is prepared as its own destination."""
    source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
    waltrail.init(source, source, slot)
    return source


def tables_of_trail(database):
    return dict(database.query("SELECT schema || '.' || \"table\", count(*)::int FROM public.changes GROUP BY 1"))


def insert_into_trail(database, days):
    """A row of another source, as its apply process would write it, in the partition of another day."""
    database.execute(
        f"INSERT INTO public.changes (database, schema, \"table\", operation, transaction_id, position, committed_at) "
        f"VALUES ('other', 'other', 'other', 'CREATE', 1, 1, {ADD_DAYS})", [days]
    )  # fmt: skip


# -- what is recorded --------------------------------------------------------------------------------------------------


def test_changes_of_the_application_are_recorded_and_those_of_waltrail_are_not(one, slot, waltrail):
    one.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 10) i")
    # What a run has written is in the WAL that the next one reads.
    for _ in range(4):
        waltrail.apply_until_now(one, one, slot)
    assert tables_of_trail(one) == {"public.counters": 10}
    assert one.value("SELECT sum(changes) FROM changes.applied") == 10


def test_tables_that_are_only_named_like_those_of_waltrail_are_recorded(one, slot, waltrail):
    names = ["sales.changes", '"Changes".changes', "changes.orders", "sales.applied", "sales.template_public_changes",
             "public.changes_p2020_01_01", "public.sources"]  # fmt: skip
    one.execute('CREATE SCHEMA sales; CREATE SCHEMA "Changes"')
    for name in names:
        one.execute(f"CREATE TABLE {name} (id int PRIMARY KEY)")
        one.execute(f"INSERT INTO {name} VALUES (1)")
    one.psql("""
        CREATE TABLE sales.parted (day timestamptz NOT NULL) PARTITION BY RANGE (day);
        SELECT partman.create_parent('sales.parted', 'day', 'native', 'daily');
        INSERT INTO sales.parted VALUES (now());
    """)
    waltrail.apply_until_now(one, one, slot)
    waltrail.apply_until_now(one, one, slot)
    expected = {name.replace('"', ""): 1 for name in [*names, "sales.parted"]}
    assert tables_of_trail(one) == expected
    identities = dict(one.query("SELECT oid::regclass::text, relreplident FROM pg_class WHERE relkind = 'r'"))
    assert {identities[name.removeprefix("public.")] for name in names} == {"f"}


def test_patterns_choose_beside_it(one, slot, waltrail):
    one.execute("CREATE TABLE noise (id int); CREATE TABLE orders (id int)")
    for _ in range(2):
        one.execute("INSERT INTO noise VALUES (1); INSERT INTO orders VALUES (1); INSERT INTO counters VALUES (%s, 0)",
                    [one.value("SELECT count(*) FROM counters")])  # fmt: skip
        waltrail.apply_until_now(one, one, slot, "--tables", "public.*", "--tables", "changes.*", "--exclude-tables", "*.noise")
    waltrail.apply_until_now(one, one, slot)
    assert tables_of_trail(one) == {"public.orders": 2, "public.counters": 2}


def test_transaction_that_writes_to_both_is_recorded_without_what_is_of_the_trail(one, slot, waltrail):
    one.psql("""
        BEGIN;
        INSERT INTO counters VALUES (1, 1);
        SELECT changes.setup(retention => '10 days');
        INSERT INTO counters VALUES (2, 2);
        COMMIT;
    """)
    waltrail.apply_until_now(one, one, slot)
    assert tables_of_trail(one) == {"public.counters": 2}
    assert one.value("SELECT count(DISTINCT id) FROM public.changes") == 2


# -- partitions --------------------------------------------------------------------------------------------------------


def test_writes_to_partitions_that_retention_drops_before_they_are_decoded(one, slot, waltrail):
    one.execute("INSERT INTO counters VALUES (1, 1)")
    waltrail.apply_until_now(one, one, slot)
    insert_into_trail(one, -3)
    one.execute("SELECT changes.permit_changes(); UPDATE public.changes SET operation = 'UPDATE' WHERE database = 'other'")
    one.execute("SELECT changes.setup(retention => '1 day')")
    partitions = one.value("SELECT count(*) FROM changes.partitions()")
    one.execute("CALL changes.maintain()")
    assert one.value("SELECT count(*) FROM changes.partitions()") < partitions
    one.execute("INSERT INTO counters VALUES (2, 2)")
    waltrail.apply_until_now(one, one, slot)
    assert tables_of_trail(one) == {"public.counters": 2}


def test_a_partition_that_is_detached_later_was_still_part_of_the_trail(one, slot, waltrail):
    insert_into_trail(one, -3)
    [(partition,)] = one.query("SELECT tableoid::regclass::text FROM public.changes")
    one.execute(f"ALTER TABLE public.changes DETACH PARTITION {partition}; DROP TABLE {partition}")
    waltrail.apply_until_now(one, one, slot)
    assert tables_of_trail(one) == {}


def test_rows_that_move_out_of_the_default_partition(one, slot, waltrail):
    one.execute("INSERT INTO counters VALUES (1, 1)")
    waltrail.apply_until_now(one, one, slot)
    insert_into_trail(one, -20)
    in_default = "SELECT count(*) FROM ONLY public.changes_default"
    assert one.value(in_default) == 1
    one.execute("CALL changes.maintain()")
    assert one.value(in_default) == 0
    waltrail.apply_until_now(one, one, slot)
    assert tables_of_trail(one) == {"public.counters": 1, "other.other": 1}


def test_replica_identity_of_the_trail_is_left_alone(one, slot, waltrail):
    one.execute("DROP TABLE " + one.value("SELECT partition::text FROM changes.partitions() LIMIT 1"))
    one.execute("CALL changes.maintain()")
    waltrail.init(one, one, slot)
    full = one.query("SELECT oid::regclass::text FROM pg_class WHERE relreplident = 'f'")
    assert full == [("counters",)]


def test_trail_that_is_truncated_is_no_change(one, slot, waltrail):
    one.execute("INSERT INTO counters VALUES (1, 1)")
    waltrail.apply_until_now(one, one, slot)
    one.execute("SELECT changes.permit_changes(); TRUNCATE public.changes, counters")
    waltrail.apply_until_now(one, one, slot)
    assert one.query('SELECT "table", operation FROM public.changes') == [("counters", "TRUNCATE")]


def test_trail_that_is_made_anew_while_it_is_written(one, slot, waltrail):
    process = waltrail.apply(one, one, slot)
    process.wait_for_output("streaming")
    one.execute("INSERT INTO counters VALUES (1, 1)")
    wait_until(lambda: tables_of_trail(one) == {"public.counters": 1}, "the first change")
    one.execute("DROP TABLE public.changes CASCADE; SELECT changes.setup()")
    for number in range(2, 12):
        one.execute("INSERT INTO counters VALUES (%s, 1)", [number])
    wait_until(lambda: tables_of_trail(one).get("public.counters") == 10, "the others")
    process.wait_for_output("made anew")
    assert process.stop() == 0
    waltrail.apply_until_now(one, one, slot)
    assert tables_of_trail(one) == {"public.counters": 10}


# -- exactly once ------------------------------------------------------------------------------------------------------


def test_kill_of_apply_under_load_with_ddl(one, slot, waltrail):
    audit.set_up(one)
    one.execute(audit.trigger_sql("counters"))
    stop = threading.Event()
    failures = []

    def write():
        try:
            # Not "with": that would make one transaction of it all.
            with contextlib.closing(one.connect()) as connection, connection.cursor() as cursor:
                number = 0
                while not stop.is_set():
                    number += 1
                    cursor.execute("INSERT INTO counters (id, value) VALUES (%s, 0)", [number])
                    cursor.execute("UPDATE counters SET value = value + 1 WHERE id > %s", [number - 3])
                    if number % 50 == 0:
                        table = f"made_{number}"
                        cursor.execute(f"CREATE TABLE {table} (id int PRIMARY KEY); {audit.trigger_sql(table)}")
                        cursor.execute(f"INSERT INTO {table} SELECT generate_series(1, 100); DELETE FROM {table} WHERE id < 10")
                        cursor.execute(f"ALTER TABLE counters ADD COLUMN c{number} int DEFAULT {number}")
                        cursor.execute(f"DROP TABLE {table}")
                        cursor.execute("SELECT changes.setup()")
                        cursor.execute("CALL changes.maintain()")
                    time.sleep(0.001)
        except Exception as failure:
            failures.append(failure)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for round in range(10):
            process = waltrail.apply(one, one, slot)
            time.sleep(0.2 + 0.13 * round)
            process.kill9()
        # It ends although what it writes makes WAL, and others write as well.
        waltrail.apply_until_now(one, one, slot, timeout_s=180)
    finally:
        stop.set()
        writer.join()
    assert failures == []
    waltrail.apply_until_now(one, one, slot)
    audit.assert_same(audit.notes(one), audit.trail(one))
    count = one.value("SELECT count(*) FROM audit.notes")
    assert count > 100
    assert one.query("SELECT count(*), count(DISTINCT id) FROM public.changes") == [(count, count)]
    assert one.value("SELECT sum(changes) FROM changes.applied") == count


def test_crash_of_the_one_server(fresh_source, slot, waltrail):
    one = fresh_source
    one.server.configure(fsync="on")
    one.server.restart()
    one.execute("CREATE TABLE counters (id int PRIMARY KEY)")
    waltrail.init(one, one, slot)
    process = waltrail.apply(one, one, slot)
    process.wait_for_output("streaming")
    for number in range(1, 201):
        one.execute("INSERT INTO counters VALUES (%s)", [number])
        if number % 100 == 0:
            one.server.kill9()
            one.server.start()
    wait_until(lambda: one.value("SELECT count(*) FROM public.changes") >= 200, "the trail to catch up", timeout_s=90)
    assert process.stop() == 0
    assert tables_of_trail(one) == {"public.counters": 200}


def test_row_in_quarantine_is_not_captured(one, slot, waltrail):
    one.execute("ALTER TABLE public.changes ADD CONSTRAINT no_thirteen CHECK (primary_key <> '13')")
    one.execute("INSERT INTO counters SELECT i, i FROM generate_series(11, 15) i")
    for _ in range(3):
        waltrail.apply_until_now(one, one, slot)
    assert tables_of_trail(one) == {"public.counters": 4}
    assert one.query('SELECT "table", sqlstate FROM changes.quarantine') == [("counters", "23514")]


def test_large_transaction(one, slot, waltrail):
    process = waltrail.apply(one, one, slot)
    process.wait_for_output("streaming")
    one.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 100000) i")
    wait_until(lambda: one.value("SELECT count(*) FROM public.changes") == 100_000, "the transaction", timeout_s=120)
    assert process.stop() == 0
    waltrail.apply_until_now(one, one, slot)
    assert tables_of_trail(one) == {"public.counters": 100_000}


# -- more than one source, more than one destination -------------------------------------------------------------------


def test_another_source_into_the_same_trail(one, slot, waltrail, destination):
    other, other_slot = destination, slot + "_other"
    other.execute("CREATE TABLE remote (id int PRIMARY KEY)")
    waltrail.init(other, one, other_slot)
    processes = [waltrail.apply(one, one, slot), waltrail.apply(other, one, other_slot)]
    for process in processes:
        process.wait_for_output("streaming")
    for number in range(1, 51):
        one.execute("INSERT INTO counters VALUES (%s, 0)", [number])
        other.execute("INSERT INTO remote VALUES (%s)", [number])
    wait_until(lambda: one.value("SELECT count(*) FROM public.changes") >= 100, "both trails", timeout_s=60)
    for process in processes:
        assert process.stop() == 0
    waltrail.apply_until_now(one, one, slot)
    assert tables_of_trail(one) == {"public.counters": 50, "public.remote": 50}


def test_two_databases_that_record_each_other(source, destination, slot, waltrail):
    for database in (source, destination):
        database.execute("CREATE TABLE counters (id int PRIMARY KEY)")
    waltrail.init(source, destination, slot)
    waltrail.init(destination, source, slot + "_back")
    for number in range(4):
        source.execute("INSERT INTO counters VALUES (%s)", [number])
        destination.execute("INSERT INTO counters VALUES (%s)", [number])
        waltrail.apply_until_now(source, destination, slot)
        waltrail.apply_until_now(destination, source, slot + "_back")
    assert tables_of_trail(source) == tables_of_trail(destination) == {"public.counters": 4}


def test_copy_with_the_same_identifier_hides_no_table(server_folder, fresh_source, slot, waltrail):
    """Copied before there was a trail, the destination gives its tables the OIDs that the source gives the application's."""
    source = fresh_source
    source.server.stop()
    copy = servers.Server("copy", server_folder / "copy", source.server.data)
    try:
        destination = servers.Database(copy.start(), "postgres")
        source.server.start()
        waltrail.init(source, destination, slot)
        trail_oids = {oid for (oid,) in destination.query(
            "SELECT oid::int FROM pg_class WHERE relkind IN ('r', 'p') "
            "AND (relnamespace = 'changes'::regnamespace OR oid = 'public.changes'::regclass)")}  # fmt: skip
        names, shared = [], set()
        while len(shared) < len(trail_oids) and len(names) < 1000:
            names.append(f"t{len(names)}")
            source.execute(f"CREATE TABLE {names[-1]} (id int)")
            source.execute(f"INSERT INTO {names[-1]} VALUES (1)")
            shared |= trail_oids & {source.value("SELECT %s::regclass::oid::int", [names[-1]])}
            # Three OIDs a table: the phase shifts, so that every one is hit.
            if len(names) % 50 == 0:
                source.execute("CREATE VIEW v%s AS SELECT 1" % len(names))
        assert shared
        waltrail.apply_until_now(source, destination, slot)
        assert tables_of_trail(destination) == {f"public.{name}": 1 for name in names}
    finally:
        waltrail.close()
        copy.remove()


# -- rights, and what init refuses -------------------------------------------------------------------------------------


def test_roles_need_no_right_on_the_trail_to_be_followed(one, slot, waltrail):
    maker, reader = one.name + "_maker", one.name + "_reader"
    one.execute(f"CREATE ROLE {maker} LOGIN; GRANT CREATE ON SCHEMA public TO {maker}; CREATE ROLE {reader} LOGIN REPLICATION")
    try:
        with contextlib.closing(one.connect(user=maker)) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE theirs (id int); INSERT INTO theirs VALUES (1)")
            assert connection.notices == []
        assert one.value("SELECT relreplident FROM pg_class WHERE relname = 'theirs'") == "f"
        for _ in range(2):
            waltrail.run("apply", "--source", one.conninfo(user=reader), "--destination", one.conninfo(), "--slot", slot,
                         "--until", "now")  # fmt: skip
        assert tables_of_trail(one) == {"public.theirs": 1}
    finally:
        one.execute(f"DROP OWNED BY {maker} CASCADE; DROP ROLE {maker}; DROP ROLE {reader}")


def test_init_refuses_and_takes_back(source, slot, waltrail):
    for made, words in (
        ("CREATE SCHEMA changes; CREATE TABLE changes.orders (id int)",
         ['schema "changes"', 'table "orders"', "ALTER SCHEMA changes RENAME"]),
        ("CREATE SCHEMA changes; CREATE TABLE changes.sources (id int)", ['schema "changes"', 'table "sources"']),
        ("CREATE SCHEMA changes; CREATE TABLE changes.applied (source_id int)",
         ['schema "changes"', 'Relation "changes.applied" has no column "start_lsn"', "Rename or move"]),
        ("CREATE TABLE public.changes (id int)", ['relation "public.changes" exists and is not a trail', "Rename or move"]),
    ):  # fmt: skip
        source.execute(made)
        before = state(source)
        assert_one_line(waltrail.init(source, source, slot, check=False), words)
        assert state(source) == before
        source.execute("DROP SCHEMA IF EXISTS changes CASCADE; DROP TABLE IF EXISTS public.changes")
    waltrail.init(source, source, slot)


def test_init_waits_for_others_and_not_for_itself(source, slot, waltrail):
    blocker = source.connect(autocommit=False)
    try:
        with blocker.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
        before = state(source)
        done = waltrail.init(source, source, slot, "--slot-timeout", "1", check=False)
        assert_one_line(done, ["within 1 s", f"pid {blocker.get_backend_pid()} "])
        assert state(source) == before
    finally:
        blocker.close()
    for _ in range(2):
        waltrail.init(source, source, slot)
