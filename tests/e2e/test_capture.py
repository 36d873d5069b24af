"""The context of a client's statement, by the protocol's several ways of sending one, and from many sessions."""

import itertools
import json

import psycopg
import pytest

from recorded import Recorded
from servers import wait_until

ROWS = "CREATE TABLE rows (id integer PRIMARY KEY, note text); ALTER TABLE rows REPLICA IDENTITY FULL"


@pytest.fixture
def recorded(preloaded, slot):
    preloaded.execute(ROWS)
    return Recorded(preloaded, slot)


@pytest.fixture
def client(recorded):
    """Of psycopg 3, which speaks the extended protocol, and pipelines."""
    with psycopg.connect(recorded.database.conninfo(), autocommit=True) as connection:
        yield connection


def contexts(recorded):
    return [(key, {name: value for name, value in context.items() if name != "_waltrail"}) for key, context in recorded.contexts()]


def comment(name):
    return f'/*Bemi {{"is": "{name}"}} Bemi*/'


def test_parameters_and_prepared_statements(client, recorded):
    client.execute(f"INSERT INTO rows VALUES (%s, %s) {comment('parameters')}", [1, "/*Bemi {} Bemi*/"])
    for i in (2, 3):
        client.execute(f"INSERT INTO rows VALUES (%s) {comment('prepared')}", [i], prepare=True)
    client.execute("INSERT INTO rows VALUES (%s)", [4], prepare=True)
    client.execute(f"{comment('before')} INSERT INTO rows VALUES (%b) RETURNING id", [5]).fetchall()
    client.execute(f"INSERT INTO rows SELECT generate_series(6, 8) {comment('binary')}", binary=True)
    assert contexts(recorded) == [("1", {"is": "parameters"}), ("2", {"is": "prepared"}), ("3", {"is": "prepared"}), ("4", {}),
                                  ("5", {"is": "before"}), *((key, {"is": "binary"}) for key in "678")]  # fmt: skip


def test_pipeline(client, recorded):
    """Statements are bound, executed and committed at places of their own; deferred triggers run at the end, without a statement."""
    client.execute("""
        CREATE TABLE log (id serial PRIMARY KEY);
        CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log DEFAULT VALUES; RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER late AFTER INSERT ON rows DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
            WHEN (new.note IS NOT NULL) EXECUTE FUNCTION note()""")
    with client.pipeline():
        client.execute(f"INSERT INTO rows VALUES (1) {comment('one')}")
        client.execute("INSERT INTO rows VALUES (%s)", [2])
        client.execute(f"INSERT INTO rows VALUES (%s, 'late') {comment('three')}", [3])
    with client.pipeline(), client.transaction():
        client.execute(f"INSERT INTO rows VALUES (4) {comment('four')}")
        client.execute(f"UPDATE rows SET note = 'x' WHERE id = 4 {comment('five')}")
        client.execute(f"INSERT INTO rows VALUES (6, 'late') {comment('six')}")
        client.execute("SELECT 1")
    assert contexts(recorded) == [("1", {"is": "one"}), ("2", {}), ("3", {"is": "three"}), ("1", {"is": "three"}),
                                  ("4", {"is": "four"}), ("4", {"is": "five"}), ("6", {"is": "six"}), ("2", {"is": "six"})]  # fmt: skip


def test_copy_and_cursors(client, recorded):
    with client.cursor().copy(f"COPY rows (id) FROM STDIN {comment('copy')}") as copy:
        for i in range(1, 3000):
            copy.write_row([i])
    assert contexts(recorded) == [(str(i), {"is": "copy"}) for i in range(1, 3000)]
    client.execute("CREATE FUNCTION forget(id integer) RETURNS integer LANGUAGE sql AS 'DELETE FROM rows WHERE rows.id = forget.id RETURNING id'")
    with client.transaction(), client.cursor(name="some") as cursor:
        cursor.itersize = 2
        cursor.execute(f"SELECT forget(i) FROM generate_series(1, 5) AS i {comment('cursor')}")
        assert len(cursor.fetchall()) == 5
    assert contexts(recorded) == [(str(i), {"is": "cursor"}) for i in range(1, 6)]


