"""Who made a change stands in the trail, and no role without a superuser's rights can make it say something else."""

import psycopg2
import pytest

import servers
from recorded import Recorded
from servers import wait_until


@pytest.fixture(scope="module", autouse=True)
def roles(preloaded_server):
    preloaded_server.execute("CREATE EXTENSION pg_walinspect")
    preloaded_server.execute("CREATE ROLE mallory LOGIN; CREATE ROLE friend; GRANT friend TO mallory; CREATE ROLE victim LOGIN")
    yield
    preloaded_server.execute("DROP EXTENSION pg_walinspect; DROP ROLE mallory, friend, victim")


@pytest.fixture
def recorded(preloaded, slot):
    preloaded.execute("CREATE TABLE rows (id integer PRIMARY KEY); GRANT ALL ON rows TO PUBLIC")
    return Recorded(preloaded, slot)


@pytest.fixture
def mallory(recorded):
    connection = recorded.database.connect(user="mallory", autocommit=False)
    yield connection.cursor()
    connection.close()


def emit(cursor, prefix, content):
    cursor.execute("SELECT pg_logical_emit_message(true, %s, %s)", [prefix, content])


def actors(recorded):
    return {key: ours["actor"] for key, ours in recorded.ours()}


MALLORY = {"session_user": "mallory"}


def test_who_is_known_and_what_is_claimed(recorded):
    database = recorded.database
    with database.connect(user="victim", application_name='a "b"') as connection:
        connection.cursor().execute("INSERT INTO rows VALUES (1)")
    connection.close()
    with database.connect(user="mallory", application_name="") as connection:
        connection.cursor().execute("SET ROLE friend; INSERT INTO rows VALUES (2)")
        connection.cursor().execute("RESET ROLE; INSERT INTO rows VALUES (3)")
    connection.close()
    with database.connect() as connection:
        connection.cursor().execute("SET SESSION AUTHORIZATION victim; SET application_name = x; INSERT INTO rows VALUES (4)")
        connection.cursor().execute("SET ROLE NONE; RESET SESSION AUTHORIZATION; INSERT INTO rows VALUES (5)")
    connection.close()
    assert recorded.ours() == [
        ("1", {"actor": {"session_user": "victim"}, "claimed": {"application_name": 'a "b"'}}),
        ("2", {"actor": {"session_user": "mallory", "current_user": "friend"}}),
        ("3", {"actor": MALLORY}),
        ("4", {"actor": {"session_user": "victim", "authenticated_user": "postgres"}, "claimed": {"application_name": "x"}}),
        ("5", {"actor": {"session_user": "postgres"}, "claimed": {"application_name": "x"}}),
    ]


def test_address_of_the_client(recorded):
    connection = recorded.database.connect(user="victim", host="127.0.0.1")
    connection.cursor().execute("INSERT INTO rows VALUES (1)")
    connection.close()
    assert actors(recorded) == {"1": {"session_user": "victim", "client_addr": "127.0.0.1"}}


def test_a_function_with_its_owners_rights_acts_for_its_caller(recorded, mallory):
    recorded.database.execute(
        """CREATE FUNCTION add(id integer) RETURNS void LANGUAGE sql SECURITY DEFINER AS 'INSERT INTO rows VALUES (id)';
           CREATE TABLE children (id integer PRIMARY KEY, parent integer REFERENCES rows ON DELETE CASCADE);
           GRANT ALL ON children TO PUBLIC"""
    )
    mallory.execute("SELECT add(1); INSERT INTO children VALUES (10, 1); DELETE FROM rows")
    mallory.connection.commit()
    assert [ours["actor"] for _, ours in recorded.ours()] == [MALLORY] * 4


def test_roles_that_change_within_a_statement_are_told_apart(recorded, mallory):
    recorded.database.execute(
        """CREATE FUNCTION as_friend(id integer) RETURNS integer LANGUAGE plpgsql SET role = friend AS
           'BEGIN INSERT INTO rows VALUES (id + 100); RETURN id; END'"""
    )
    mallory.execute("INSERT INTO rows SELECT as_friend(i) FROM generate_series(1, 2) AS i")
    mallory.connection.commit()
    friend = dict(MALLORY, current_user="friend")
    assert recorded.ours() == [("101", {"actor": friend}), ("1", {"actor": MALLORY}),
                               ("102", {"actor": friend}), ("2", {"actor": MALLORY})]  # fmt: skip


