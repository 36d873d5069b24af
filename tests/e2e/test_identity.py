"""Apply goes on only where the recorded progress, the slot and the source's history agree; otherwise it refuses, says why
and what to do, and writes nothing."""

import shutil
import subprocess

import pytest

import servers


@pytest.fixture
def pair(fresh_source, fresh_destination, slot, waltrail):
    """Three changes are in the trail; both servers may be stopped, copied and put back."""
    for database in (fresh_source, fresh_destination):
        database.server.configure(fsync="on")
        database.server.restart()
    fresh_source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    waltrail.init(fresh_source, fresh_destination, slot)
    fresh_source.execute("INSERT INTO t SELECT generate_series(1, 3)")
    waltrail.apply_until_now(fresh_source, fresh_destination, slot)
    return fresh_source, fresh_destination, slot


def assert_refuses(waltrail, source, destination, slot, *words):
    before = destination.query("SELECT * FROM changes.applied") + destination.query("SELECT count(*) FROM changes")
    result = waltrail.apply_until_now(source, destination, slot, check=False)
    assert result.returncode == 1, result.stderr
    last = result.stderr.splitlines()[-1]
    assert last.startswith("waltrail: ")
    for word in words:
        assert word in last, last
    after = destination.query("SELECT * FROM changes.applied") + destination.query("SELECT count(*) FROM changes")
    strip = [tuple(value for value in row if not hasattr(value, "tzinfo")) for row in before]
    assert [tuple(value for value in row if not hasattr(value, "tzinfo")) for row in after] == strip


class Copy:
    """A physical copy of a server's data, to be put back later: the same system identifier, an earlier point."""

    def __init__(self, server):
        self.server = server
        self.folder = server.folder / "copy"
        server.stop()
        servers._run(["cp", "-r", server.data, self.folder])
        server.start()

    def put_back(self):
        self.server.stop()
        shutil.rmtree(self.server.data)
        servers._run(["mv", self.folder, self.server.data])
        self.server.start()


def test_dropped_slot(pair, waltrail):
    source, destination, slot = pair
    source.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    assert_refuses(waltrail, source, destination, slot, f'no replication slot "{slot}"', "changes.gaps")


def test_slot_made_again_by_hand(pair, waltrail):
    source, destination, slot = pair
    source.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    source.execute("INSERT INTO t VALUES (4)")
    source.execute("SELECT pg_create_logical_replication_slot(%s, 'waltrail')", [slot])
    assert_refuses(waltrail, source, destination, slot, "was moved to", "changes in between would be missing")


def test_slot_of_another_plugin(pair, waltrail):
    source, destination, slot = pair
    source.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    source.execute("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", [slot])
    assert_refuses(waltrail, source, destination, slot, 'plugin "test_decoding"')


def test_slot_that_someone_else_read(pair, waltrail):
    source, destination, slot = pair
    source.execute("INSERT INTO t VALUES (4)")
    source.query("SELECT count(*) FROM pg_logical_slot_get_changes(%s, NULL, NULL, 'format', 'json')", [slot])
    assert_refuses(waltrail, source, destination, slot, "was moved to")


def test_invalidated_slot(pair, waltrail):
    source, destination, slot = pair
    source.server.configure(max_slot_wal_keep_size="1MB", max_wal_size="32MB", min_wal_size="32MB")
    source.server.reload()
    for _ in range(6):
        source.execute("INSERT INTO t VALUES (5)")
        source.execute("DELETE FROM t WHERE id = 5")
        source.execute("SELECT pg_switch_wal()")
    source.execute("CHECKPOINT")
    state = "SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s"
    servers.wait_until(lambda: source.value(state, [slot]) == "lost", "the slot to be invalidated")
    assert_refuses(waltrail, source, destination, slot, "invalidated", "max_slot_wal_keep_size")


