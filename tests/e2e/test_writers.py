"""Several writers side by side: the trail is a beginning of the stream at every moment, whoever is slow, refused or killed."""

import contextlib
import random
import threading
import time

import pytest

from counters import assert_trail_holds
from servers import wait_until

# A batch is a transaction or a few: many are under way at once.
MANY_SMALL = ["--writers", "4", "--batch-bytes", "1024"]
# Sessions that are ended, at least.
KILLS = 3


def write_counters(source, count):
    source.execute(f"""DO $$ BEGIN FOR i IN 1..{count} LOOP INSERT INTO counters VALUES (i, i); COMMIT; END LOOP; END $$""")


def assert_beginning(destination):
    """The counters 1..n, each once."""
    count, distinct, newest = destination.query(
        "SELECT count(*), count(DISTINCT primary_key), coalesce(max(primary_key::integer), 0) FROM changes")[0]
    assert count == distinct == newest
    return count


@pytest.fixture
def slow_row(pair):
    """A change whose row takes the destination some seconds to store."""
    destination = pair[1]
    destination.execute("""CREATE FUNCTION public.be_slow() RETURNS trigger LANGUAGE plpgsql AS
                           $$ BEGIN PERFORM pg_sleep(5); RETURN new; END $$""")
    destination.execute("""CREATE TRIGGER slow BEFORE INSERT ON public.changes FOR EACH ROW
                           WHEN (new.primary_key = '100') EXECUTE FUNCTION public.be_slow()""")
    return "100"


def test_every_moment_shows_a_beginning(pair, waltrail, slow_row):
    source, destination, slot = pair
    write_counters(source, 3000)
    seen = set()
    done = threading.Event()

    def watch():
        while not done.is_set():
            seen.add(assert_beginning(destination))

    failures = []
    watcher = threading.Thread(target=lambda: run_and_keep(watch, failures))
    watcher.start()
    try:
        waltrail.apply_until_now(source, destination, slot, *MANY_SMALL)
    finally:
        done.set()
        watcher.join()
    assert failures == []
    assert_trail_holds(destination, 3000)
    # The others had seconds to overtake the slow one.
    assert any(0 < count < 100 for count in seen)


def run_and_keep(action, failures):
    try:
        action()
    except BaseException as error:  # a thread's failure is the test's
        failures.append(error)


def test_writers_work_at_the_same_time(pair, waltrail, slow_row):
    source, destination, slot = pair
    write_counters(source, 3000)
    process = waltrail.apply(source, destination, slot, *MANY_SMALL)
    writing = """SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'waltrail%%' AND datname = current_database()
                  AND xact_start IS NOT NULL AND query LIKE '%%COPY%%'"""
    wait_until(lambda: destination.value(writing) == 4, "four transactions under way")
    wait_until(lambda: destination.value("SELECT count(*) FROM changes") == 3000, "the rest", timeout_s=120)
    assert process.stop() == 0


@pytest.mark.parametrize("rows", [[13], [13, 14], [7, 500, 501, 2999], list(range(1, 20))])
def test_refused_rows_go_to_quarantine_and_nothing_else(pair, waltrail, rows):
    source, destination, slot = pair
    listed = ", ".join(f"'{row}'" for row in rows)
    destination.execute(f"ALTER TABLE public.changes ADD CONSTRAINT refused CHECK (primary_key NOT IN ({listed}))")
    write_counters(source, 3000)
    waltrail.apply_until_now(source, destination, slot, *MANY_SMALL)
    expected = sorted(set(range(1, 3001)) - set(rows))
    assert [row for (row,) in destination.query("SELECT primary_key::integer FROM changes ORDER BY 1")] == expected
    assert destination.value("SELECT count(*) FROM changes.quarantine") == len(rows)
    assert destination.value("SELECT sum(changes) FROM changes.applied") == len(expected)


def test_a_killed_session_of_the_destination_costs_nothing(pair, waltrail):
    source, destination, slot = pair
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    process = waltrail.apply(source, destination, slot, *MANY_SMALL)
    process.wait_for_output("streaming")
    writer = threading.Thread(target=write_counters, args=(source, 5000))
    writer.start()
    ended, deadline = 0, time.monotonic() + 120
    while writer.is_alive() or ended < KILLS or "trying again" not in process.output():
        assert time.monotonic() < deadline, f"{ended} sessions were ended: {process.output()}"
        time.sleep(moments.uniform(0, 0.2))
        # None where apply waits before it connects again.
        ended += len(destination.query("""
            SELECT 1 FROM (SELECT pid FROM pg_stat_activity
                            WHERE application_name LIKE 'waltrail%' AND datname = current_database() AND pid <> pg_backend_pid()
                            ORDER BY random() LIMIT 1) AS session WHERE pg_terminate_backend(pid)"""))
    writer.join()
    wait_until(lambda: destination.value("SELECT count(*) FROM changes") >= 5000, "the trail to catch up", timeout_s=60)
    assert_trail_holds(destination, 5000)
    assert process.stop() == 0


def test_kill_of_apply_with_many_batches_under_way(pair, waltrail):
    source, destination, slot = pair
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    moments = random.Random(seed)
    writer = threading.Thread(target=write_counters, args=(source, 20_000))
    writer.start()
    for _ in range(12):
        process = waltrail.apply(source, destination, slot, *MANY_SMALL)
        time.sleep(moments.uniform(0.05, 0.5))
        process.kill9()
        assert_beginning(destination)
    writer.join()
    waltrail.apply_until_now(source, destination, slot, *MANY_SMALL)
    assert_trail_holds(destination, 20_000)


def test_one_writer_is_enough(pair, waltrail):
    source, destination, slot = pair
    write_counters(source, 200)
    waltrail.apply_until_now(source, destination, slot, "--writers", "1")
    assert_trail_holds(destination, 200)


@pytest.mark.parametrize("rows", [10, 200_000])
def test_a_stop_does_not_wait_for_a_destination_that_is_locked(pair, waltrail, rows):
    """What is with the writers, or waits for them in full queues, is given up and comes again."""
    source, destination, slot = pair
    process = waltrail.apply(source, destination, slot, "--memory-bytes", str(16 << 20))
    process.wait_for_output("streaming")
    with contextlib.closing(destination.connect(autocommit=False)) as locker:
        locker.cursor().execute("LOCK TABLE public.changes IN ACCESS EXCLUSIVE MODE")
        source.execute(f"INSERT INTO counters SELECT i, i FROM generate_series(1, {rows}) AS i")
        wait_until(lambda: destination.value("SELECT count(*) FROM pg_locks WHERE NOT granted") > 0, "a writer to wait for the lock")
        started = time.monotonic()
        assert process.stop() == 0
        assert time.monotonic() - started < 20
    waltrail.apply_until_now(source, destination, slot)
    assert_trail_holds(destination, rows)
