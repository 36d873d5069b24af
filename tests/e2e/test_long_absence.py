"""The destination is away for longer than apply ever waits between two attempts: the source works on as before, what waits can be seen, and is caught up
with without help."""

import json
import statistics
import time

from servers import wait_until
from wired import NOT_RECORDED

DELAY_MAX = "trying again in 30000 ms"
BULK_BYTES = 300 << 20
# Values that no server compresses on its way, half of them in the trail: the slot keeps WAL that the trail is not told of as well.
BULK = """
    ALTER TABLE {0} ALTER note SET STORAGE EXTERNAL;
    INSERT INTO {0} SELECT -i, i, repeat(md5(i::text), 16384) FROM generate_series(1, {1}) AS i"""
BULK_ROW_BYTES = 32 * 16384
COMMITS_EACH_SECOND_MIN = 1


def waiting_bytes(wired):
    """Of WAL: what the slot keeps, and what the trail lacks."""
    done = wired.waltrail.run("status", "--source", wired.source.conninfo(), "--destination", wired.destination.conninfo(), "--json")
    [source] = json.loads(done.stdout)["sources"]
    return source["slot_retained_bytes"], source["lag_bytes"]


def commits_each_second(writer, seconds):
    before, started = writer.committed, time.monotonic()
    time.sleep(seconds)
    return (writer.committed - before) / (time.monotonic() - started)


def test_a_destination_that_is_away_for_long_harms_nobody_and_is_caught_up_with(wired):
    process = wired.start_apply()
    wired.source.execute("CREATE TABLE audit.bulk (LIKE items)")
    writer = wired.start_writing(4, sizes=(1, 1, 5))
    commits_each_second(writer, 1)
    rate = commits_each_second(writer, 5)
    wired.to_destination.refuse()
    for table, share in (("items", 1 / 4), ("audit.bulk", 3 / 4)):
        wired.source.psql(BULK.format(table, int(BULK_BYTES * share / BULK_ROW_BYTES)))
    before = waiting_bytes(wired)
    assert min(before) > BULK_BYTES * 0.9
    rates, deadline = [], time.monotonic() + 240
    while DELAY_MAX not in process.output():
        assert time.monotonic() < deadline and process.is_running(), process.output()
        rates.append(commits_each_second(writer, 3))
        # What waits grows.
        now = waiting_bytes(wired)
        assert now > before and now[1] > before[1]
        before = now
    # It never stands. How fast it is, is the machine's to say, which others use.
    assert min(rates) > 0 and statistics.mean(rates) > COMMITS_EACH_SECOND_MIN, f"the source is slowed down: {rate}, then {rates}"
    wired.end_writing()
    wired.to_destination.accept()
    wired.wait_until_caught_up(timeout_s=120)
    wired.assert_trail_is_what_was_committed(process)

    def lag_is_gone():
        # Not all of it, and not for long: autovacuum is at work, and apply has ended.
        wired.waltrail.apply_until_now(wired.source, wired.destination, wired.slot, *NOT_RECORDED)
        return waiting_bytes(wired)[1] < 1 << 20

    wait_until(lag_is_gone, "the lag to be gone", timeout_s=60)
