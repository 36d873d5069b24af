"""A destination without room: apply says so, waits, and goes on by itself once there is room. The source does not notice."""

import itertools
import shutil

import pytest

from servers import Database, wait_until
from small_disk import SmallDisk
from wired import Wired, tcp_settings
import servers

SMALL = "INSERT INTO items SELECT i, i, repeat(md5(i::text), 3) FROM generate_series(%s, %s) AS i"


@pytest.fixture
def disk(server_folder):
    disk = SmallDisk(server_folder / "small disk", megabytes=256)
    yield disk
    disk.close()


@pytest.fixture
def servers_beside_it(disk, new_server):
    """A source, and a destination that a test may put on the small disk; they are gone before it is."""
    return [new_server(name, **tcp_settings(servers.free_port())) for name in ("source", "destination")]


@pytest.fixture
def wired_to(servers_beside_it, slot, waltrail):
    """A function: everything between the source and that database."""
    pairs = []

    def wire(destination):
        pairs.append(Wired(Database(servers_beside_it[0], "postgres"), destination, slot, waltrail))
        return pairs[-1]

    yield wire
    for pair in pairs:
        pair.close()


def test_no_room_for_tables(servers_beside_it, disk, wired_to):
    source, destination = servers_beside_it
    (disk.folder / "tables").mkdir()
    shutil.chown(disk.folder / "tables", servers.SERVER_USER, servers.SERVER_USER)
    destination.execute(f"CREATE TABLESPACE small LOCATION '{disk.folder / 'tables'}'")
    destination.execute("CREATE DATABASE trail TABLESPACE small")
    wired = wired_to(Database(destination, "trail"))
    process = wired.start_apply()
    wired.source.execute(SMALL, [2_000_001, 2_000_100])
    wired.wait_until_caught_up()
    disk.fill(bytes_left=1 << 20)
    writer = wired.start_writing(1)
    wired.source.execute(SMALL, [1_000_001, 1_020_000])
    process.wait_for_output("No space left on device")
    process.wait_for_output("trying again")
    before = writer.committed
    wait_until(lambda: writer.committed > before, "the source to work on")
    assert "destination" in next(line for line in process.output().splitlines() if "No space left" in line)
    disk.make_room()
    wired.assert_trail_is_what_was_committed(process)


def test_no_room_for_wal(servers_beside_it, disk, wired_to):
    """The server ends with a PANIC, and does not start until there is room."""
    _, destination = servers_beside_it
    # Without a checkpoint no old file of WAL is written to again, so that a new one is needed soon.
    destination.configure(max_wal_size="4GB", min_wal_size="32MB", checkpoint_timeout="1h")
    destination.stop()
    wal = destination.data / "pg_wal"
    shutil.copytree(wal, disk.folder / "wal")
    shutil.rmtree(wal)
    for path in [disk.folder / "wal", *(disk.folder / "wal").rglob("*")]:
        shutil.chown(path, servers.SERVER_USER, servers.SERVER_USER)
    (disk.folder / "wal").chmod(0o700)
    wal.symlink_to(disk.folder / "wal")
    destination.start()
    wired = wired_to(Database(destination, "postgres"))
    process = wired.start_apply()
    wired.start_writing(2)
    wired.wait_until_caught_up()
    disk.fill()
    first = itertools.count(1_000_000, 10_000)

    def has_panicked():
        # No more than it takes: all of it must find room afterwards.
        if destination.log_matches(r"PANIC: .*No space left on device"):
            return True
        wired.source.execute(SMALL, [number := next(first), number + 9_999])

    wait_until(has_panicked, "the destination to panic", timeout_s=180, interval_s=2)
    process.wait_for_output("trying again")
    # From now on what comes has to fit.
    destination.configure(max_wal_size="64MB")
    destination.reload()
    disk.make_room()
    # A server that could not recover for want of room has ended; somebody starts it again.
    wait_until(lambda: not destination.is_running() or _answers(destination), "an end or a recovery", timeout_s=60)
    if not destination.is_running():
        destination.start()
    destination._close_pooled()
    wired.assert_trail_is_what_was_committed(process)


def _answers(server):
    try:
        return server._accepts_connections()
    except RuntimeError:
        return False
