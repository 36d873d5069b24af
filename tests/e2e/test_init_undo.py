"""What `waltrail init` had made is taken back when it cannot finish: by a timeout, by a signal, by a refusing server."""

import signal
import subprocess

import pytest

import servers
from missing_standby import let_commits_wait
from test_init_refuses import assert_one_line, state
from waltrail_program import PROGRAM


@pytest.fixture
def open_transaction(source):
    """Slot creation waits for it."""
    connection = source.connect(autocommit=False, application_name="the blocker")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()")
    yield connection
    connection.close()


def begun_init(source, destination, slot):
    """An init that has begun to make its slot."""
    process = subprocess.Popen(
        [PROGRAM, "init", "--source", source.conninfo(), "--destination", destination.conninfo(), "--slot", slot],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/",
        preexec_fn=servers.die_with_parent(signal.SIGKILL),
    )  # fmt: skip
    servers.wait_until(
        lambda: source.query("SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", [slot]), "the slot to be begun"
    )
    return process


def ended(process):
    """As subprocess.run() would return it."""
    out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def test_timeout_names_the_open_transaction(source, destination, slot, waltrail, open_transaction):
    source.execute("CREATE TABLE bystander (id integer PRIMARY KEY)")
    before = state(source, destination)
    done = waltrail.init(source, destination, slot, "--slot-timeout", "1", check=False)
    assert_one_line(
        done,
        [f'could not create replication slot "{slot}" within 1 s', f"pid {open_transaction.get_backend_pid()} ",
         'user "postgres"', 'application "the blocker"', "open for ", "source", "run init again"],
    )  # fmt: skip
    assert state(source, destination) == before


def test_timeout_names_a_prepared_transaction(new_server, destination, slot, waltrail):
    source = servers.Database(new_server("source", max_prepared_transactions="1"), "postgres")
    source.psql("BEGIN; CREATE TABLE t (id integer); PREPARE TRANSACTION 'forgotten';")
    done = waltrail.init(source, destination, slot, "--slot-timeout", "1", check=False)
    assert_one_line(done, ['prepared transaction "forgotten"', 'user "postgres"'])
    assert source.query("SELECT slot_name FROM pg_replication_slots") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_while_the_slot_is_made(source, destination, slot, open_transaction, number):
    source.execute("CREATE TABLE bystander (id integer PRIMARY KEY)")
    before = state(source, destination)
    process = begun_init(source, destination, slot)
    process.send_signal(number)
    assert_one_line(ended(process), ["interrupted by a signal", "run init again"])
    assert state(source, destination) == before


def test_signal_while_a_table_is_locked(source, destination, slot):
    """By then, the slot, the event trigger and one table are done."""
    source.execute("CREATE TABLE a_free (id integer PRIMARY KEY)")
    source.execute("CREATE TABLE b_locked (id integer PRIMARY KEY)")
    before = state(source, destination)
    holder = source.connect(autocommit=False)
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT * FROM b_locked")
        process = begun_init(source, destination, slot)
        servers.wait_until(
            lambda: source.value("SELECT relreplident FROM pg_class WHERE oid = 'a_free'::regclass") == "f", "the first table"
        )
        process.send_signal(signal.SIGTERM)
        assert_one_line(ended(process), ["interrupted by a signal"])
    finally:
        holder.close()
    assert state(source, destination) == before


def test_destination_that_refuses_its_half(source, destination, slot, waltrail):
    source.execute("CREATE TABLE bystander (id integer PRIMARY KEY)")
    destination.execute("CREATE SCHEMA changes")
    destination.execute("CREATE VIEW changes.sources AS SELECT 1 AS id, ''::text AS label, 0::bigint AS system_identifier, "
                        "0::oid AS database_oid, ''::name AS slot_name, ''::name AS database_name")  # fmt: skip
    before = state(source, destination)
    assert_one_line(waltrail.init(source, destination, slot, check=False), ["destination"])
    assert state(source, destination) == before


def test_destination_that_dies_meanwhile(source, fresh_destination, slot):
    source.execute("CREATE TABLE b_locked (id integer PRIMARY KEY)")
    before = state(source)
    holder = source.connect(autocommit=False)
    try:
        with holder.cursor() as cursor:
            cursor.execute("SELECT * FROM b_locked")
        process = begun_init(source, fresh_destination, slot)
        servers.wait_until(
            lambda: source.query("SELECT 1 FROM pg_event_trigger"), "the event trigger, after the destination's half"
        )
        fresh_destination.server.kill9()
        assert_one_line(ended(process), ["destination"])
    finally:
        holder.close()
    assert state(source) == before
    fresh_destination.server.start()
    assert fresh_destination.query("SELECT 1 FROM pg_namespace WHERE nspname = 'changes'") == []


@pytest.fixture
def init_in_commit(source, fresh_destination, slot):
    """An init whose COMMIT has been done and waits for a standby that is not there, and the pid of its backend."""
    let_commits_wait(fresh_destination.server)
    process = begun_init(source, fresh_destination, slot)
    pids = servers.wait_until(
        lambda: fresh_destination.query("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"), "COMMIT to wait"
    )
    fresh_destination.server.configure(synchronous_standby_names="")
    yield process, pids[0][0]
    process.kill()
    process.communicate()


def test_commit_whose_answer_is_lost_counts_as_done(source, fresh_destination, slot, init_in_commit):
    process, backend = init_in_commit
    fresh_destination.execute("SELECT pg_terminate_backend(%s, 10000)", [backend])  # returns when it is gone
    fresh_destination.server.reload()
    done = ended(process)
    assert (done.returncode, done.stderr) == (0, "")
    assert fresh_destination.query("SELECT slot_name FROM changes.sources") == [(slot,)]


def test_commit_in_doubt_takes_nothing_back(source, fresh_destination, slot, init_in_commit, waltrail):
    process, _ = init_in_commit
    fresh_destination.server.kill9()
    assert_one_line(ended(process), ["whether the destination committed is not known", "run init again"])
    fresh_destination.server.start()
    done = waltrail.init(source, fresh_destination, slot, label=source.name)
    assert "already prepared" in done.stdout
