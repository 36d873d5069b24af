"""What networks do: connections are cut in the middle of a frame, stand, crawl, and are lost without a word. Apply notices, comes back by itself, and
the trail is what was committed."""

import contextlib
import random
import time

import pytest

from proxy import TO_CLIENT, TO_SERVER
from servers import wait_until
from wired import PATIENT_MS, SILENCE_MS, tcp_settings

END = pytest.mark.parametrize("end", ["source", "destination"])
CUTS = 5
DOWNSTREAM = {"source": TO_CLIENT, "destination": TO_SERVER}  # where the changes go


def restarts(process):
    return process.output().count("trying again")


@END
def test_connections_cut_in_the_middle_of_frames(wired, end):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    proxy = wired.proxy(end)
    process = wired.start_apply()
    wired.start_writing(seed)
    for number in range(CUTS):
        # Short counts hit the start of a stream or of a transaction, and answers. After several in a row apply waits longer.
        direction = DOWNSTREAM[end] if chance.random() < 0.7 else TO_CLIENT
        # What is not the way of the changes carries little.
        count = chance.randrange(1, 200 if chance.random() < 0.25 else 60_000 if direction == DOWNSTREAM[end] else 1000)
        proxy.cut_after(count, direction)
        wait_until(lambda: proxy.cuts > number, f"a cut behind {count} bytes", timeout_s=60)
    wired.end_writing()
    wired.assert_trail_is_what_was_committed(process)
    assert proxy.cuts == CUTS and restarts(process) >= CUTS // 2


@END
def test_a_connection_that_stands_is_given_up_and_what_it_held_comes_again(wired, end):
    process = wired.start_apply()
    wired.start_writing(1)
    time.sleep(1)
    before = len(process.output())
    wired.proxy(end).stall()
    process.wait_for_output("has been silent for 2 s", behind=before)
    process.wait_for_output("trying again", behind=before)
    wired.proxy(end).resume()
    wired.assert_trail_is_what_was_committed(process)


@END
@pytest.mark.parametrize("phase", ["idle", "writing"])
def test_a_lost_connection_is_noticed_though_nobody_ends_it(wired, end, phase):
    process = wired.start_apply()
    if phase == "writing":
        wired.start_writing(2)
    # Until all sessions are there: one that is opened later is not lost, but never had.
    wired.wait_until_caught_up()
    time.sleep(1)
    before = len(process.output())
    wired.proxy(end).lose()
    wired.write_mark()  # nothing is asked of an idle destination
    started = time.monotonic()
    process.wait_for_output("has been silent for 2 s", behind=before)
    assert time.monotonic() - started < 10 * SILENCE_MS / 1000
    wired.proxy(end).resume()
    wired.assert_trail_is_what_was_committed(process)


def test_a_crawling_network_is_only_slow(wired):
    process = wired.start_apply(silence_ms=PATIENT_MS)
    for proxy in (wired.to_source, wired.to_destination):
        proxy.delay(0.05)
    started = time.monotonic()
    # It takes longer than apply's patience to get over.
    wired.source.execute("INSERT INTO items SELECT i, i, repeat(md5(i::text), 30) FROM generate_series(-4000, -1) AS i")
    wired.start_writing(3)
    time.sleep(4)
    wired.end_writing()
    wired.assert_trail_is_what_was_committed(process)
    assert time.monotonic() - started > PATIENT_MS / 1000
    assert restarts(process) == 0


def test_a_destination_that_waits_for_a_lock_is_not_taken_for_dead(wired):
    # It asks what the silent session is doing on another connection, which has connect_timeout and more to answer.
    process = wired.start_apply(silence_ms=PATIENT_MS)
    said = "has been silent for 6 s: it waits for Lock relation"
    with contextlib.closing(wired.destination.connect(autocommit=False)) as locker:
        locker.cursor().execute("LOCK TABLE public.changes IN ACCESS EXCLUSIVE MODE")
        mark = wired.write_mark()
        wait_until(lambda: process.output().count(said) >= 2, "apply to ask twice", timeout_s=60)
    wait_until(lambda: wired.has_arrived(mark), "the change behind the lock")
    assert restarts(process) == 0
    wired.assert_trail_is_what_was_committed(process)


def test_a_lock_that_outlasts_the_connection_is_waited_for(wired):
    """The kernel ends a connection whose other side takes nothing for tcp_user_timeout. The session that is left behind has the source's lock."""
    process = wired.start_apply(silence_ms=1000)
    wired.wait_until_caught_up()
    partition = wired.destination.value("SELECT tableoid::regclass::text FROM changes LIMIT 1")
    with contextlib.closing(wired.destination.connect(autocommit=False)) as locker:
        # Of a partition, for COPY asks for that when rows have come; and more of them than the buffers of both kernels hold.
        locker.cursor().execute(f"LOCK TABLE {partition} IN ACCESS EXCLUSIVE MODE")
        wired.source.execute("INSERT INTO items SELECT i, i, repeat(md5(i::text), 30) FROM generate_series(1, 20000) AS i")
        process.wait_for_output("trying again")
        process.wait_for_output("still writes for source")
        time.sleep(3)
    wired.assert_trail_is_what_was_committed(process)


@pytest.fixture
def source_that_never_asks(wired):
    """By itself it says nothing to a client that has everything."""
    server = wired.source.server
    server.configure(wal_sender_timeout="0")
    server.reload()
    wait_until(lambda: wired.source.value("SHOW wal_sender_timeout") == "0", "the setting")
    yield
    server.configure(wal_sender_timeout=tcp_settings(server.port)["wal_sender_timeout"])
    server.reload()


def test_a_source_that_is_idle_for_long_is_asked_for_a_sign_of_life(wired, source_that_never_asks):
    process = wired.start_apply(silence_ms=PATIENT_MS)
    time.sleep(2.5 * PATIENT_MS / 1000)
    assert restarts(process) == 0 and "silent" not in process.output(), process.output()
    wired.write_mark()
    wired.assert_trail_is_what_was_committed(process)