@pytest.fixture
def unrelated_server(server_folder):
    """Other servers of the tests are copies of one initdb, and share its system identifier."""
    template = servers.make_template(server_folder / "unrelated_template")
    server = servers.Server("unrelated", server_folder / "unrelated", template)
    yield server.start()
    server.remove()


def test_another_server_under_the_same_names(pair, waltrail, unrelated_server):
    source, destination, slot = pair
    other = servers.Database(unrelated_server, "postgres")
    other.execute("SELECT pg_create_logical_replication_slot(%s, 'waltrail')", [slot])
    assert_refuses(waltrail, other, destination, slot, "another database than the one recorded")


def test_source_restored_to_an_earlier_point(pair, waltrail):
    source, destination, slot = pair
    copy = Copy(source.server)
    source.execute("INSERT INTO t SELECT generate_series(10, 2000)")
    waltrail.apply_until_now(source, destination, slot)
    copy.put_back()
    assert_refuses(waltrail, source, destination, slot, "before", "already recorded", "restored to an earlier point")


def test_source_restored_and_gone_on_past_the_recorded_end(pair, waltrail):
    source, destination, slot = pair
    copy = Copy(source.server)
    source.execute("INSERT INTO t VALUES (10)")
    waltrail.apply_until_now(source, destination, slot)
    copy.put_back()
    for number in range(20, 3000):
        source.execute("INSERT INTO t VALUES (%s)", [number])
    assert_refuses(waltrail, source, destination, slot, "another history")


def test_destination_restored_to_an_earlier_point(pair, waltrail):
    source, destination, slot = pair
    copy = Copy(destination.server)
    source.execute("INSERT INTO t VALUES (10)")
    waltrail.apply_until_now(source, destination, slot)
    copy.put_back()
    assert_refuses(waltrail, source, destination, slot, "was moved to", "the destination was restored")


def test_promoted_standby_that_has_everything_is_gone_on_with(pair, waltrail):
    """test_failover.py has one that was behind."""
    source, destination, slot = pair
    source.execute("INSERT INTO t VALUES (10)")
    waltrail.apply_until_now(source, destination, slot)
    # A promotion in place: recovery to the end, then a new timeline that contains all of the old one.
    source.server.stop()
    (source.server.data / "recovery.signal").touch()
    shutil.chown(source.server.data / "recovery.signal", servers.SERVER_USER, servers.SERVER_USER)
    source.server.configure(restore_command="false", recovery_target_timeline="current")
    source.server.start()
    servers.wait_until(lambda: not source.value("SELECT pg_is_in_recovery()"), "the promotion")
    assert source.value("SELECT timeline_id FROM pg_control_checkpoint()") == 2
    source.execute("INSERT INTO t VALUES (11)")
    waltrail.apply_until_now(source, destination, slot)
    assert destination.value("SELECT count(*) FROM changes") == 5
    assert destination.value("SELECT timeline FROM changes.applied") == 2


def test_slot_in_use_is_waited_for_and_then_refused(pair, waltrail):
    source, destination, slot = pair
    source.server.configure(wal_sender_timeout="1s")
    source.server.reload()
    reader = subprocess.Popen(
        [str(servers.BINDIR / "pg_recvlogical"), "-d", source.conninfo(options="-c wal_sender_timeout=0"), "--slot", slot, "--start", "-f", "/dev/null",
         "-s", "1", "-F", "0"], cwd="/")  # fmt: skip
    try:
        active = "SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s"
        pid = servers.wait_until(lambda: source.value(active, [slot]), "the slot to be in use")
        assert_refuses(waltrail, source, destination, slot, f'slot "{slot}"', f"in use by process {pid}")
    finally:
        reader.kill()
        reader.wait()


def test_position_moved_by_another_apply_process_is_noticed(pair, waltrail):
    source, destination, slot = pair
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming")
    destination.execute("UPDATE changes.applied SET end_lsn = end_lsn + 8")
    source.execute("INSERT INTO t VALUES (10)")
    process.wait_for_output("no longer")
    assert process.stop() == 0