@pytest.mark.parametrize("statement", [
    "INSERT INTO parts SELECT generate_series(1, 2)", "COPY parts FROM PROGRAM 'echo 1; echo 2'",
    "UPDATE parts SET id = id + 10 WHERE id < 0", "CREATE TABLE made AS SELECT as_friend(i) FROM generate_series(1, 2) AS i",
])  # fmt: skip
def test_rows_are_their_statements_whoever_writes_in_between(recorded, statement):
    """A function of another role writes while the statement is at work on a row: the row stays the statement's."""
    recorded.database.execute(
        """CREATE TABLE parts (id integer PRIMARY KEY) PARTITION BY RANGE (id);
           CREATE TABLE part PARTITION OF parts FOR VALUES FROM (-100) TO (100);
           INSERT INTO parts VALUES (-1), (-2);
           CREATE FUNCTION as_friend(id integer) RETURNS integer LANGUAGE plpgsql SET role = friend AS
           'BEGIN INSERT INTO rows VALUES (id + 1000); RETURN id; END';
           CREATE FUNCTION write() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM as_friend(new.id); RETURN new; END';
           CREATE TRIGGER write BEFORE INSERT OR UPDATE ON part FOR EACH ROW EXECUTE FUNCTION write()"""
    )
    recorded.take()
    recorded.database.execute(statement)
    friend = {"session_user": "postgres", "current_user": "friend"}
    ours = recorded.ours()
    assert len(ours) == 4
    for key, said in ours:
        assert said["actor"] == (friend if key and int(key) > 500 else {"session_user": "postgres"})


def test_actor_that_is_left_out_within_a_transaction_is_nobody(recorded):
    connection = recorded.database.connect()
    connection.cursor().execute("BEGIN; INSERT INTO rows VALUES (1); SET LOCAL waltrail.capture_actor = off; INSERT INTO rows VALUES (2)")
    connection.cursor().execute("SET LOCAL waltrail.capture_actor = on; INSERT INTO rows VALUES (3); COMMIT")
    connection.close()
    postgres = {"actor": {"session_user": "postgres"}}
    assert recorded.ours() == [("1", postgres), ("2", None), ("3", postgres)]


def test_renamed_role(recorded, preloaded_server):
    preloaded_server.execute("CREATE ROLE before LOGIN")
    connection = recorded.database.connect(user="before")
    connection.cursor().execute("INSERT INTO rows VALUES (1)")
    preloaded_server.execute("ALTER ROLE before RENAME TO after")
    connection.cursor().execute("INSERT INTO rows VALUES (2)")
    connection.close()
    preloaded_server.execute("DROP ROLE after")
    assert [actor["session_user"] for actor in actors(recorded).values()] == ["before", "after"]


CLAIMS = ['{"_waltrail": {"actor": {"session_user": "victim"}}, "a": 1}', r'{"\u005fwaltrail": {"actor": {"session_user": "victim"}}, "a": 1}',
          '{"_waltrail": 1, "a": 1, "_waltrail": {"actor": {"session_user": "victim"}}}']  # fmt: skip


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("way", ["comment", "setting", "waltrail", "_bemi"])
def test_context_that_claims_to_be_the_actor_is_moved_aside(recorded, mallory, way, claim):
    if way == "setting":
        mallory.execute("SELECT set_config('waltrail.context', %s, true)", [claim])
    elif way != "comment":
        emit(mallory, way, claim)
    mallory.execute("INSERT INTO rows VALUES (1)" + (f" /*Bemi {claim} Bemi*/" if way == "comment" else ""))
    mallory.connection.commit()
    claimed = {"_waltrail": {"actor": {"session_user": "victim"}}}
    assert recorded.contexts() == [("1", {"_waltrail": {"actor": MALLORY, "claimed": claimed}, "a": 1})]


def capture_messages(database, since):
    """Contents of the library's messages in the WAL, as a superuser reads them."""
    database.execute("SELECT pg_switch_wal()")  # so that all is written out
    rows = database.server.query(
        """SELECT description FROM pg_get_wal_records_info(%s, pg_current_wal_flush_lsn())
           WHERE resource_manager = 'LogicalMessage' AND description LIKE '%%waltrail.capture%%'""",
        [since],
    )
    return [bytes.fromhex(text.rpartition("bytes): ")[2]) for (text,) in rows]


def wal_position(database):
    return database.value("SELECT pg_current_wal_insert_lsn()")


