"""What is recorded, acknowledged and repeated when processes and servers die or the source is idle."""

import contextlib
import json
import pathlib
import random
import re
import threading
import time

import pytest

from counters import assert_trail_holds
from missing_standby import let_commits_pass, let_commits_wait
from servers import wait_until

# Maintenance waits for a standby as well, on a connection of its own.
WAITING_COMMITS = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query = 'COMMIT'"


def confirmed(source, slot):
    return source.value("SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots WHERE slot_name = %s", [slot])


def recorded_end(destination):
    return destination.value("SELECT max(end_lsn) - '0/0' FROM changes.applied")


def test_nothing_is_acknowledged_before_it_is_recorded(pair, waltrail):
    source, destination, slot = pair
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming")
    first = confirmed(source, slot)
    for number in range(1, 200):
        source.execute("INSERT INTO counters VALUES (%s, %s)", [number, number])
        # The recorded end is read after the acknowledged one, so it can only be larger.
        acknowledged = confirmed(source, slot)
        assert acknowledged <= recorded_end(destination)
    wait_until(lambda: confirmed(source, slot) > first, "what is recorded to be acknowledged")
    assert confirmed(source, slot) <= recorded_end(destination)
    assert process.stop() == 0
    waltrail.apply_until_now(source, destination, slot)
    assert_trail_holds(destination, 199)


def test_idle_source_is_acknowledged_so_that_wal_does_not_pile_up(source, destination, slot, waltrail, source_server):
    source.execute("CREATE TABLE quiet (id int PRIMARY KEY)")
    waltrail.init(source, destination, slot)
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming")
    # Another database of the same server writes; this one does not.
    source_server.psql("CREATE TABLE busy AS SELECT generate_series(1, 100000) AS i")
    target = source.value("SELECT pg_current_wal_flush_lsn() - '0/0'")
    wait_until(lambda: confirmed(source, slot) >= target, "the idle position to be acknowledged", timeout_s=40)
    assert recorded_end(destination) >= target
    assert destination.value("SELECT count(*) FROM changes") == 0
    source_server.psql("DROP TABLE busy")


def test_kill_of_apply_at_random_moments_neither_loses_nor_doubles(pair, waltrail):
    source, destination, slot = pair
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    stop = threading.Event()
    written = [0]

    def write():
        # Not "with source.connect()", which psycopg2 makes one transaction.
        connection = source.connect()
        cursor = connection.cursor()
        while not stop.is_set():
            # No more than can be applied in the time that a test may take.
            size = moments.choice([1, 1, 1, 10, 1000]) if written[0] < 100_000 else 1
            cursor.execute("INSERT INTO counters SELECT i, i FROM generate_series(%s, %s) i", [written[0] + 1, written[0] + size])
            written[0] += size
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(15):
            process = waltrail.apply(source, destination, slot)
            time.sleep(moments.uniform(0.01, 0.8))
            process.kill9()
    finally:
        stop.set()
        writer.join()
    waltrail.apply_until_now(source, destination, slot)
    assert written[0] > 100
    assert_trail_holds(destination, written[0])


def test_large_transaction_appears_at_once(pair, waltrail):
    source, destination, slot = pair
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming")
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 200000) i")
    count = wait_until(lambda: destination.value("SELECT count(*) FROM changes"), "the transaction", timeout_s=120,
                       interval_s=0.01)
    assert count == 200_000
    assert process.stop() == 0


def test_memory_of_apply_is_bounded_for_a_transaction_of_a_million_changes(pair, waltrail):
    source, destination, slot = pair
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 1000000) i")
    process = waltrail.apply(source, destination, slot, "--until", "now")
    peak_kib, deadline = 0, time.monotonic() + 300
    while process.is_running():
        assert time.monotonic() < deadline, process.output()
        try:
            with open(f"/proc/{process.pid}/status") as status:
                peak_kib = max([peak_kib] + [int(line.split()[1]) for line in status if line.startswith("VmHWM")])
        except OSError:
            break
        time.sleep(0.02)
    assert process.wait() == 0, process.output()
    print(f"peak memory of apply: {peak_kib} KiB")
    assert 0 < peak_kib < 64 * 1024
    assert destination.value("SELECT count(*) FROM changes") == 1_000_000


def test_memory_of_apply_is_bounded_while_transactions_of_one_row_wait(pair, waltrail):
    """Each comes alone, and waits on its own: there are many pieces, each of little."""
    source, destination, slot = pair
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming")
    with contextlib.closing(destination.connect(autocommit=False)) as locking, locking.cursor() as cursor:
        cursor.execute("LOCK TABLE public.changes IN ACCESS EXCLUSIVE MODE")
        for i in range(20_000):
            source.execute("INSERT INTO counters VALUES (%s, 0)", [i])
        time.sleep(1)
        peak_kib = int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())[1])
        locking.rollback()
    assert peak_kib < 32 * 1024
    wait_until(lambda: destination.value("SELECT count(*) FROM changes") == 20_000, "the trail to catch up", timeout_s=120)
    assert process.stop() == 0


