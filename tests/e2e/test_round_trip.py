"""What the trail says of the past is what the source held then, and what it gives back is what was there. Only what JSON itself loses (−0, bounds of
arrays) is not in the workload: docs/values.md has that.
"""

import os
import subprocess
import time

import pytest
import servers
from servers import wait_until
from shop_workload import KEYS, NAMES, SETTINGS, TABLES, WHOLE, Writer, Writers, dump

MOMENTS = 20
SEED = int(os.environ.get("WALTRAIL_SEED", "5"))


@pytest.fixture
def shop(source, destination, slot, waltrail):
    source.execute(TABLES)
    waltrail.init(source, destination, slot)
    source.execute("ALTER TABLE partly REPLICA IDENTITY DEFAULT")
    yield Shop(source, destination, slot, waltrail)


class Shop:
    def __init__(self, source, destination, slot, waltrail):
        self.source = source
        self.destination = destination
        self.slot = slot
        self._waltrail = waltrail

    def apply(self):
        time.sleep(1.1)  # the margin of the horizon
        self._waltrail.apply_until_now(self.source, self.destination, self.slot)

    def as_of(self, moment, names=NAMES):
        with self.destination.connect() as connection, connection.cursor() as cursor:
            cursor.execute(SETTINGS)
            rows = {}
            for name in names:
                cursor.execute('SELECT primary_key, "row"::text, doubt FROM changes.as_of(%s, %s::timestamptz)', (name, moment))
                rows[name] = cursor.fetchall()
        connection.close()
        assert [row for name in names for row in rows[name] if row[2]] == [], "nothing here is uncertain"
        return {name: sorted(((key, row) for key, row, _ in rows[name]), key=str) for name in names}

    def revert(self, **arguments):
        """The script, run on the source by psql. Returns what psql said, and its exit status."""
        named = ", ".join(f"{name} => %s" for name in arguments)
        lines = self.destination.query(f"SELECT changes.revert_sql({named})", list(arguments.values()))
        done = subprocess.run(
            [str(servers.BINDIR / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.source.conninfo()],
            input="\n".join(line for (line,) in lines), capture_output=True, text=True, cwd="/", check=False,
        )  # fmt: skip
        return done.returncode, done.stderr

    def write(self, seed, transactions):
        connection = self.source.connect(autocommit=False)
        writer = Writer(self.source, seed, WHOLE, truncates=False)
        while writer.transactions < transactions:
            writer.transaction(connection)
        connection.close()
        return writer.last_xid

    def now(self):
        return self.source.value("SELECT clock_timestamp()::text")


def assert_same_rows(seen, expected, what):
    for name in expected:  # what differs first: whole tables are long
        assert [(key, row[:200]) for key, row in seen[name] if (key, row) not in expected[name]] == [], f"{what}: too many rows of {name}"
        assert [(key, row[:200]) for key, row in expected[name] if (key, row) not in seen[name]] == [], f"{what}: rows of {name} are missing"
        assert seen[name] == expected[name], f"{what}: {name}"


def test_tables_were_what_the_source_held(shop):
    process = shop._waltrail.apply(shop.source, shop.destination, shop.slot)
    writers = Writers(shop.source, SEED)
    looks = []
    try:
        for _ in range(MOMENTS):
            time.sleep(0.2)
            looks.append(writers.look())
    finally:
        transactions = writers.end()
    process.stop()
    shop.apply()
    assert transactions > 10 * MOMENTS and all(any(held[name] for _, held in looks) for name in NAMES), "there was something to get wrong"
    for moment, held in looks:
        assert_same_rows(shop.as_of(moment), held, f"at {moment} (seed {SEED})")


def test_records_were_what_the_source_held(shop):
    writers = Writers(shop.source, SEED + 1)
    looks = []
    try:
        for _ in range(5):
            time.sleep(0.3)
            looks.append(writers.look())
    finally:
        writers.end()
    shop.apply()
    with shop.destination.connect() as connection, connection.cursor() as cursor:
        cursor.execute(SETTINGS)
        for moment, held in looks:
            for name in KEYS:
                # Also keys that were not there at the moment, but before or after it.
                keys = sorted({key for _, other in looks for key, _ in other[name]})[:40]
                there = dict(held[name])
                for key in keys:
                    cursor.execute('SELECT "row"::text FROM changes.as_of(%s, %s, %s::timestamptz)', (name, key, moment))
                    rows = cursor.fetchall()
                    assert [row for (row,) in rows] == ([there[key]] if key in there else []), (moment, name, key)
    connection.close()


def test_what_a_time_brought_is_taken_back(shop):
    shop.write(SEED, 150)
    before, moment = dump(shop.source), shop.now()
    shop.write(SEED + 1, 60)
    assert dump(shop.source) != before
    shop.apply()
    assert shop.revert(since=moment) == (0, "")
    assert_same_rows(dump(shop.source), before, "after the script")

    # What the script did is in the trail as well.
    shop.apply()
    horizon = shop.destination.value("SELECT changes.horizon_time(label)::text FROM changes.sources")
    assert_same_rows(shop.as_of(horizon, WHOLE), {name: before[name] for name in WHOLE}, "in the trail after the script")


def test_the_last_transactions_are_taken_back_one_by_one(shop):
    shop.write(SEED + 2, 100)
    states = {}
    for number in range(12):
        before = dump(shop.source)
        states[shop.write(SEED * 1000 + number, 1)] = before
    shop.apply()
    xids = [xid for (xid,) in shop.destination.query(
        "SELECT transaction_id FROM changes WHERE transaction_id = ANY (%s) GROUP BY 1 ORDER BY max(position) DESC",
        [[xid for xid in states if xid]])]  # fmt: skip
    assert len(xids) > 5
    for xid in xids:
        assert shop.revert(transaction_id=xid) == (0, ""), xid
        assert_same_rows(dump(shop.source), states[xid], f"after transaction {xid} was taken back (seed {SEED})")


def test_rows_that_have_changed_since_are_reported(shop):
    shop.source.execute("INSERT INTO accounts (id, name) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    moment = shop.now()
    shop.source.execute("UPDATE accounts SET name = 'new ' || id")
    shop.source.execute("DELETE FROM accounts WHERE id = 3")
    shop.apply()
    shop.source.execute("UPDATE accounts SET name = 'since' WHERE id = 2")
    held = dump(shop.source)
    status, said = shop.revert(since=moment)
    assert status != 0 and 'of table public.accounts: its row is not as the change left it' in said
    assert dump(shop.source) == held, "nothing was changed"

    status, said = shop.revert(since=moment, on_conflict="skip")
    assert status == 0 and said.count("WARNING") == 1
    assert shop.source.query("SELECT id, name FROM accounts ORDER BY id") == [(1, "a"), (2, "since"), (3, "c")]


def test_rows_that_others_need_are_not_taken_back(shop):
    moment = shop.now()
    shop.source.execute("INSERT INTO accounts (id, name) VALUES (1, 'a')")
    shop.apply()
    shop.source.execute("INSERT INTO orders (account, state) VALUES (1, 'since')")
    status, said = shop.revert(since=moment)
    assert status != 0 and 'constraint "orders_account_fkey" of table public.orders would be violated' in said
    assert shop.source.query("SELECT id FROM accounts") == [(1,)]


def test_an_application_s_way_fires_triggers(shop):
    shop.source.execute("INSERT INTO accounts (id, name) VALUES (1, 'a')")
    moment = shop.now()
    shop.source.execute("UPDATE accounts SET name = 'b'")
    shop.apply()
    assert shop.revert(since=moment, fire_triggers=True) == (0, "")
    assert shop.source.query("SELECT name, touched FROM accounts") == [("a", 2)], "the trigger has counted"


def test_what_the_script_does_is_recorded_as_that(preloaded, destination, slot, waltrail):
    preloaded.execute(TABLES)
    waltrail.init(preloaded, destination, slot)
    shop = Shop(preloaded, destination, slot, waltrail)
    shop.source.execute("INSERT INTO accounts (id, name) VALUES (1, 'a')")
    shop.apply()
    [(change,)] = destination.query("SELECT id::text FROM changes")
    assert shop.revert(change_id=change) == (0, "")
    shop.apply()
    assert destination.query("SELECT operation, context->'reverts' FROM changes ORDER BY position") == [
        ("CREATE", None), ("DELETE", {"change_id": change})]  # fmt: skip


def test_horizon_follows_an_idle_source(shop):
    shop.source.execute("INSERT INTO accounts (id, name) VALUES (1, 'a')")
    shop.apply()
    first = shop.destination.value("SELECT changes.horizon_time(label) FROM changes.sources")
    assert first is not None
    process = shop._waltrail.apply(shop.source, shop.destination, shop.slot)
    process.wait_for_output("streaming")
    asked = shop.source.value("SELECT clock_timestamp()")
    # The source does nothing: apply asks it for its time, and records it within two intervals of ten seconds.
    wait_until(lambda: shop.destination.value("SELECT changes.horizon_time(label) FROM changes.sources") > asked,
               "the horizon to pass a moment of an idle source", timeout_s=40)  # fmt: skip
    assert shop.destination.query("SELECT name FROM (SELECT (\"row\")->>'name' AS name FROM changes.as_of('accounts', %s)) AS p", [asked]) == [("a",)]
    process.stop()


def test_trail_of_an_earlier_version_is_completed_first(shop):
    shop.source.execute("INSERT INTO accounts (id, name) VALUES (1, 'a')")
    shop.destination.execute("ALTER TABLE changes.applied DROP COLUMN source_time")
    done = shop._waltrail.run("apply", "--source", shop.source.conninfo(), "--destination", shop.destination.conninfo(), "--slot", shop.slot,
                              "--until", "now", check=False)  # fmt: skip
    assert done.returncode == 1 and "is of an earlier version" in done.stderr and "changes.setup()" in done.stderr
    shop.destination.execute("SELECT changes.setup()")
    shop.apply()
    assert shop.destination.value("SELECT count(*) FROM changes") == 1


def test_horizon_never_passes_what_is_not_received(shop):
    """A transaction that is committed while apply stands still must not be missing before the horizon."""
    shop.source.execute("INSERT INTO accounts (id, name) VALUES (1, 'a')")
    shop.apply()
    shop.source.execute("INSERT INTO accounts (id, name) VALUES (2, 'b')")
    committed = shop.source.value("SELECT clock_timestamp()")
    time.sleep(1.1)
    assert shop.destination.value("SELECT changes.horizon_time(label) < %s FROM changes.sources", [committed])
    shop.apply()
    assert shop.destination.value("SELECT changes.horizon_time(label) > %s FROM changes.sources", [committed])
    assert shop.destination.value("SELECT count(*) FROM changes.as_of('accounts', %s)", [committed]) == 2
