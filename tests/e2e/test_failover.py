"""A server is lost and its standby promoted, at either end, while apply runs with a connection string that names both: one that has everything is
gone on with, one that is behind is refused, with what is missing."""

import pytest

from counters import assert_trail_holds
from servers import DESTINATION_ROLE, SOURCE_ROLE, Database, wait_until
from standbys import cut_off, either, start_standby, take_over, wait_until_level

INSERT = "INSERT INTO counters SELECT i, i FROM generate_series(%s, %s) AS i"


@pytest.fixture
def standby_of(server_folder, slot, waltrail):
    """A function that starts the standby of a server."""
    started = []

    def start(primary):
        started.append(start_standby(server_folder / f"standby_{slot}", primary))
        return started[-1]

    yield start
    waltrail.close()
    for standby in started:
        standby.remove()


def prepared(waltrail, source, destination, slot):
    source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
    waltrail.init(source, destination, slot)


def wait_for_changes(destination, count):
    wait_until(lambda: destination.value("SELECT count(*) FROM changes") >= count, f"{count} changes", timeout_s=60)


def test_a_destination_that_is_behind_is_refused_with_the_range_that_is_missing(source, fresh_destination, standby_of, slot, waltrail):
    primary = fresh_destination.server
    prepared(waltrail, source, fresh_destination, slot)
    standby = standby_of(primary)
    process = waltrail.apply(source, either(fresh_destination, standby, DESTINATION_ROLE), slot)
    process.wait_for_output("streaming source")
    source.execute(INSERT, [1, 10])
    wait_for_changes(fresh_destination, 10)
    wait_until_level(primary, standby)
    cut_off(standby)
    promoted = Database(standby, fresh_destination.name)
    behind = promoted.value("SELECT end_lsn FROM changes.applied")
    source.execute(INSERT, [11, 20])
    wait_for_changes(fresh_destination, 20)
    confirmed = "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = %s"
    wait_until(lambda: source.value("SELECT confirmed_flush_lsn > %s FROM pg_replication_slots WHERE slot_name = %s", [behind, slot]),
               "the source to hear of it")  # fmt: skip
    take_over(primary, standby)
    source.execute(INSERT, [21, 30])
    assert process.wait() == 1
    refusal = f"was moved to {source.value(confirmed, [slot])}, past {behind} where the trail ends: changes in between would be missing"
    again = waltrail.apply_until_now(source, promoted, slot, check=False)
    assert again.returncode == 1
    for last in (process.output().splitlines()[-1], again.stderr.splitlines()[-1]):
        assert refusal in last and "the destination was restored" in last and "changes.gaps" in last, last
    assert_trail_holds(promoted, 10)


def test_a_destination_that_has_everything_is_gone_on_with(source, fresh_destination, standby_of, slot, waltrail):
    """As synchronous replication has it. Apply is behind when the primary is killed."""
    primary = fresh_destination.server
    prepared(waltrail, source, fresh_destination, slot)
    standby = standby_of(primary)
    primary.configure(synchronous_standby_names="standby")
    primary.reload()
    wait_until(lambda: primary.query("SELECT FROM pg_stat_replication WHERE sync_state = 'sync'"), "the standby to be waited for")
    process = waltrail.apply(source, either(fresh_destination, standby, DESTINATION_ROLE), slot, "--batch-bytes", "4096")
    process.wait_for_output("streaming source")
    for number in range(1, 301):
        source.execute(INSERT, [number, number])
        if number == 200:
            primary.kill9()
    take_over(primary, standby)
    promoted = Database(standby, fresh_destination.name)
    wait_for_changes(promoted, 300)
    assert "trying again" in process.output()
    assert process.stop() == 0, process.output()
    assert_trail_holds(promoted, 300)


def test_a_source_that_is_behind_is_refused(fresh_source, destination, standby_of, slot, waltrail):
    """It has no slot, unless it was told to (test_failover_slot.py); and one that is made by hand does not help."""
    primary = fresh_source.server
    prepared(waltrail, fresh_source, destination, slot)
    standby = standby_of(primary)
    process = waltrail.apply(either(fresh_source, standby, SOURCE_ROLE), destination, slot)
    process.wait_for_output("streaming source")
    fresh_source.execute(INSERT, [1, 10])
    wait_for_changes(destination, 10)
    wait_until_level(primary, standby)
    cut_off(standby)
    fresh_source.execute(INSERT, [11, 20])
    wait_for_changes(destination, 20)
    take_over(primary, standby)
    assert process.wait() == 1
    last = process.output().splitlines()[-1]
    assert f'has no replication slot "{slot}"' in last and "changes.gaps" in last, last

    promoted = Database(standby, fresh_source.name)
    promoted.execute("SELECT pg_create_logical_replication_slot(%s, 'waltrail')", [slot])
    end = destination.value("SELECT end_lsn FROM changes.applied")
    # Also when it has gone on past the place that the trail ends at.
    for is_past in (False, True):
        if is_past:
            promoted.execute(INSERT, [11, 20_000])
            assert promoted.value("SELECT pg_current_wal_flush_lsn() > %s", [end])
        done = waltrail.apply_until_now(promoted, destination, slot, check=False)
        assert done.returncode == 1
        last = done.stderr.splitlines()[-1]
        assert f"timeline 2, whose history does not contain {end} of timeline 1" in last and "failed over to a server that was behind" in last, last
    assert_trail_holds(destination, 20)