@pytest.mark.parametrize("victim", ["source", "destination"])
def test_kill_of_a_server_neither_loses_nor_doubles(fresh_source, fresh_destination, slot, waltrail, victim):
    source, destination = fresh_source, fresh_destination
    for server in (source.server, destination.server):
        server.configure(fsync="on")
        server.restart()
    source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
    waltrail.init(source, destination, slot)
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming")
    killed = {"source": source, "destination": destination}[victim].server
    number = 0
    for _ in range(3):
        for _ in range(100):
            number += 1
            source.execute("INSERT INTO counters VALUES (%s, %s)", [number, number])
        killed.kill9()
        killed.start()
    wait_until(lambda: destination.value("SELECT count(*) FROM changes") >= number, "the trail to catch up", timeout_s=90)
    assert process.is_running(), process.output()
    assert process.stop() == 0
    assert_trail_holds(destination, number)


def test_row_that_the_destination_refuses_is_quarantined_and_the_stream_goes_on(pair, waltrail):
    source, destination, slot = pair
    destination.execute("ALTER TABLE public.changes ADD CONSTRAINT no_thirteen CHECK (primary_key <> '13')")
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 5) i")
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(6, 20) i")
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(21, 25) i")
    result = waltrail.apply_until_now(source, destination, slot)
    assert destination.value("SELECT count(*) FROM changes") == 24
    [(identifier, sequence, table, operation, sqlstate, error, frame)] = destination.query(
        'SELECT id::text, "sequence", "table", operation, sqlstate, error, frame FROM changes.quarantine')
    assert (sequence, table, operation, sqlstate) == (7, "counters", "CREATE", "23514")
    assert "no_thirteen" in error and "no_thirteen" in result.stderr
    import subprocess

    from waltrail_program import PROGRAM

    decoded = subprocess.run([PROGRAM, "decode", "--label", source.name], input=bytes(frame), capture_output=True, check=True)
    line = json.loads(decoded.stdout)
    assert line["id"] == identifier and line["after"] == {"id": 13, "value": 13}
    destination.execute("ALTER TABLE public.changes DROP CONSTRAINT no_thirteen")


def test_many_refused_rows_of_a_transaction_take_a_few_passes(pair, waltrail):
    source, destination, slot = pair
    destination.execute("ALTER TABLE public.changes ADD CONSTRAINT no_third CHECK (primary_key::integer % 3 <> 0)")
    source.execute("INSERT INTO counters VALUES (1, 1)")
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(2, 3000) i")
    source.execute("INSERT INTO counters VALUES (3001, 3001)")
    result = waltrail.apply_until_now(source, destination, slot)
    assert result.stderr.count("is refused and goes to quarantine") == 8
    assert destination.query("SELECT count(*), count(DISTINCT primary_key) FROM changes") == [(2001, 2001)]
    assert destination.query('SELECT count(*), count(DISTINCT "sequence"), min("sequence"), max("sequence") FROM changes.quarantine') == [(1000, 1000, 1, 2998)]
    assert destination.value("SELECT sum(changes) FROM changes.applied") == 2001
    destination.execute("ALTER TABLE public.changes DROP CONSTRAINT no_third")


def test_error_text_does_not_decide_which_row_is_refused(pair, waltrail):
    source, destination, slot = pair
    # The context of the error begins with the function's name, and ends with the row that COPY was at.
    destination.psql("""
        CREATE FUNCTION "COPY changes, line 2"() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NEW.primary_key = '6' THEN RAISE 'no six' USING ERRCODE = '23514'; END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER no_six BEFORE INSERT ON public.changes FOR EACH ROW EXECUTE FUNCTION "COPY changes, line 2"();
    """)
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 7) i")
    waltrail.apply_until_now(source, destination, slot)
    assert destination.query("SELECT \"sequence\" FROM changes.quarantine") == [(5,)]
    assert destination.value("SELECT count(*) FROM changes") == 6


