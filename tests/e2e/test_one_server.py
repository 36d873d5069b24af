"""Source and destination on one server: what is recorded comes back as WAL, and must neither keep the server awake nor hold it up."""

import time

from servers import wait_until
from test_init_refuses import assert_one_line


def tables_of_trail(database):
    return dict(database.query("SELECT schema || '.' || \"table\", count(*)::int FROM public.changes GROUP BY 1"))


def wal_end(database):
    return int(database.value("SELECT pg_current_wal_insert_lsn() - '0/0'"))


def confirmed(database, slot):
    return database.value("SELECT confirmed_flush_lsn - '0/0' FROM pg_replication_slots WHERE slot_name = %s", [slot])


def test_idle_server_settles_and_shuts_down_at_once(fresh_source, slot, waltrail):
    one = fresh_source
    one.server.configure(checkpoint_timeout="30s")
    one.server.reload()
    one.execute("CREATE TABLE counters (id int PRIMARY KEY)")
    waltrail.init(one, one, slot)
    process = waltrail.apply(one, one, slot)
    process.wait_for_output("streaming")
    one.execute("INSERT INTO counters VALUES (1)")

    # Longer than apply takes to record an idle position, and than the server takes to log running transactions.
    quiet_s, patience_s = 35, 150
    deadline, end, since = time.monotonic() + patience_s, wal_end(one), time.monotonic()
    while time.monotonic() - since < quiet_s:
        assert time.monotonic() < deadline, "the server never became quiet"
        time.sleep(0.5)
        if wal_end(one) != end:
            end, since = wal_end(one), time.monotonic()
    assert end - confirmed(one, slot) < 64 * 1024

    # A neighbour on the same server is followed as before.
    one.server.psql("CREATE DATABASE neighbour")
    one.server.psql("CREATE TABLE busy AS SELECT generate_series(1, 100000) AS i", "neighbour")
    target = wal_end(one)
    wait_until(lambda: confirmed(one, slot) >= target - 64 * 1024, "the position to be acknowledged", timeout_s=40)
    assert tables_of_trail(one) == {"public.counters": 1}

    started = time.monotonic()
    one.server.stop("fast")
    assert time.monotonic() - started < 20  # and not after wal_sender_timeout
    process.kill9()


def test_source_that_shuts_down_gets_its_answer_at_once(fresh_source, destination, slot, waltrail):
    fresh_source.execute("CREATE TABLE counters (id int PRIMARY KEY)")
    waltrail.init(fresh_source, destination, slot)
    process = waltrail.apply(fresh_source, destination, slot)
    process.wait_for_output("streaming")
    fresh_source.server.psql("CREATE DATABASE neighbour")
    started = time.monotonic()
    fresh_source.server.stop("fast")
    assert time.monotonic() - started < 20


def test_synchronous_replication_is_waited_for_and_never_by_waltrail_for_itself(fresh_source, slot, waltrail):
    one = fresh_source
    one.execute("CREATE TABLE counters (id int PRIMARY KEY)")
    waltrail.init(one, one, slot)
    one.execute("INSERT INTO counters VALUES (1)")

    def await_standby(names):
        one.server.configure(synchronous_standby_names=names)
        one.server.reload()
        wait_until(lambda: one.value("SHOW synchronous_standby_names") == names, "the setting")

    for names in ("*", "first 1 (other, WALTRAIL)", '"waltrail"'):
        await_standby(names)
        done = waltrail.apply_until_now(one, one, slot, check=False)
        assert_one_line(done, ["synchronous_standby_names", "wait for the other for ever", "name the true standbys"])
    await_standby("any 1 (waltrail_standby)")
    process = waltrail.apply(one, one, slot)
    wait_until(lambda: one.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"), "apply to wait")
    assert process.is_running()
    await_standby("")
    wait_until(lambda: tables_of_trail(one) == {"public.counters": 1}, "the change")
    assert process.stop() == 0