def test_message_of_another_session_is_worth_nothing(recorded, mallory):
    database = recorded.database
    since = wal_position(database)
    with database.connect(user="victim") as connection:
        connection.cursor().execute("INSERT INTO rows VALUES (1)")
    connection.close()
    (stolen,) = capture_messages(database, since)
    for step, insert in ((1, "INSERT INTO rows VALUES (2)"), (2, "INSERT INTO rows VALUES (3)")):
        emit(mallory, "waltrail.capture", stolen)
        mallory.execute(insert)
    emit(mallory, "waltrail.capture", stolen)
    mallory.connection.commit()
    ours = dict(recorded.ours())
    assert ours["1"]["actor"] == {"session_user": "victim"}
    assert [ours[key]["actor"] for key in ("2", "3")] == [MALLORY, MALLORY]
    # what was tried can be seen
    assert ours["3"]["claimed"] == {"actor": {"session_user": "victim"}}


def test_not_even_a_superuser_writes_one_in_sql(recorded):
    database = recorded.database
    since = wal_position(database)
    with database.connect(user="victim") as connection:
        connection.cursor().execute("INSERT INTO rows VALUES (1)")
    connection.close()
    (stolen,) = capture_messages(database, since)
    connection = database.connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute("SET LOCAL waltrail.capture_actor = off")
    for content in (stolen, stolen + b"sealed"):
        emit(cursor, "waltrail.capture", content)
        cursor.execute("INSERT INTO rows VALUES (%s)", [len(content)])
    connection.commit()
    connection.close()
    _, (_, exact), (_, longer) = recorded.ours()
    assert exact == longer == {"claimed": {"actor": {"session_user": "victim"}}}


def test_message_that_is_spilled_to_disk_stays_genuine(recorded, mallory):
    mallory.execute("SET ROLE friend; INSERT INTO rows SELECT generate_series(1, 5000); RESET ROLE; INSERT INTO rows SELECT generate_series(5001, 9000)")
    mallory.connection.commit()
    with recorded.database.connect(options="-c logical_decoding_work_mem=64kB") as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT data::jsonb->'context'->'_waltrail' FROM pg_logical_slot_get_changes(%s, NULL, NULL, 'format', 'json')", [recorded.slot])
        said = [ours for (ours,) in cursor.fetchall()]
        cursor.execute("SELECT pg_stat_force_next_flush()")
    connection.close()
    assert said == [{"actor": dict(MALLORY, current_user="friend")}] * 5000 + [{"actor": MALLORY}] * 4000
    wait_until(lambda: recorded.database.value("SELECT spill_count > 0 FROM pg_stat_replication_slots WHERE slot_name = %s", [recorded.slot]),
               "the server's count of what it has spilled")  # fmt: skip


def test_earlier_message_of_the_same_transaction_is_worth_nothing(recorded, mallory):
    since = wal_position(recorded.database)
    mallory.execute("SET ROLE friend; INSERT INTO rows VALUES (1); RESET ROLE; INSERT INTO rows VALUES (2)")
    as_friend, as_mallory = capture_messages(recorded.database, since)
    emit(mallory, "waltrail.capture", as_friend)
    mallory.execute("INSERT INTO rows VALUES (3)")
    mallory.connection.commit()
    friend = dict(MALLORY, current_user="friend")
    assert actors(recorded) == {"1": friend, "2": MALLORY, "3": MALLORY}


def test_message_of_a_savepoint_rolled_back_is_worth_nothing(recorded, mallory):
    since = wal_position(recorded.database)
    mallory.execute("INSERT INTO rows VALUES (1); SAVEPOINT a; SET ROLE friend; INSERT INTO rows VALUES (2)")
    _, as_friend = capture_messages(recorded.database, since)
    mallory.execute("ROLLBACK TO a; SAVEPOINT b; INSERT INTO rows VALUES (3)")
    emit(mallory, "waltrail.capture", as_friend)
    mallory.execute("INSERT INTO rows VALUES (4); RELEASE b; INSERT INTO rows VALUES (5)")
    mallory.connection.commit()
    assert actors(recorded) == {"1": MALLORY, "3": MALLORY, "4": MALLORY, "5": MALLORY}


def test_messages_in_savepoints_are_genuine(recorded, mallory):
    mallory.execute("SAVEPOINT a; SAVEPOINT b; INSERT INTO rows VALUES (1); RELEASE b; SAVEPOINT c; SET ROLE friend; INSERT INTO rows VALUES (2)")
    mallory.execute("RELEASE c; RELEASE a; RESET ROLE; INSERT INTO rows VALUES (3)")
    for i in range(10, 40):
        mallory.execute("SAVEPOINT s; SET ROLE %s; INSERT INTO rows VALUES (%s)" % (("friend", "mallory")[i % 2], i))
    mallory.connection.commit()
    friend = dict(MALLORY, current_user="friend")
    assert actors(recorded) == {"1": MALLORY, "2": friend, "3": MALLORY, **{str(i): (friend, MALLORY)[i % 2] for i in range(10, 40)}}


