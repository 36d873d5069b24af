"""/healthz and /readyz of `waltrail apply` turn red when nothing advances, say why, and are green again when it does."""

import contextlib
import os
import signal
import time

import pytest

import servers
from metrics import Metrics, get

PATIENCE_S = 3
# Of tests in which nothing is wrong: more than a busy machine may keep anything back.
LONG_PATIENCE_S = 6


@pytest.fixture
def fresh_pair(fresh_source, fresh_destination, slot, waltrail):
    fresh_source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
    waltrail.init(fresh_source, fresh_destination, slot)
    return fresh_source, fresh_destination, slot


def started(waltrail, pair, patience_s=PATIENCE_S):
    apply = waltrail.apply(*pair, "--listen", "127.0.0.1:0", "--metrics-interval", "1", "--health-patience", patience_s)
    apply.wait_for_output("streaming")
    # A stream that has recorded nothing is believed when it has lasted so long: with a patience this short there may be an alarm just before.
    time.sleep(patience_s)
    wait_for_green(apply)
    return apply


def wait_for_green(apply):
    servers.wait_until(
        lambda: get(apply, "/healthz") == (200, "ok\n") == get(apply, "/readyz"), "health and readiness", 60, 0.2
    )


def wait_for_red(apply, *reasons):
    """Returns the seconds that it took."""
    began = time.monotonic()
    status, text = servers.wait_until(lambda: (a := get(apply, "/healthz"))[0] == 503 and a, "the alarm", 90, 0.1)
    assert any(reason in text for reason in reasons), text
    assert text.endswith("\n") and len(text.splitlines()) == 1
    assert get(apply, "/readyz")[0] == 503
    assert Metrics(apply).value("waltrail_healthy") == 0
    return time.monotonic() - began


def test_an_idle_stream_is_well(pair, waltrail):
    apply = started(waltrail, pair, LONG_PATIENCE_S)
    deadline = time.monotonic() + 2.5 * LONG_PATIENCE_S
    while time.monotonic() < deadline:
        assert get(apply, "/healthz")[0] == get(apply, "/readyz")[0] == 200
        time.sleep(0.2)


def test_a_locked_destination(pair, waltrail):
    source, destination, _slot = pair
    apply = started(waltrail, pair, LONG_PATIENCE_S)
    with contextlib.closing(destination.connect(autocommit=False)) as locker:
        with locker.cursor() as cursor:
            cursor.execute("LOCK TABLE public.changes IN ACCESS EXCLUSIVE MODE")
        # Changes that come all the time are no progress of those that wait.
        stop = time.monotonic() + LONG_PATIENCE_S / 2
        n = 0
        while time.monotonic() < stop:
            source.execute("INSERT INTO counters VALUES (%s, 1)", [n := n + 1])
            assert get(apply, "/healthz")[0] == 200
            time.sleep(0.2)
        wait_for_red(apply, "the destination has taken nothing for")
        locker.rollback()
    wait_for_green(apply)
    servers.wait_until(lambda: destination.value("SELECT count(*) FROM changes") == n, "the changes")
    assert apply.stop() == 0


def test_a_destination_that_is_down(fresh_pair, waltrail):
    source, destination, _slot = fresh_pair
    apply = started(waltrail, fresh_pair)
    destination.server.stop("immediate")
    source.execute("INSERT INTO counters VALUES (1, 1)")
    # At first it only says that the stream is being opened.
    status, text = servers.wait_until(lambda: "destination" in (a := get(apply, "/readyz"))[1] and a, "the end of readiness")
    assert status == 503 and text.startswith("not streaming: ")
    assert wait_for_red(apply, "not streaming for", "nothing recorded for") < PATIENCE_S + 15
    destination.server.start()
    wait_for_green(apply)
    assert apply.stop() == 0


def test_a_source_that_is_down(fresh_pair, waltrail):
    source, _destination, _slot = fresh_pair
    apply = started(waltrail, fresh_pair)
    source.server.kill9()
    wait_for_red(apply, "not streaming for")
    source.server.start()
    wait_for_green(apply)
    assert apply.stop() == 0


def test_a_destination_that_refuses_again_and_again(pair, waltrail):
    source, destination, _slot = pair
    apply = started(waltrail, pair)
    # As a full disk does: the stream is opened and fails, time after time.
    destination.execute("""
        CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON changes.applied FOR EACH ROW EXECUTE FUNCTION public.refuse();
    """)
    source.execute("INSERT INTO counters VALUES (1, 1)")
    wait_for_red(apply, "could not extend file")
    destination.execute("DROP FUNCTION public.refuse() CASCADE")
    wait_for_green(apply)
    assert destination.value("SELECT count(*) FROM changes") == 1
    assert Metrics(apply).value("waltrail_reconnects_total", end="destination") >= 1


def test_a_source_that_falls_silent(pair, waltrail):
    source, _destination, slot = pair
    apply = started(waltrail, pair)
    walsender = source.value("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", [slot])
    os.kill(walsender, signal.SIGSTOP)
    try:
        wait_for_red(apply, "the source has said nothing for", "not streaming for")
    finally:
        os.kill(walsender, signal.SIGCONT)
    wait_for_green(apply)
    assert apply.stop() == 0


def test_a_transaction_of_many_changes_is_progress(pair, waltrail):
    source, destination, _slot = pair
    # However fast the machine is, this takes twice as long as the patience.
    destination.execute(f"""
        CREATE FUNCTION public.be_slow() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN PERFORM pg_sleep({2 * LONG_PATIENCE_S / 100}); RETURN new; END $$;
        CREATE TRIGGER slow BEFORE INSERT ON public.changes FOR EACH ROW WHEN (new.primary_key LIKE '%000') EXECUTE FUNCTION public.be_slow();
    """)
    apply = started(waltrail, pair, LONG_PATIENCE_S)
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 100000) i")
    began = time.monotonic()
    while not destination.value("SELECT count(*) FROM changes"):
        assert get(apply, "/healthz") == (200, "ok\n")
        assert time.monotonic() < began + 300
        time.sleep(0.1)
    assert time.monotonic() - began > LONG_PATIENCE_S, "too quick to show anything"
    assert apply.stop() == 0