def test_error_leaves_nothing_behind(client, recorded):
    client.execute(f"INSERT INTO rows VALUES (1) {comment('one')}")
    for broken in ("INSERT INTO rows VALUES (2), (1)", "INSERT INTO rows SELECT 1 / (3 - i) FROM generate_series(2, 3) AS i",
                   "UPDATE rows SET id = 1 / 0", "COPY rows FROM STDIN (FORMAT nonsense)", "TRUNCATE rows, missing"):  # fmt: skip
        with pytest.raises(psycopg.Error):
            client.execute(f"{broken} {comment('broken')}")
        client.execute("DELETE FROM rows WHERE id = 9; INSERT INTO rows VALUES (9)")
    assert {json.dumps(context) for _, context in contexts(recorded)} == {'{"is": "one"}', "{}"}


def test_prepared_transaction_leaves_nothing_behind(client, recorded):
    """What it has said is not said in the next one of its session."""
    client.execute("BEGIN")
    client.execute(f"INSERT INTO rows VALUES (1) {comment('same')}")
    client.execute("PREPARE TRANSACTION 'p'")
    client.execute(f"INSERT INTO rows VALUES (2) {comment('same')}")
    client.execute("COMMIT PREPARED 'p'")
    assert sorted(contexts(recorded)) == [("1", {"is": "same"}), ("2", {"is": "same"})]


def test_context_that_is_said_again_is_sent_once(client, recorded):
    """A message is in the WAL each time; in the stream the context stands where it is another."""
    context = json.dumps({"is": "x" * 10_000})
    with client.transaction():
        for i in range(5):
            client.execute("SELECT pg_logical_emit_message(true, 'waltrail', %s)", [context])
            client.execute("INSERT INTO rows VALUES (%s)", [i])
    frames = client.execute("SELECT length(data) FROM pg_logical_slot_peek_binary_changes(%s, NULL, NULL, 'format', 'binary')", [recorded.slot])
    assert 10_000 < sum(length for (length,) in frames.fetchall()) < 20_000
    assert contexts(recorded) == [(str(i), json.loads(context)) for i in range(5)]


@pytest.mark.parametrize("encoding, word", [("LATIN1", "größe"), ("EUC_JP", "値段")])
def test_contexts_and_names_in_other_encodings(preloaded_server, slot, encoding, word):
    database = preloaded_server.create_database(f"{slot}_{encoding}".lower(), encoding)
    try:
        database.execute(ROWS)
        recorded = Recorded(database, slot)
        connection = database.connect()
        connection.set_client_encoding("UTF8")
        cursor = connection.cursor()
        cursor.execute(f"INSERT INTO rows VALUES (1) {comment(word)}")
        cursor.execute(f"SET application_name = 'x {word}'; SET waltrail.context = '{{\"is\": \"set: {word}\"}}'; INSERT INTO rows VALUES (2)")
        connection.close()
        (_, commented), (_, named) = recorded.contexts()
        assert (commented["is"], named["is"]) == (word, f"set: {word}")
        # PostgreSQL takes only ASCII in this name
        assert named["_waltrail"]["claimed"]["application_name"].startswith("x ")
    finally:
        database.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s", [slot])
        database.drop()


def test_ten_thousand_sessions(preloaded, destination, slot, waltrail):
    """Each has a context of its own, said in one of the ways, on 40 connections by turns, and two rows that keep it."""
    preloaded.execute(ROWS)
    waltrail.init(preloaded, destination, slot)
    connections = [psycopg.connect(preloaded.conninfo()) for _ in range(40)]
    try:
        for session, connection in zip(range(10_000), itertools.cycle(connections)):
            write_in_session(connection, session)
    finally:
        for connection in connections:
            connection.close()
    waltrail.apply_until_now(preloaded, destination, slot)
    wrong = destination.query(
        """SELECT primary_key, context FROM changes
            WHERE context - '_waltrail' <> jsonb_build_object('session', primary_key::integer / 2)"""
    )
    assert wrong == [] and destination.value("SELECT count(*) FROM changes") == 20_000


def write_in_session(connection, session):
    context = json.dumps({"session": session})
    ways = {
        0: lambda insert: f"{insert} /*Bemi {context} Bemi*/",
        1: lambda insert: f"/*Bemi {context} Bemi*/ {insert};",
        2: lambda insert: f"SET LOCAL waltrail.context = '{context}'; {insert}",
        3: lambda insert: f"SELECT pg_logical_emit_message(true, '_bemi', '{context}'); {insert}",
    }
    with connection.transaction():
        for i in (0, 1):
            connection.execute(ways[session % 4](f"INSERT INTO rows VALUES ({2 * session + i})"))