def test_message_that_was_changed_is_worth_nothing(recorded, mallory):
    since = wal_position(recorded.database)
    mallory.execute("SET ROLE friend; INSERT INTO rows VALUES (1); RESET ROLE")
    (message,) = capture_messages(recorded.database, since)
    mallory.execute("INSERT INTO rows VALUES (2)")
    emit(mallory, "waltrail.capture", message[:-1] + bytes([message[-1] ^ 1]))
    mallory.execute("INSERT INTO rows VALUES (3)")
    mallory.connection.commit()
    assert actors(recorded) == {"1": dict(MALLORY, current_user="friend"), "2": MALLORY, "3": MALLORY}


def test_prefix_that_the_plugin_gives_is_taken_from_others(recorded, mallory):
    since = wal_position(recorded.database)
    mallory.execute("SET ROLE friend; INSERT INTO rows VALUES (1); RESET ROLE")
    (message,) = capture_messages(recorded.database, since)
    mallory.execute("INSERT INTO rows VALUES (2)")
    emit(mallory, "waltrail.sealed ", message)
    mallory.execute("INSERT INTO rows VALUES (3)")
    mallory.connection.commit()
    assert actors(recorded) == {"1": dict(MALLORY, current_user="friend"), "2": MALLORY, "3": MALLORY}


def test_statements_context_is_ended_by_no_trigger(recorded):
    """A message that claims to be the library's is an application's, in whose statement it is."""
    recorded.database.execute(
        """CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               PERFORM pg_logical_emit_message(true, 'waltrail.capture', '\\x02'::bytea);
               PERFORM pg_logical_emit_message(true, 'waltrail.capture', '\\x027b2278223a317d'::bytea);
               RETURN NULL; END $$;
           CREATE TRIGGER meddle AFTER INSERT ON rows FOR EACH ROW EXECUTE FUNCTION meddle()"""
    )
    recorded.database.execute('INSERT INTO rows VALUES (1), (2); INSERT INTO rows VALUES (3) /*Bemi {"a": 1} Bemi*/')
    recorded.database.execute('INSERT INTO rows VALUES (4), (5) /*Bemi {"a": 1} Bemi*/')
    said = {key: {name: value for name, value in context.items() if name != "_waltrail"} for key, context in recorded.contexts()}
    assert [said[key] for key in "45"] == [{"a": 1}] * 2


@pytest.mark.parametrize("content", [b"", b"\x01", b"\xff" * 40, b"\x01\x00", b"\x03\x06" + b"\x00" * 6 + b"{}"])
def test_message_that_is_none_harms_nothing(recorded, mallory, content):
    mallory.execute("INSERT INTO rows VALUES (1)")
    emit(mallory, "waltrail.capture", content)
    mallory.execute("INSERT INTO rows VALUES (2) /*Bemi {\"a\": 1} Bemi*/")
    mallory.connection.commit()
    (_, first), (_, second) = recorded.contexts()
    assert first == {"_waltrail": {"actor": MALLORY}}
    assert second["_waltrail"]["actor"] == MALLORY and second["a"] == 1


def forged(fields):
    """A message with the content that the library writes. Fields: bytes, each below 128."""
    joined = b"".join(bytes([len(field)]) + field for field in fields)
    size = len(joined)
    return b"\x01" + bytes([size & 0x7F | 0x80, size >> 7]) + joined


@pytest.mark.parametrize("name", [b"\xff\xe9", b"a\x00b", b"x" * 127])
def test_forged_names_spoil_no_row(preloaded, destination, slot, waltrail, name):
    """Whatever bytes they have, in the trail the row stands with its actor, and nothing is quarantined."""
    preloaded.execute("CREATE TABLE rows (id integer PRIMARY KEY); GRANT ALL ON rows TO PUBLIC")
    waltrail.init(preloaded, destination, slot)
    connection = preloaded.connect(user="mallory", autocommit=False)
    cursor = connection.cursor()
    emit(cursor, "waltrail.capture", forged([name, name, b"", b"", b"", name]))
    cursor.execute("INSERT INTO rows VALUES (1)")
    connection.commit()
    connection.close()
    waltrail.apply_until_now(preloaded, destination, slot)
    assert destination.value("SELECT context->'_waltrail'->'actor' FROM changes") == MALLORY
    assert destination.value("SELECT count(*) FROM changes.quarantine") == 0


