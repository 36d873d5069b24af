"""A server that goes silent, while its machine and the connection seem to be there: `verify` and `init` say so, and what they do then is right for a
connection over which nothing can be asked any more."""

import contextlib
import subprocess
import time

import pytest

import servers
import waltrail_program
from missing_standby import let_commits_pass, let_commits_wait
from proxy import Proxy
from test_init_refuses import assert_one_line
from test_init_undo import ended
from verified import VerifiedPair
from wired import SILENCE_MS, Through, tcp_settings

QUICKLY = {"tcp_user_timeout": SILENCE_MS, "connect_timeout": 2}


@contextlib.contextmanager
def begun(*arguments):
    process = subprocess.Popen(
        [waltrail_program.PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/"
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def proxied(tcp_servers, slot, waltrail):
    """A pair of databases, and a proxy before each."""
    source, destination = (server.create_database(f"{slot}_{number}") for number, server in enumerate(tcp_servers))
    pair = VerifiedPair(source, destination, slot, waltrail)
    proxies = [Proxy(server.port) for server in tcp_servers]
    yield pair, *proxies
    for proxy in proxies:
        proxy.close()
    waltrail.close()
    source.drop()
    destination.drop()


@pytest.mark.parametrize("end", ["source", "destination"])
def test_verify_says_which_end_is_silent_and_asks_it_nothing_more(proxied, end):
    pair, to_source, to_destination = proxied
    for table in ("a_first", "b_second", "c_third"):
        pair.source.execute(f"CREATE TABLE {table} (id int PRIMARY KEY)")
        pair.source.execute(f"INSERT INTO {table} SELECT i FROM generate_series(1, 2000) AS i")
    pair.init()
    ends = Through(pair.source, to_source.port, **QUICKLY), Through(pair.destination, to_destination.port, **QUICKLY)
    options = ("--slot", pair.slot, "--range-rows", "10", "--rows-per-second", "200")
    with begun("verify", "--source", ends[0].conninfo(), "--destination", ends[1].conninfo(), *options) as process:
        proxy = {"source": to_source, "destination": to_destination}[end]
        servers.wait_until(lambda: min(to_source.passed.values()) > 20_000 and min(to_destination.passed.values()) > 0, "the first rows")
        proxy.stall()
        done = ended(process)
    assert_one_line(done, [end, "has been silent for 2 s"])
    # The trail knows nothing of the first table, and is asked about the second. That one has the error; the run ends with it.
    assert "c_third" not in done.stdout and "another command" not in done.stdout + done.stderr
    assert "has been silent for 2 s" in done.stdout and done.stdout.endswith(", 1 table not compared, and no table after that\n")


def test_commit_of_init_that_nobody_answers_takes_nothing_back(source, new_server, slot, waltrail):
    """The destination has committed, waits for a standby, and cannot say so."""
    server = new_server("destination", **tcp_settings(servers.free_port()))
    destination = server.create_database(slot)
    let_commits_wait(server)
    proxy = Proxy(server.port)
    ends = Through(destination, proxy.port, **QUICKLY)
    try:
        with begun("init", "--source", source.conninfo(), "--destination", ends.conninfo(), "--slot", slot, "--label", source.name) as process:
            servers.wait_until(lambda: destination.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"), "COMMIT to wait")
            proxy.stall()
            done = ended(process)
        assert_one_line(done, ["whether the destination committed is not known", "run init again"])
        assert source.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s", [slot]) == 1
        let_commits_pass(server)
        servers.wait_until(lambda: not destination.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"), "the commit to end")
        assert "already prepared" in waltrail.init(source, destination, slot, label=source.name).stdout
    finally:
        proxy.close()


def test_a_statement_of_init_that_nobody_answers_is_given_up(source, new_server, slot):
    """It may wait for a lock as long as it takes, but not for a server that is gone."""
    server = new_server("destination", **tcp_settings(servers.free_port()))
    destination = server.create_database(slot)
    proxy = Proxy(server.port)
    ends = Through(destination, proxy.port, **QUICKLY)
    try:
        with contextlib.closing(destination.connect(autocommit=False)) as holder, holder.cursor() as cursor:
            cursor.execute("CREATE SCHEMA partman")  # so that another has to wait
            with begun("init", "--source", source.conninfo(), "--destination", ends.conninfo(), "--slot", slot) as process:
                waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                servers.wait_until(lambda: destination.query(waiting), "init to wait for the lock")
                time.sleep(2 * SILENCE_MS / 1000)
                assert process.poll() is None and destination.query(waiting)
                proxy.stall()
                done = ended(process)
        assert done.returncode == 1
        assert "has been silent for 2 s" in done.stderr.splitlines()[-1] and "destination" in done.stderr.splitlines()[-1], done.stderr
        assert source.value("SELECT count(*) FROM pg_replication_slots WHERE slot_name = %s", [slot]) == 0
    finally:
        proxy.close()


def test_a_server_without_room_for_another_connection_is_not_taken_for_dead(source, new_server, slot, waltrail):
    """Its only free connections are taken while it works for apply."""
    server = new_server("destination", **tcp_settings(servers.free_port()), max_connections=20, superuser_reserved_connections=0)
    destination = server.create_database(slot)
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    waltrail.init(source, destination, slot)
    process = waltrail.apply(source, Through(destination, server.port, tcp_user_timeout=SILENCE_MS), slot)
    process.wait_for_output("streaming")
    with contextlib.ExitStack() as stack:
        locker = stack.enter_context(contextlib.closing(destination.connect(autocommit=False)))
        locker.cursor().execute("LOCK TABLE public.changes IN ACCESS EXCLUSIVE MODE")
        source.execute("INSERT INTO t VALUES (1)")
        servers.wait_until(lambda: destination.query("SELECT 1 FROM pg_locks WHERE NOT granted"), "apply to wait for the lock")
        with pytest.raises(Exception, match="too many clients|connection slots"):
            while True:
                stack.enter_context(contextlib.closing(destination.connect()))
        process.wait_for_output("it takes no other connection")
        assert "trying again" not in process.output()
        locker.rollback()
    servers.wait_until(lambda: destination.value("SELECT count(*) FROM changes") == 1, "the change")
    assert process.stop() == 0
