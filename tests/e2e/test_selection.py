"""What is recorded, and what of it leaves the source, as flags, environment and file of `waltrail apply` say."""

import pytest

import servers
from mask_keys import KEY, make_key, mask


@pytest.fixture
def pair(source, destination, slot, waltrail):
    source.execute("CREATE TABLE users (id integer PRIMARY KEY, email text, password text, seen integer)")
    source.execute("CREATE TABLE sessions (email text PRIMARY KEY, token text)")
    waltrail.init(source, destination, slot)
    source.execute(f"ALTER DATABASE {source.name} SET waltrail.mask_key_file = '{make_key(source.server)}'")
    return source, destination, slot


def make_changes(source):
    source.execute("INSERT INTO users VALUES (1, 'ada@example.com', 'hushhush', 1)")
    source.execute("INSERT INTO sessions VALUES ('ada@example.com', 'hushhush')")
    source.execute("UPDATE users SET seen = 2")
    source.execute("UPDATE users SET seen = 3, password = 'hushhush, too'")
    source.execute("DELETE FROM sessions")


def trail(destination):
    return destination.query('SELECT "table", operation, primary_key, before, after FROM changes ORDER BY position')


def expected_trail():
    email = mask("ada@example.com")
    user = {"id": 1, "email": email}
    return [
        ("users", "CREATE", "1", {}, {**user, "seen": 1}),
        ("sessions", "CREATE", email, {}, {"email": email}),
        ("users", "UPDATE", "1", {**user, "seen": 2}, {**user, "seen": 3}),
        ("sessions", "DELETE", email, {"email": email}, {}),
    ]


def test_columns_by_flags(pair, waltrail):
    source, destination, slot = pair
    make_changes(source)
    waltrail.apply_until_now(source, destination, slot, "--ignore-columns", "public.users.seen",
                             "--exclude-columns", "*.password, public.sessions.token", "--mask-columns", "*.email")  # fmt: skip
    assert trail(destination) == expected_trail()


def test_columns_by_file_and_environment(pair, waltrail, tmp_path):
    source, destination, slot = pair
    make_changes(source)
    file = tmp_path / "waltrail.toml"
    file.write_text('[apply]\nignore-columns = ["*.seen"]\nexclude-columns = ["*.password", "public.sess*.token"]\n')
    waltrail.apply_until_now(source, destination, slot, "--config", file, environment={"WALTRAIL_MASK_COLUMNS": "*.email"})
    assert trail(destination) == expected_trail()


def test_a_person_with_the_key_finds_the_records_of_a_value(pair, waltrail):
    source, destination, slot = pair
    make_changes(source)
    waltrail.apply_until_now(source, destination, slot, "--mask-columns", "*.email")
    destination.execute("CREATE EXTENSION pgcrypto")
    found = destination.query(
        """SELECT DISTINCT "table" FROM changes
           WHERE after->>'email' = 'hmac-sha256:' || encode(hmac('ada@example.com', %s, 'sha256'), 'hex') ORDER BY 1""", [KEY])  # fmt: skip
    assert found == [("sessions",), ("users",)]


def test_the_description_of_a_table_says_what_is_masked_and_not_what_is_excluded(pair, waltrail):
    source, destination, slot = pair
    make_changes(source)
    waltrail.apply_until_now(source, destination, slot, "--mask-columns", "*.email, *.seen", "--exclude-columns", "*.password, *.token")
    described = destination.query("""SELECT "table", c->>'name', c->>'type', c->'type_oid', c->'masked', key_columns
        FROM changes.relations, jsonb_array_elements(columns) WITH ORDINALITY AS t (c, n) ORDER BY 1, n""")
    text, integer = 25, 23
    assert described == [
        ("sessions", "email", "text", text, True, ["email"]),
        ("users", "id", "integer", integer, False, ["id"]),
        ("users", "email", "text", text, True, ["id"]),
        ("users", "seen", "integer", text, True, ["id"]),
    ]


def test_no_secret_is_in_the_quarantine(pair, waltrail):
    source, destination, slot = pair
    destination.execute("ALTER TABLE public.changes ADD CONSTRAINT no_users CHECK (\"table\" <> 'users')")
    make_changes(source)
    waltrail.apply_until_now(source, destination, slot, "--exclude-columns", "*.password", "--mask-columns", "*.email")
    rows = destination.query("SELECT operation, error, frame FROM changes.quarantine")
    assert [operation for operation, _, _ in rows] == ["CREATE", "UPDATE", "UPDATE"]
    for _, error, frame in rows:
        for secret in ["hushhush", "ada@", "password"]:
            assert secret not in error and secret.encode() not in bytes(frame)
        assert mask("ada@example.com").encode() in bytes(frame)


