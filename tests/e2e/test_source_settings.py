"""What the source's superuser excludes or masks, no client can have: however the setting is made, and however it is attacked."""

import psycopg2
import psycopg2.extras
import pytest

import servers
from mask_keys import make_key, mask

SECRET = "hushhush"


def conf(new_server, settings, preloaded=False):
    """A database of a server whose postgresql.conf has the settings."""
    more = {"shared_preload_libraries": "waltrail"} if preloaded else {}
    return servers.Database(new_server("source", **settings, **more), "postgres")


def set_by_conf(new_server, settings):
    return conf(new_server, settings)


def set_by_conf_and_preloaded(new_server, settings):
    return conf(new_server, settings, preloaded=True)


def set_by_database(new_server, settings):
    source = conf(new_server, {})
    for name, value in settings.items():
        source.execute(f"ALTER DATABASE {source.name} SET {name} = '{value}'")
    source.server._close_pooled()
    return source


@pytest.fixture(params=[set_by_conf, set_by_conf_and_preloaded, set_by_database])
def guarded(request, new_server):
    """A source that excludes passwords and masks e-mail addresses, with a slot and changes, and a role that may only replicate."""
    settings = {"waltrail.exclude_columns": "*.password", "waltrail.mask_columns": "*.email", "waltrail.mask_key_file": "mask.key"}
    source = request.param(new_server, settings)
    make_key(source.server)
    source.execute("CREATE ROLE reader LOGIN REPLICATION")
    source.execute("CREATE TABLE users (id integer PRIMARY KEY, email text, password text)")
    source.execute("SELECT pg_create_logical_replication_slot('trail', 'waltrail')")
    source.execute("INSERT INTO users VALUES (1, %s, %s)", [SECRET + "@example.com", SECRET])
    return source


def lines_of(source, **connection_options):
    connection = source.connect(**connection_options)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT data FROM pg_logical_slot_peek_changes('trail', NULL, NULL, 'format', 'json')")
            return "".join(line for (line,) in cursor.fetchall())
    finally:
        connection.close()


def frames_of(source, before="", **connection_options):
    """What START_REPLICATION sends, after the statements `before` in the same session."""
    connection = psycopg2.connect(
        source.conninfo(**connection_options), connection_factory=psycopg2.extras.LogicalReplicationConnection
    )
    received = []

    class EnoughReceived(Exception):
        pass

    def take(message):
        received.append(bytes(message.payload))
        raise EnoughReceived

    try:
        with connection.cursor() as cursor:
            if before:
                cursor.execute(before)
            cursor.start_replication("trail", decode=False)
            try:
                cursor.consume_stream(take)
            except EnoughReceived:
                pass
    finally:
        connection.close()
    return b"".join(received)


def test_the_settings_hold_for_every_client(guarded):
    for user in ["reader", "postgres"]:
        lines, frames = lines_of(guarded, user=user), frames_of(guarded, user=user)
        assert SECRET not in lines and SECRET.encode() not in frames
        assert mask(SECRET + "@example.com") in lines and mask(SECRET + "@example.com").encode() in frames


ATTACKS = [
    ("waltrail.exclude_columns", ""),
    ("waltrail.exclude_columns", "a.b.c"),
    ("waltrail.mask_columns", ""),
    ("waltrail.mask_key_file", "/tmp/x"),
    ("Waltrail.Exclude_Columns", ""),
]


def assert_denied(attempt, name):
    with pytest.raises(psycopg2.Error) as refused:
        attempt()
    assert f'permission denied to set parameter "{name}"'.lower() in str(refused.value).lower()


def execute_as_reader(source, *statements):
    connection = source.connect(user="reader", autocommit=False)
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    finally:
        connection.close()


@pytest.mark.parametrize("read", [lines_of, frames_of])
def test_a_client_cannot_displace_them_as_it_connects(guarded, read):
    for name, value in ATTACKS:
        assert_denied(lambda: read(guarded, user="reader", options=f"-c {name}={value}"), name)


def test_a_client_cannot_displace_them_in_its_session(guarded):
    peek = "SELECT data FROM pg_logical_slot_peek_changes('trail', NULL, NULL, 'format', 'json')"
    for name, value in ATTACKS:
        assert_denied(lambda: frames_of(guarded, f"SET {name} = '{value}'", user="reader"), name)
        for command in ["SET", "SET LOCAL"]:
            assert_denied(lambda: execute_as_reader(guarded, f"{command} {name} = '{value}'", peek), name)


def test_a_role_cannot_displace_them_for_sessions_to_come(guarded):
    for name, value in ATTACKS:
        assert_denied(lambda: execute_as_reader(guarded, f"ALTER ROLE reader SET {name} = '{value}'"), name)


def test_a_superuser_can(guarded):
    assert SECRET in lines_of(guarded, options="-c waltrail.exclude_columns=")
    assert SECRET.encode() in frames_of(guarded, "SET waltrail.mask_columns = ''")


@pytest.mark.parametrize("preloaded", [False, True])
def test_a_bad_pattern_stops_the_stream_instead_of_what_it_should_hide(new_server, destination, slot, waltrail, preloaded):
    source = conf(new_server, {"waltrail.exclude_columns": "password"}, preloaded)
    source.execute("CREATE TABLE users (id integer PRIMARY KEY, password text)")
    waltrail.init(source, destination, slot, label="source")
    source.execute("INSERT INTO users VALUES (1, %s)", [SECRET])
    result = waltrail.apply_until_now(source, destination, slot, check=False)
    assert result.returncode == 1
    assert 'invalid list of patterns in setting "waltrail.exclude_columns"' in result.stderr
    source.execute("ALTER SYSTEM SET waltrail.exclude_columns = '*.password'")
    source.server.restart()
    waltrail.apply_until_now(source, destination, slot)
    assert destination.query("SELECT after FROM changes") == [({"id": 1},)]


def test_a_bad_pattern_of_a_superusers_session_stops_the_stream(guarded):
    with pytest.raises(psycopg2.Error, match="waltrail.exclude_columns"):
        frames_of(guarded, "SET waltrail.exclude_columns = 'password'")