def test_roles_that_change_with_each_row_take_no_memory(recorded):
    """Of the names of all of them, as long as the statement is at work."""
    recorded.database.execute(
        """CREATE ROLE odd; CREATE ROLE even; GRANT pg_read_all_stats TO odd, even;
           CREATE FUNCTION act(i integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN
               PERFORM set_config('role', CASE i % 2 WHEN 0 THEN 'even' ELSE 'odd' END, true);
               IF i NOT IN (1000, 9000) THEN RETURN NULL; END IF;
               RETURN (SELECT sum(used_bytes) FROM pg_backend_memory_contexts WHERE name IN ('ExecutorState', 'ExprContext', 'PortalContext'));
           END $$;
           CREATE TABLE used (id integer, bytes integer)"""
    )
    try:
        recorded.database.execute("INSERT INTO used SELECT i, act(i) FROM generate_series(1, 9000) AS i")
    finally:
        recorded.database.execute("DROP OWNED BY odd, even; DROP ROLE odd, even")
    said = {context["_waltrail"]["actor"]["current_user"] for _, context in recorded.contexts()}
    (before,), (after,) = recorded.database.query("SELECT bytes FROM used WHERE bytes IS NOT NULL ORDER BY id")
    assert said == {"odd", "even"}
    assert after - before < 100_000


# -- what the server does to a statement that is at work ---------------------------------------------------------------

# The check locks a table, and so hears what was altered while the trigger waited.
SLOW = """
    CREATE TABLE other (id integer);
    ALTER TABLE rows ADD CHECK (pg_relation_size('other', 'main') >= 0);
    CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN new; END';
    CREATE TRIGGER slow BEFORE INSERT ON rows FOR EACH ROW EXECUTE FUNCTION slow()"""


@pytest.fixture
def statement_at_work(recorded):
    """(connection, let_go): a statement whose first row has come and is not written yet."""
    recorded.database.execute(SLOW)
    holder = recorded.database.connect()
    holder.cursor().execute("SELECT pg_advisory_lock(7)")
    client = psycopg.connect(recorded.database.conninfo(), autocommit=True)
    client.execute("BEGIN; SAVEPOINT a")
    client.pgconn.send_query(f"INSERT INTO rows VALUES (1), (2) {comment('slow')}".encode())
    waits = "SELECT count(*) = 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'advisory'"
    wait_until(lambda: recorded.database.value(waits, [client.info.backend_pid]), "the statement to wait")
    yield client, holder.close
    holder.close()
    client.close()


def test_table_that_is_altered_meanwhile(statement_at_work, recorded):
    """The server then builds the open table's entry anew, while the statement is at work on a row."""
    client, let_go = statement_at_work
    recorded.database.execute("ALTER TABLE rows SET (autovacuum_enabled = off)")
    let_go()
    while client.pgconn.get_result() is not None:
        pass
    client.execute("COMMIT")
    assert contexts(recorded) == [("1", {"is": "slow"}), ("2", {"is": "slow"})]


def test_table_that_is_altered_under_copy(client, recorded):
    """Looking for a type takes locks: the server then builds the table's entry anew before COPY has written its first row."""
    recorded.database.execute("CREATE TABLE kinds (id integer PRIMARY KEY, kind regtype)")
    with client.cursor().copy(f"COPY kinds FROM STDIN {comment('copy')}") as copy:
        recorded.database.execute("ALTER TABLE kinds SET (autovacuum_enabled = off)")
        copy.write_row([1, "money"])
    assert contexts(recorded) == [("1", {"is": "copy"})]


@pytest.mark.parametrize("end", ["pg_cancel_backend", "pg_terminate_backend"])
def test_statement_that_is_ended(statement_at_work, recorded, end):
    client, let_go = statement_at_work
    started = recorded.database.value("SELECT pg_postmaster_start_time()")
    recorded.database.execute(f"SELECT {end}({client.info.backend_pid})")
    result = client.pgconn.get_result()
    assert b"canceling" in result.error_message or b"terminating" in result.error_message
    let_go()
    # neither the server nor the session has suffered
    recorded.database.execute(f"INSERT INTO rows VALUES (3) {comment('after')}")
    if end == "pg_cancel_backend":
        while client.pgconn.get_result() is not None:
            pass
        client.execute("ROLLBACK TO a")
        client.execute(f"INSERT INTO rows VALUES (4) {comment('again')}")
        client.execute("COMMIT")
    expected = [("3", {"is": "after"}), ("4", {"is": "again"})]
    assert contexts(recorded) == expected[: 2 if end == "pg_cancel_backend" else 1]
    assert recorded.database.value("SELECT pg_postmaster_start_time()") == started
    assert "was terminated by signal" not in recorded.database.server.log()