def test_forged_actor_of_many_bytes_is_none(recorded, mallory):
    """It would stand in every row behind it."""
    emit(mallory, "waltrail.capture", b"\x01" + b"\x80\x80\x80\x01" + b"\x00" * (1 << 21))
    mallory.execute("INSERT INTO rows VALUES (1)")
    mallory.connection.commit()
    ((_, context),) = recorded.contexts()
    assert context["_waltrail"] == {"actor": MALLORY} and len(str(context)) < 200


def test_role_of_another_databases_encoding(preloaded_server, recorded):
    latin = preloaded_server.create_database("latin", encoding="LATIN1")
    latin.execute('CREATE ROLE "ren\u00e9" LOGIN')
    connection = recorded.database.connect()
    connection.cursor().execute("DO $$ BEGIN PERFORM set_config('role', rolname, false) FROM pg_roles WHERE rolname LIKE 'ren%'; END $$")
    connection.cursor().execute("INSERT INTO rows VALUES (1)")
    connection.close()
    latin.execute('DROP ROLE "ren\u00e9"')
    latin.drop()
    assert recorded.ours() == [("1", {"actor": {"session_user": "postgres", "current_user": "ren\\351"}})]


def test_settings_are_a_superusers(recorded, mallory):
    for statement in (
        "SET waltrail.capture_actor = off", "SELECT set_config('waltrail.capture_actor', 'off', true)",
        "ALTER ROLE mallory SET waltrail.capture_actor = off", "SET waltrail.comment_affix = x", "SET SESSION AUTHORIZATION victim",
        "SET ROLE victim", "ALTER SYSTEM SET waltrail.capture_actor = off",
    ):  # fmt: skip
        with pytest.raises(psycopg2.Error):
            mallory.execute(statement)
        mallory.connection.rollback()
    with pytest.raises(psycopg2.OperationalError, match="permission denied"):
        recorded.database.connect(user="mallory", options="-c waltrail.capture_actor=off")
    mallory.execute("INSERT INTO rows VALUES (1)")
    mallory.connection.commit()
    assert actors(recorded) == {"1": MALLORY}


def test_actor_can_be_left_out(recorded):
    with recorded.database.connect() as connection:
        cursor = connection.cursor()
        cursor.execute("SET waltrail.capture_actor = off")
        cursor.execute("INSERT INTO rows VALUES (1) /*Bemi {\"a\": 1} Bemi*/")
        cursor.execute("INSERT INTO rows VALUES (2)")
    connection.close()
    assert recorded.contexts() == [("1", {"a": 1}), ("2", {})]


def test_transaction_without_actor_can_claim_none(recorded, mallory):
    """Where nothing is preloaded, or the actor is left out, whatever is said is only claimed."""
    since = wal_position(recorded.database)
    mallory.execute("INSERT INTO rows VALUES (1)")
    mallory.connection.commit()
    (stolen,) = capture_messages(recorded.database, since)
    recorded.database.server.execute("ALTER ROLE mallory SET waltrail.capture_actor = off")
    try:
        connection = recorded.database.connect(user="mallory", autocommit=False)
        cursor = connection.cursor()
        emit(cursor, "waltrail.capture", stolen)
        cursor.execute("INSERT INTO rows VALUES (2)")
        connection.commit()
        connection.close()
    finally:
        recorded.database.server.execute("ALTER ROLE mallory RESET waltrail.capture_actor")
    assert recorded.ours() == [("1", {"actor": MALLORY}), ("2", {"claimed": {"actor": MALLORY}})]


def test_standby_that_is_promoted_under_a_session(new_server, server_folder, slot):
    """The session was one of recovery when it began: nothing that it found out then holds any more."""
    primary = new_server("primary", shared_preload_libraries="waltrail")
    primary.execute("CREATE TABLE rows (id integer PRIMARY KEY)")
    primary.execute("INSERT INTO rows VALUES (0)")
    standby = servers.Server("standby", server_folder / "standby", primary, {"shared_preload_libraries": "waltrail"})
    try:
        standby.start()
        session = standby.connect()
        session.cursor().execute("SELECT * FROM rows")
        standby.execute("SELECT pg_promote()")
        promoted = Recorded(servers.Database(standby, "postgres"), slot)
        session.cursor().execute("INSERT INTO rows VALUES (1) /*Bemi {\"a\": 1} Bemi*/")
        session.close()
        assert promoted.contexts() == [("1", {"a": 1, "_waltrail": {"actor": {"session_user": "postgres"}}})]
    finally:
        standby.remove()
