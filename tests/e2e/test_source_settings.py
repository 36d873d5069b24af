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


def frames_of(source, before="", plugin_options=b"", **connection_options):
    """What START_REPLICATION with the options, as bytes, sends, after the statements `before` in the same session."""
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
            cursor.start_replication_expert(b"START_REPLICATION SLOT trail LOGICAL 0/0" + plugin_options, decode=False)
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


# A byte that no conversion to UTF-8 knows, beside a setting of the same kind. (START_REPLICATION takes no byte that the
# database's encoding does not have.)
@pytest.mark.parametrize("encoding, column, spoiling", [
    ("WIN1252", "straße", b"\x81"),
    ("EUC_JP", "東京", b"\xa9\xa1"),
    ("SQL_ASCII", "strasse", b"\xdf"),
])  # fmt: skip
@pytest.mark.parametrize("attacked", ["exclude_columns", "exclude_tables", "mask_columns"])
def test_a_client_cannot_spoil_them_with_bytes_of_no_character(new_server, encoding, column, spoiling, attacked):
    source = conf(new_server, {}).server.create_database("encoded", encoding)
    pattern = "public.people" if attacked == "exclude_tables" else f"public.people.{column}"
    source.execute(f'CREATE TABLE people (id integer PRIMARY KEY, "{column}" text)')
    source.execute("CREATE TABLE others (name text)")
    source.execute(f"ALTER DATABASE encoded SET waltrail.{attacked} = '{pattern}'")
    source.execute(f"ALTER DATABASE encoded SET waltrail.mask_key_file = '{make_key(source.server)}'")
    source.execute("CREATE ROLE reader LOGIN REPLICATION")
    source.execute("SELECT pg_create_logical_replication_slot('trail', 'waltrail')")
    source.execute("INSERT INTO people VALUES (1, %s); INSERT INTO others VALUES ('seen')", [SECRET])
    spoilt = (b"a." if attacked == "exclude_tables" else b"a.b.") + spoiling
    option = b" (%s '%s')" % (attacked.encode(), spoilt)
    frames = frames_of(source, plugin_options=option, user="reader", client_encoding=encoding)
    assert SECRET.encode() not in frames and b"seen" in frames


def in_the_file(source, patterns):
    with open(f"{source.server.data}/postgresql.conf", "a", encoding="utf-8") as file:
        file.write(f"waltrail.exclude_columns = '{patterns}'\n")
    source.server.restart()


def in_the_database(source, patterns):
    source.execute(f"ALTER DATABASE {source.name} SET waltrail.exclude_columns = '{patterns}'")


def in_another_database(source, patterns):
    source.server.execute(f"ALTER DATABASE {source.name} SET waltrail.exclude_columns = '{patterns}, *.☃'")


@pytest.mark.parametrize("setting", [in_the_file, in_the_database, in_another_database])
def test_they_hide_the_same_names_wherever_they_are_written(new_server, setting):
    source = conf(new_server, {}).server.create_database("encoded", "LATIN1")
    source.execute('CREATE TABLE people (id integer PRIMARY KEY, "straße" text, "maß" text, "größe" text)')
    source.execute("SELECT pg_create_logical_replication_slot('trail', 'waltrail')")
    source.execute("INSERT INTO people VALUES (1, %s, %s, 'seen')", [SECRET, SECRET])
    assert SECRET.encode() in frames_of(source)
    setting(source, "public.people.straße, *.ma*")
    frames = frames_of(source)
    assert SECRET.encode() not in frames and b"seen" in frames


def test_bytes_of_neither_encoding_stop_the_stream(new_server):
    source = conf(new_server, {}).server.create_database("encoded", "LATIN1")
    source.execute("ALTER DATABASE postgres SET waltrail.exclude_columns = 'public.people.straße'")
    source.server._close_pooled()
    source.server.execute("SELECT pg_create_logical_replication_slot('trail', 'waltrail')")
    source.server.execute("CREATE TABLE people AS SELECT 1 AS id")
    with pytest.raises(psycopg2.Error, match='setting "waltrail.exclude_columns".* encoding "UTF8"'):
        frames_of(servers.Database(source.server, "postgres"))
