"""Clocks that are set back or ahead, by a day or by years, at the source, at the destination, and where apply runs: nothing is lost, doubled or out of
order, every change has a partition, and the retention drops nothing early."""

import contextlib
import datetime
import threading
import time

import psycopg2.errors
import pytest

import audit
import commit_order
import servers
from faked_time import FakedTime
from servers import Database, wait_until
from wired import PATIENT_MS, POSTGRES_EPOCH, Wired, tcp_settings

MONTHS_AGO = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=300)


@pytest.fixture
def clock(server_folder, slot):
    clock = FakedTime(server_folder / f"clock_of_{slot}")
    yield clock
    clock.close()


@pytest.fixture
def wired_with(clock, new_server, slot, waltrail, monkeypatch):
    """A function (end): everything, with the server of that end under the clock."""
    pairs = []

    def start(name, is_faked):
        with monkeypatch.context() as patched:
            for variable, value in clock.environment().items() if is_faked else ():
                patched.setenv(variable, value)
            server = new_server(name, **tcp_settings(servers.free_port()))
        if is_faked:
            clock.is_of(server.process.pid)
        return Database(server, "postgres")

    def wire(faked):
        pairs.append(Wired(start("source", faked == "source"), start("destination", faked == "destination"), slot, waltrail))
        return pairs[-1]

    yield wire
    for pair in pairs:
        pair.close()


def days_from_now(database):
    return database.value("SELECT round((extract(epoch FROM clock_timestamp()) - %s) / 86400)::int", [time.time()])


def in_default_partition(destination):
    return destination.value("SELECT count(*) FROM public.changes_default")


def test_clock_of_the_source(wired_with, clock):
    wired = wired_with("source")
    wired.destination.execute("SELECT changes.set_retention('unlimited')")  # which counts by the source's clock
    process = wired.start_apply()
    wired.start_writing(1)
    for difference, days in (("-1d", -1), ("-400d", -400), ("+0", 0), ("+3d", 3), ("+0", 0)):
        wired.wait_until_caught_up()
        clock.set(difference)
        assert days_from_now(wired.source) == days
        time.sleep(0.5)
    wired.assert_trail_is_what_was_committed(process)
    # Positions give the order of a row's changes whatever the clock said.
    assert wired.destination.value("""
        SELECT count(*) FROM (SELECT before, lag(after) OVER (PARTITION BY "table", primary_key ORDER BY position) AS was, operation FROM changes) AS c
         WHERE operation <> 'CREATE' AND before IS DISTINCT FROM was""") == 0
    count = wired.destination.value("SELECT count(*) FROM changes")
    wired.destination.execute("CALL changes.maintain()")
    assert in_default_partition(wired.destination) == 0
    assert wired.destination.value("SELECT count(*) FROM changes") == count


def test_what_the_source_dates_in_a_year_that_is_past_goes_by_the_retention(wired_with, clock):
    wired = wired_with("source")
    wired.destination.execute("SELECT changes.set_retention('15 days')")
    process = wired.start_apply()
    for number, difference, days in ((1, "+0", 0), (2, "-400d", -400), (3, "+0", 0)):
        clock.set(difference)
        wait_until(lambda: days_from_now(wired.source) == days, "the clock")
        wired.source.execute("INSERT INTO items SELECT i, i, 'x' FROM generate_series(%s, %s) AS i", [number * 100 + 1, number * 100 + 10])
        wired.wait_until_caught_up()
    assert process.stop() == 0
    times = commit_order.read(wired.source)
    dated = {transaction for transaction, at in times.items() if POSTGRES_EPOCH + datetime.timedelta(microseconds=at) < MONTHS_AGO}
    assert len(dated) == 2 and len(times) == 6  # rows and a mark, each time

    wired.destination.execute("CALL changes.maintain()")
    notes = audit.notes(wired.source)
    audit.assert_same([note for note in notes if note[0] not in dated], audit.trail(wired.destination))
    assert wired.destination.query("SELECT sum(rows)::int, max(upper_bound) < %s, sum(held)::int FROM changes.drops", [MONTHS_AGO]) == [(11, True, 0)]
    assert wired.destination.value("SELECT sum(changes) FROM changes.applied") == len(notes)


def maintain(destination):
    """On a server that libfaketime puts ahead, even from its start, no lock_timeout fires, on which maintain() relies where it meets a reader: the wait is
    ended from outside, and tried again."""
    ended = threading.Event()

    def end_waits():
        with contextlib.closing(destination.connect()) as connection, connection.cursor() as cursor:
            while not ended.wait(1):
                cursor.execute("""
                    SELECT pg_cancel_backend(pid) FROM pg_stat_activity
                     WHERE query = 'CALL changes.maintain()' AND wait_event_type = 'Lock' AND clock_timestamp() > query_start + interval '3 s'""")

    thread = threading.Thread(target=end_waits)
    thread.start()
    try:
        for _ in range(10):
            try:
                return destination.execute("CALL changes.maintain()")
            except psycopg2.errors.QueryCanceled:
                pass
        raise AssertionError("maintain() never came to its end")
    finally:
        ended.set()
        thread.join()


def test_clock_of_the_destination(wired_with, clock):
    wired = wired_with("destination")
    wired.destination.execute("SELECT changes.set_retention('15 days')")
    process = wired.start_apply()
    wired.start_writing(2)
    for difference, days in (("-2d", -2), ("-400d", -400), ("+400d", 400), ("+0", 0)):
        wired.wait_until_caught_up()
        clock.set(difference)
        wait_until(lambda: days_from_now(wired.destination) == days, "the clock")
        maintain(wired.destination)
    wired.assert_trail_is_what_was_committed(process)
    assert in_default_partition(wired.destination) == 0
    # Partitions that were made for the days of a clock that was behind were empty.
    assert wired.destination.value("SELECT coalesce(sum(rows), 0) FROM changes.drops") == 0


def test_clock_where_apply_runs(clock, wired):
    process = wired.start_apply(silence_ms=PATIENT_MS, environment=clock.environment())
    clock.is_of(process.pid)
    wired.start_writing(3)
    for difference in ("-2d", "+400d", "-400d", "+0"):
        wired.wait_until_caught_up()
        clock.set(difference)
        time.sleep(1)
    wired.assert_trail_is_what_was_committed(process)
    assert "trying again" not in process.output()
