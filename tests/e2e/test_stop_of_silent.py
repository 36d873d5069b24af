"""Signals end apply where the destination takes connections and says nothing, also to who asks it to cancel what it is at."""

import contextlib
import signal

import servers
from wired import CONNECT_TIMEOUT_S, NOT_RECORDED, Through

LOCK = "LOCK TABLE public.changes IN ACCESS EXCLUSIVE MODE"


def ends(wired, silence_ms):
    more = {"tcp_user_timeout": silence_ms, "connect_timeout": CONNECT_TIMEOUT_S}
    return (
        Through(wired.source, wired.to_source.port, user=servers.SOURCE_ROLE, **more),
        Through(wired.destination, wired.to_destination.port, user=servers.DESTINATION_ROLE, **more),
    )


def waits_in(wired, statement):
    return wired.destination.query(
        "SELECT pid FROM pg_stat_activity WHERE query ~ %s AND wait_event_type = 'Lock' AND datname = current_database()", [statement]
    )


def test_a_second_signal_ends_it_at_once_while_partitions_are_made(wired, waltrail):
    with contextlib.closing(wired.destination.connect(autocommit=False)) as holder:
        holder.cursor().execute(LOCK)
        process = waltrail.apply(*ends(wired, 600_000), wired.slot, *NOT_RECORDED)
        servers.wait_until(lambda: waits_in(wired, "maintain"), "maintain() to wait for the lock", interval_s=0.005)
        wired.to_destination.stall()
        process.send_signal(signal.SIGTERM)
        process.wait_for_output("stopping on signal")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM


def test_one_signal_ends_it_while_changes_are_written(wired):
    # Longer than what is under way has at the end (10 s): it is cancelled before the connection is given up.
    process = wired.start_apply(silence_ms=15_000)
    with contextlib.closing(wired.destination.connect(autocommit=False)) as holder:
        holder.cursor().execute(LOCK)
        wired.source.execute("INSERT INTO items VALUES (1, 1, 'x')")
        servers.wait_until(lambda: waits_in(wired, "COPY"), "a batch to wait for the lock")
        wired.to_destination.stall()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, process.output()
        wired.to_destination.resume()
    wired.assert_trail_is_what_was_committed()
