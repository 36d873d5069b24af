"""From PostgreSQL 17 on a slot that is made for it lives on when a standby of the source takes over: `waltrail init` makes it so, and apply goes on
from the standby by itself, or says that the standby was behind."""

import pytest

import servers
from counters import assert_trail_holds
from servers import SOURCE_ROLE, Database, wait_until
from standbys import cut_off, either, start_standby, take_over, wait_until_level

pytestmark = pytest.mark.skipif(int(servers.major_of(servers.BINDIR)) < 17, reason="PostgreSQL 17 and later have failover slots")

INSERT = "INSERT INTO counters SELECT i, i FROM generate_series(%s, %s) AS i"
PHYSICAL_SLOT = "to_standby"
# A copy is temporary at first: until the slot has moved past the place from which the standby has WAL and catalogs.
IS_SYNCED = """SELECT FROM pg_replication_slots WHERE slot_name = %s AND failover AND synced AND NOT temporary AND invalidation_reason IS NULL"""


class Pair:
    """A source, its standby that copies slots, which is appended to `started`, and apply, which knows both."""

    def __init__(self, source, destination, folder, slot, waltrail, started):
        self.source, self.destination, self.slot = source, destination, slot
        self.primary = source.server
        source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
        waltrail.init(source, destination, slot)
        source.execute("SELECT pg_create_physical_replication_slot(%s, true)", [PHYSICAL_SLOT])
        self.standby = start_standby(
            folder, self.primary, primary_slot_name=PHYSICAL_SLOT, sync_replication_slots="on", hot_standby_feedback="on"
        )
        started.append(self.standby)
        # With a database, for the worker that copies slots: not every pg_basebackup writes one.
        self.standby.execute("ALTER SYSTEM SET primary_conninfo = %s", [self.primary.conninfo()])
        self.standby.reload()
        wait_until(lambda: self.source.query("SELECT FROM pg_replication_slots WHERE slot_name = %s AND active", [PHYSICAL_SLOT]), "the standby to stream")
        self.written = 0
        self.apply = waltrail.apply(either(source, self.standby, SOURCE_ROLE), destination, slot)
        self.apply.wait_for_output("streaming source")

    def write(self, database, count=1):
        database.execute(INSERT, [self.written + 1, self.written + count])
        self.written += count

    def wait_until_caught_up(self):
        wait_until(lambda: self.destination.value("SELECT count(*) FROM changes") >= self.written, f"{self.written} changes", timeout_s=90)

    def wait_until_slot_is_copied(self):
        """The slot moves with what apply acknowledges, and its catalog horizon with what the server says of running transactions."""

        def is_copied():
            self.write(self.source)
            self.source.execute("SELECT pg_log_standby_snapshot()")
            return self.standby.query(IS_SYNCED, [self.slot])

        wait_until(is_copied, "the slot to be copied to the standby", timeout_s=180, interval_s=0.5)

    def wait_for_standby_before_apply(self):
        """Apply gets nothing that the standby does not have."""
        self.primary.configure(synchronized_standby_slots=PHYSICAL_SLOT)
        self.primary.reload()
        wait_until(lambda: self.source.value("SHOW synchronized_standby_slots") == PHYSICAL_SLOT, "the setting")

    def assert_trail_is_complete(self):
        assert_trail_holds(self.destination, self.written)


@pytest.fixture
def pair(fresh_source, destination, server_folder, slot, waltrail):
    started = []
    try:
        yield Pair(fresh_source, destination, server_folder / f"standby_{slot}", slot, waltrail, started)
    finally:
        waltrail.close()
        for standby in started:
            standby.remove()


def test_init_makes_a_slot_that_fails_over(pair, waltrail):
    assert pair.source.value("SELECT failover FROM pg_replication_slots WHERE slot_name = %s", [pair.slot]) is True


def test_apply_goes_on_from_the_standby_that_takes_over(pair):
    pair.wait_for_standby_before_apply()
    pair.wait_until_slot_is_copied()
    for _ in range(100):
        pair.write(pair.source, 10)
    pair.wait_until_caught_up()
    pair.write(pair.source, 1000)  # perhaps not in the trail yet
    wait_until_level(pair.primary, pair.standby)
    take_over(pair.primary, pair.standby)
    promoted = Database(pair.standby, pair.source.name)
    for _ in range(100):
        pair.write(promoted, 10)
    pair.wait_until_caught_up()
    assert "trying again" in pair.apply.output()
    assert pair.apply.is_running(), pair.apply.output()
    wait_until(lambda: pair.destination.value("SELECT timeline FROM changes.applied") == 2, "the new timeline")
    assert pair.apply.stop() == 0, pair.apply.output()
    pair.assert_trail_is_complete()


def test_a_standby_that_is_behind_is_refused_though_it_has_the_slot(pair, waltrail):
    """Nothing makes apply wait for it: synchronized_standby_slots is empty."""
    pair.wait_until_slot_is_copied()
    pair.wait_until_caught_up()
    wait_until_level(pair.primary, pair.standby)
    cut_off(pair.standby)
    pair.write(pair.source, 100)
    pair.wait_until_caught_up()
    end = "SELECT end_lsn FROM changes.applied"
    take_over(pair.primary, pair.standby)
    promoted = Database(pair.standby, pair.source.name)
    assert promoted.query("SELECT FROM pg_replication_slots WHERE slot_name = %s", [pair.slot]), "the slot is not there"
    assert pair.apply.wait() == 1
    last = pair.apply.output().splitlines()[-1]
    assert f"timeline 2, whose history does not contain {pair.destination.value(end)} of timeline 1" in last, last
    assert "failed over to a server that was behind" in last, last
    pair.assert_trail_is_complete()