def test_commit_that_no_standby_has_is_not_acknowledged(fresh_source, fresh_destination, slot, waltrail):
    source, destination = fresh_source, fresh_destination
    source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
    waltrail.init(source, destination, slot)
    destination.server.configure(client_min_messages="error")
    let_commits_wait(destination.server)
    source.execute("INSERT INTO counters VALUES (1, 1)")
    before = confirmed(source, slot)
    process = waltrail.apply(source, destination, slot)
    for _ in range(3):
        [(pid,)] = wait_until(lambda: destination.query(WAITING_COMMITS)[:1], "apply to wait for the standby")
        destination.execute("SELECT pg_cancel_backend(%s)", [pid])
        # It has proven nothing yet, so it leaves; a service manager would start it again.
        assert process.wait() == 1 and "commit not certain" in process.output(), process.output()
        process = waltrail.apply(source, destination, slot)
    assert confirmed(source, slot) == before
    process.kill9()
    let_commits_pass(destination.server)
    waltrail.apply_until_now(source, destination, slot)
    assert confirmed(source, slot) > before
    assert_trail_holds(destination, 1)


def test_start_waits_for_the_commit_of_a_killed_process(fresh_source, fresh_destination, slot, waltrail):
    source, destination = fresh_source, fresh_destination
    source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
    waltrail.init(source, destination, slot)
    waltrail.apply_until_now(source, destination, slot)
    killed = waltrail.apply(source, destination, slot)
    killed.wait_for_output("streaming source")
    let_commits_wait(destination.server)
    source.execute("INSERT INTO counters VALUES (1, 1)")
    wait_until(lambda: destination.query(WAITING_COMMITS), "a commit under way")
    killed.kill9()
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("still writes for source")
    let_commits_pass(destination.server)
    process.wait_for_output("streaming source")
    source.execute("INSERT INTO counters VALUES (2, 2)")
    wait_until(lambda: destination.value("SELECT count(*) FROM changes") == 2, "both rows")
    process.stop()
    assert_trail_holds(destination, 2)


def test_one_process_at_a_time_writes_for_a_source(pair, waltrail):
    source, destination, slot = pair
    first = waltrail.apply(source, destination, slot)
    first.wait_for_output("streaming source")
    second = waltrail.apply(source, destination, slot)
    second.wait_for_output("still writes for source")
    source.execute("INSERT INTO counters VALUES (1, 1)")
    first.stop()
    second.wait_for_output("streaming source")
    second.stop()
    waltrail.apply_until_now(source, destination, slot)
    assert_trail_holds(destination, 1)


def test_options_may_change_between_runs(pair, waltrail):
    source, destination, slot = pair
    source.execute("SELECT pg_copy_logical_replication_slot(%s, %s)", [slot, slot + "_old"])
    source.execute("TRUNCATE counters")
    waltrail.apply_until_now(source, destination, slot)
    # As after a crash of the source, which forgets an acknowledgement that it has not written to disk yet.
    source.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    source.execute("SELECT pg_copy_logical_replication_slot(%s, %s)", [slot + "_old", slot])
    source.execute("INSERT INTO counters VALUES (1, 1)")
    waltrail.apply_until_now(source, destination, slot, "--truncate", "false")
    assert destination.query("SELECT operation FROM changes ORDER BY position") == [("TRUNCATE",), ("CREATE",)]


def test_shape_begins_at_its_lowest_position(pair, waltrail):
    source, destination, slot = pair
    source.execute("ALTER TABLE counters ADD COLUMN note text")
    first, second = source.connect(autocommit=False), source.connect(autocommit=False)
    first.cursor().execute("INSERT INTO counters VALUES (1, 1, 'a')")
    second.cursor().execute("INSERT INTO counters VALUES (2, 2, 'b')")
    second.commit()
    waltrail.apply_until_now(source, destination, slot)
    first.commit()
    for connection in (first, second):
        connection.close()
    waltrail.apply_until_now(source, destination, slot)
    assert destination.query("SELECT from_position FROM changes.relations") == destination.query(
        "SELECT min(position) FROM changes"
    )


def test_relations_are_recorded_once_for_each_shape(pair, waltrail):
    source, destination, slot = pair
    for number in range(3):
        source.execute("INSERT INTO counters VALUES (%s, 0)", [number])
        waltrail.apply_until_now(source, destination, slot)
    source.execute("ALTER TABLE counters ADD COLUMN note text DEFAULT 'n'")
    source.execute("INSERT INTO counters VALUES (9, 0)")
    waltrail.apply_until_now(source, destination, slot)
    rows = destination.query(
        "SELECT \"table\", replica_identity, key_columns, jsonb_path_query_array(columns, '$[*].name'), from_position "
        "FROM changes.relations ORDER BY from_position")
    assert [row[:4] for row in rows] == [
        ("counters", "f", ["id"], ["id", "value"]),
        ("counters", "f", ["id"], ["id", "value", "note"]),
    ]
    positions = [row[0] for row in destination.query("SELECT position FROM changes ORDER BY position")]
    assert [row[4] for row in rows] == [positions[0], positions[-1]]
