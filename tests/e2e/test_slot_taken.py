"""Somebody else at the production slot, or the slot gone, while apply runs: it waits where nothing is lost, and refuses where something is."""

import os
import signal
import subprocess

import psycopg2
import psycopg2.extras
import pytest

import servers
from servers import Database, wait_until

ACTIVE = "SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s AND active_pid IS NOT NULL"
# For sessions that the server must not end, whatever they keep back.
PATIENT = "-c wal_sender_timeout=0"


@pytest.fixture
def pair(new_server, destination, slot, waltrail):
    source = Database(new_server("source", wal_sender_timeout="4s"), "postgres")
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    waltrail.init(source, destination, slot)
    return source, destination, slot


@pytest.fixture
def recvlogical(pair):
    """A function that starts pg_recvlogical on the slot, which acknowledges what it reads, once a second; the server bears with it where that is late."""
    source, _, slot = pair
    started = []

    def start():
        started.append(subprocess.Popen(
            [str(servers.BINDIR / "pg_recvlogical"), "-d", source.conninfo(options=PATIENT), "--slot", slot, "--start", "-f", "/dev/null",
             "--status-interval", "1"], cwd="/", stderr=subprocess.DEVNULL,
        ))  # fmt: skip
        return started[-1]

    yield start
    for reader in started:
        reader.kill()
        reader.wait()


@pytest.fixture
def holder(pair):
    """A function that takes the slot and acknowledges nothing; the server bears with it. Returns the connection, to be closed."""
    source, _, slot = pair
    connections = []

    def start():
        connection = psycopg2.connect(
            source.conninfo(options=PATIENT), connection_factory=psycopg2.extras.LogicalReplicationConnection
        )
        connections.append(connection)
        connection.cursor().start_replication(slot_name=slot, decode=False)
        return connection

    yield start
    for connection in connections:
        connection.close()


def stop_while_it_streams(source, slot, process):
    """Its walsender; none where it was between two streams, and goes on."""
    os.kill(process.pid, signal.SIGSTOP)
    walsenders = source.query(ACTIVE, [slot])
    if not walsenders:
        os.kill(process.pid, signal.SIGCONT)
    return walsenders


def take_from_apply(source, slot, process, start):
    """Apply, which would have the slot again at once, stands still meanwhile."""
    try:
        [(pid,)] = wait_until(lambda: stop_while_it_streams(source, slot, process), "apply to stand still while it streams")
        source.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        taken = start()
        wait_until(lambda: source.query(ACTIVE, [slot]), "somebody else to have the slot")
    finally:
        os.kill(process.pid, signal.SIGCONT)
    return taken


@pytest.mark.parametrize("longer", [False, True])
def test_a_client_that_only_holds_the_slot_is_waited_for(pair, holder, waltrail, longer):
    """For as long as the server's wal_sender_timeout and a little more; then it is said, and tried again."""
    source, destination, slot = pair
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming source")
    other = take_from_apply(source, slot, process, holder)
    pid = source.value(ACTIVE, [slot])
    source.execute("INSERT INTO t VALUES (1)")
    process.wait_for_output(f"is still in use by process {pid}")
    if longer:
        process.wait_for_output(f"is in use by process {pid}")
        process.wait_for_output("stop the other client, or end its walsender with pg_terminate_backend: trying again")
    assert destination.value("SELECT count(*) FROM changes") == 0
    other.close()
    wait_until(lambda: destination.value("SELECT count(*) FROM changes") == 1, "the change", timeout_s=60)
    assert process.stop() == 0


def test_a_client_that_reads_from_the_slot_makes_a_gap_that_is_refused(pair, recvlogical, waltrail):
    source, destination, slot = pair
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming source")
    source.execute("INSERT INTO t VALUES (1)")
    wait_until(lambda: destination.value("SELECT count(*) FROM changes") == 1, "the change")
    reader = take_from_apply(source, slot, process, recvlogical)
    source.execute("INSERT INTO t VALUES (2)")
    end = source.value("SELECT pg_current_wal_flush_lsn()")
    wait_until(lambda: source.value("SELECT confirmed_flush_lsn >= %s FROM pg_replication_slots WHERE slot_name = %s", [end, slot]),
               "the slot to be moved")  # fmt: skip
    reader.terminate()
    assert process.wait() == 1
    last = process.output().splitlines()[-1]
    assert "was moved to" in last and "changes in between would be missing" in last and "another client read from the slot" in last, last
    assert destination.value("SELECT count(*) FROM changes") == 1


def test_a_slot_that_is_dropped_under_apply(pair, waltrail):
    source, destination, slot = pair
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming source")

    def drop():
        source.execute("SELECT pg_terminate_backend(active_pid, 5000) FROM pg_replication_slots WHERE slot_name = %s", [slot])
        source.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s AND NOT active", [slot])
        return not source.query("SELECT FROM pg_replication_slots WHERE slot_name = %s", [slot])

    wait_until(drop, "the slot to be dropped")
    assert process.wait() == 1
    assert f'has no replication slot "{slot}"' in process.output().splitlines()[-1]


def test_a_slot_that_is_invalidated_while_the_destination_is_locked(pair, waltrail):
    source, destination, slot = pair
    source.server.configure(max_slot_wal_keep_size="1MB", max_wal_size="32MB", min_wal_size="32MB", wal_sender_timeout="60s")
    source.server.reload()
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming source")
    locker = destination.connect(autocommit=False)
    try:
        locker.cursor().execute("LOCK TABLE public.changes IN ACCESS EXCLUSIVE MODE")
        source.execute("INSERT INTO t VALUES (1)")

        def is_lost():
            source.execute("SELECT pg_switch_wal()")
            source.execute("INSERT INTO t SELECT coalesce(max(id), 0) + 1 FROM t")
            source.execute("CHECKPOINT")
            return source.value("SELECT wal_status FROM pg_replication_slots WHERE slot_name = %s", [slot]) == "lost"

        wait_until(is_lost, "the slot to be invalidated")
    finally:
        locker.close()
    assert process.wait() == 1
    last = process.output().splitlines()[-1]
    assert "is invalidated" in last and "max_slot_wal_keep_size" in last and "changes.gaps" in last, last