def test_a_mask_without_a_key_is_refused_with_the_way_to_make_one(pair, waltrail):
    source, destination, slot = pair
    source.execute(f"ALTER DATABASE {source.name} RESET waltrail.mask_key_file")
    make_changes(source)
    result = waltrail.apply_until_now(source, destination, slot, "--mask-columns", "*.email", check=False)
    assert result.returncode == 1
    assert "the source has no mask key" in result.stderr and "openssl rand -hex 32" in result.stderr
    assert trail(destination) == []


@pytest.mark.parametrize("encoding, stored, hashed", [
    ("LATIN1", "größe".encode("latin1"), "größe"),
    ("SQL_ASCII", "größe".encode(), "größe"),
    ("SQL_ASCII", "größe".encode("latin1"), r"gr\366\337e"),
])  # fmt: skip
def test_a_mask_is_of_the_text_in_utf8_whatever_the_encoding_of_the_source(
    source_server, destination, slot, waltrail, encoding, stored, hashed
):
    name = f"{slot}_encoded"
    source_server.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LOCALE 'C'")
    source = servers.Database(source_server, name)
    try:
        source.execute(f"ALTER DATABASE {name} SET waltrail.mask_key_file = '{make_key(source_server)}'")
        source.execute("CREATE TABLE users (id integer PRIMARY KEY, name text)")
        waltrail.init(source, destination, slot)
        source.execute("INSERT INTO users VALUES (1, convert_from(decode(%s, 'hex'), %s))", [stored.hex(), encoding])
        waltrail.apply_until_now(source, destination, slot, "--mask-columns", "*.name")
        assert destination.query("SELECT after->>'name', context FROM changes") == [(mask(hashed), {})]
    finally:
        waltrail.close()
        source.drop()


def argument(arguments):
    """Bytes as a program gets them."""
    return arguments.decode("utf-8", "surrogateescape")


@pytest.mark.parametrize("encoding, stored, given", [
    ("LATIN1", "latin1", "utf-8"),
    ("SQL_ASCII", "utf-8", "utf-8"),
    ("SQL_ASCII", "latin1", "latin1"),
])  # fmt: skip
def test_patterns_mean_names_whatever_the_encoding_of_the_source(
    source_server, destination, slot, waltrail, encoding, stored, given
):
    source = source_server.create_database(f"source_{slot}", encoding)

    def execute(statement):
        text = f"convert_from(decode('{statement.encode(stored).hex()}', 'hex'), '{encoding}')"
        source.execute(f"DO $$ BEGIN EXECUTE {text}; END $$")

    try:
        execute('CREATE TABLE "größe" (id integer, "straße" text, "maß" text)')
        execute('CREATE TABLE "maße" (id integer)')
        options = ["--exclude-tables", argument("public.maße".encode(given)),
                   "--exclude-columns", argument("public.größe.straße,*.ma*".encode(given))]  # fmt: skip
        waltrail.init(source, destination, slot, "--tables", argument("*.größe,*.maß*".encode(given)))
        execute("INSERT INTO \"größe\" VALUES (1, 'hushhush', 'hushhush')")
        execute('INSERT INTO "maße" VALUES (1)')
        waltrail.apply_until_now(source, destination, slot, *options)
        assert destination.query("SELECT after FROM changes") == [({"id": 1},)]
        checked = waltrail.run("check", "--source", source.conninfo(), "--destination", destination.conninfo(),
                               "--slot", slot, *options, check=False)  # fmt: skip
        assert "pattern" not in checked.stdout + checked.stderr
        assert source.query("SELECT relreplident FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [("f",), ("f",)]
    finally:
        waltrail.close()
        source.drop()


@pytest.mark.parametrize("pattern, said", [
    ("*.*☃", '"UTF8" has no equivalent in encoding "LATIN1"'),
    (argument(b"*.*\xdf"), 'invalid byte sequence for encoding "UTF8": 0xdf'),
])  # fmt: skip
def test_a_pattern_that_no_name_of_the_source_can_match_is_refused(source_server, destination, slot, waltrail, pattern, said):
    source = source_server.create_database(f"source_{slot}", "LATIN1")
    try:
        waltrail.init(source, destination, slot)
        applied = waltrail.apply_until_now(source, destination, slot, "--exclude-columns", pattern, check=False)
        assert applied.returncode == 1 and applied.stderr.count("\n") == 1
        assert said in applied.stderr and "correct the pattern with these bytes" in applied.stderr
    finally:
        waltrail.close()
        source.drop()
