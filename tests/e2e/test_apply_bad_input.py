"""What a user can get wrong with `waltrail apply` and `waltrail decode`: one line on stderr says what, where and how to mend
it, the exit status is not zero, and nothing is left behind."""

import pytest

from servers import wait_until


@pytest.fixture
def pair(source, destination, slot, waltrail):
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    waltrail.init(source, destination, slot)
    return source, destination, slot


class As:
    """A database as a role connects to it."""

    def __init__(self, role, database):
        self.role, self.database = role, database

    def conninfo(self):
        return self.database.conninfo(user=self.role)


def assert_one_line(result, *words, status=1):
    assert result.returncode == status, result.stderr
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    for word in ("waltrail: ", *words):
        assert word in lines[0], lines[0]


def apply(waltrail, source, destination, slot, *more):
    return waltrail.run("apply", "--source", source, "--destination", destination, "--slot", slot, *more, check=False)


@pytest.mark.parametrize("end", ["source", "destination"])
def test_unreachable_server(pair, waltrail, end):
    source, destination, slot = pair
    ends = {"source": source.conninfo(), "destination": destination.conninfo()}
    ends[end] = "host=/nonexistent dbname=shop user=someone password=sesame"
    result = apply(waltrail, ends["source"], ends["destination"], slot)
    assert_one_line(result, f"could not connect to the {end}", "/nonexistent", "check that the server is running")
    assert "sesame" not in result.stderr


@pytest.mark.parametrize("end", ["source", "destination"])
def test_malformed_connection_string(pair, waltrail, end):
    source, destination, slot = pair
    ends = {"source": source.conninfo(), "destination": destination.conninfo()}
    ends[end] = "hots=db1"
    result = apply(waltrail, ends["source"], ends["destination"], slot)
    assert_one_line(result, f"malformed connection string of the {end}", "hots")


def test_unknown_database(pair, waltrail):
    source, destination, slot = pair
    result = apply(waltrail, source.server.conninfo("nowhere"), destination.conninfo(), slot)
    assert_one_line(result, "could not connect to the source", '"nowhere" does not exist', "user, database and password")


@pytest.mark.parametrize("end", ["source", "destination"])
def test_wrong_password(pair, waltrail, new_server, end):
    source, destination, slot = pair
    server = new_server("guarded")
    server.execute("CREATE ROLE guarded LOGIN REPLICATION PASSWORD 'sesame'")
    (server.data / "pg_hba.conf").write_text("local all guarded scram-sha-256\nlocal all all trust\n")
    server.reload()
    wrong = server.conninfo(user="guarded", password="hunter2")
    ends = {"source": source.conninfo(), "destination": destination.conninfo(), end: wrong}

    def attempt():  # the server reads its files a moment later
        result = apply(waltrail, ends["source"], ends["destination"], slot)
        return result if "password" in result.stderr else None

    result = wait_until(attempt, "the password to be asked for")
    assert_one_line(result, f"could not connect to the {end}", 'password authentication failed for user "guarded"', "user, database and password")
    assert "hunter2" not in result.stderr


def test_a_right_that_is_taken_away_while_apply_runs(pair, waltrail):
    source, destination, slot = pair
    destination.execute("CREATE ROLE revoked_writer LOGIN")
    destination.execute("SELECT changes.grant_writer('revoked_writer')")
    try:
        process = waltrail.apply(source, As("revoked_writer", destination), slot)
        process.wait_for_output("streaming source")
        destination.execute("SELECT changes.revoke_all('revoked_writer')")
        source.execute("INSERT INTO t VALUES (1)")
        assert process.wait() == 1
        last = process.output().splitlines()[-1]
        assert last.startswith("waltrail: destination") and "permission denied" in last, last
    finally:
        destination.psql("DROP OWNED BY revoked_writer; DROP ROLE revoked_writer;")


def test_role_without_the_replication_right(pair, waltrail):
    source, destination, slot = pair
    source.execute("CREATE ROLE plain_reader LOGIN")
    try:
        result = apply(waltrail, source.conninfo(user="plain_reader"), destination.conninfo(), slot)
        assert_one_line(result, "could not connect to the source", "ALTER ROLE … REPLICATION")
    finally:
        source.execute("DROP ROLE plain_reader")


def test_role_without_rights_on_the_destination(pair, waltrail):
    source, destination, slot = pair
    destination.execute("CREATE ROLE plain_writer LOGIN")
    try:
        result = apply(waltrail, source.conninfo(), destination.conninfo(user="plain_writer"), slot)
        assert_one_line(result, "destination", "plain_writer may not write the trail", 'the role that ran "waltrail init"')
    finally:
        destination.execute("DROP ROLE plain_writer")


def test_extension_missing(pair, waltrail, destination_server):
    source, _, slot = pair
    empty = destination_server.create_database("empty_destination")
    try:
        result = apply(waltrail, source.conninfo(), empty.conninfo(), slot)
        assert_one_line(result, 'extension "waltrail" is missing', "empty_destination", "waltrail init")
    finally:
        empty.drop()


def test_extension_of_another_version(pair, waltrail):
    source, destination, slot = pair
    destination.execute("UPDATE pg_extension SET extversion = '0.0.9' WHERE extname = 'waltrail'")
    result = apply(waltrail, source.conninfo(), destination.conninfo(), slot)
    assert_one_line(result, "is version 0.0.9", "ALTER EXTENSION waltrail UPDATE")


def test_unknown_slot(pair, waltrail):
    source, destination, _ = pair
    result = apply(waltrail, source.conninfo(), destination.conninfo(), "other")
    assert_one_line(result, 'slot "other"', "waltrail init")


def test_destination_is_the_source_and_was_not_prepared(pair, waltrail):
    source, _, slot = pair
    result = apply(waltrail, source.conninfo(), source.conninfo(), slot)
    assert_one_line(result, 'extension "waltrail" is missing', source.name, "waltrail init")


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["apply", "--nonsense"], ["--nonsense"]),
        (["apply"], ["--source"]),
        (["nonsense"], ["unknown subcommand", "nonsense", "init, apply, check, status, verify, decode"]),
        ([], ["subcommand", "init, apply, check, status, verify, decode"]),
        (["apply", "nonsense"], ["nonsense"]),
        (["apply", "--source", "x", "--destination", "y", "--mask-columns", "a.b.c", "d.e.f"],
         ['"d.e.f"', "separate patterns with commas, or repeat the flag"]),
        (["apply", "--source", "x", "--destination", "y", "--memory-bytes", "tiny"], ["--memory-bytes"]),
        (["apply", "--source", "x", "--destination", "y", "--pending-bytes", "1000"], ["--pending-bytes", "65536"]),
    ],
)
def test_wrong_usage(waltrail, arguments, words):
    assert_one_line(waltrail.run(*arguments, check=False), *words, "--help", status=2)


def test_unknown_setting_in_the_file(waltrail, tmp_path):
    file = tmp_path / "waltrail.toml"
    file.write_text('[apply]\nsource = "x"\ndestination = "y"\nbach-bytes = 5000\n')
    assert_one_line(waltrail.run("apply", "--config", file, check=False), "bach-bytes", status=2)


@pytest.mark.parametrize(
    "text, words",
    [
        ('source = "x"\n', ['"source"', "below a line [apply]"]),
        ('label = "x"\n', ['"label"', "below a line [init]"]),
        ('nonsense = "x"\n', ['unknown setting "nonsense"']),
        ('[aply]\nsource = "x"\n', ["unknown table [aply]", "[init], [apply], [check], [status], [verify], [decode]"]),
    ],
)
def test_misplaced_setting_in_the_file(waltrail, tmp_path, text, words):
    file = tmp_path / "waltrail.toml"
    file.write_text(text)
    assert_one_line(waltrail.run("apply", "--config", file, check=False), *words, status=2)


@pytest.mark.parametrize(
    "text, words",
    [
        ("[apply]\nwriters = 99\n", ["line 2", "--writers", "1 to 16"]),
        ("# two\n\n[apply]\ntables = 'a.b.c'\n", ["line 4", "--tables", '"a.b.c"']),
        ("[apply]\nbatch-bytes = 'many'\n", ["line 2", "--batch-bytes"]),
        ("[apply]\nsource = []\n", ["line 2", '"source" takes a value']),
    ],
    ids=["range", "pattern", "number", "nothing"],
)
def test_wrong_value_in_the_file(waltrail, tmp_path, text, words):
    file = tmp_path / "waltrail.toml"
    file.write_text(text)
    assert_one_line(waltrail.run("apply", "--config", file, check=False), str(file), *words, status=2)
    # What is typed counts, and is no mistake of the file.
    typed = waltrail.run("apply", "--config", file, "--writers", "77", check=False)
    assert ("settings file" in typed.stderr) == ("writers" not in text), typed.stderr


def test_wrong_value_in_the_environment(waltrail):
    result = waltrail.run("apply", check=False, environment={"WALTRAIL_WRITERS": "99"})
    assert_one_line(result, "WALTRAIL_WRITERS", "1 to 16", status=2)


@pytest.mark.parametrize("arguments", [
    ["apply", "--source", "host=db", "password=hidden", "dbname=x"],
    ["--source", "host=db", "password=hidden"],
    ["apply", "--tables", "*.*", "password=hidden"],
    ["apply", "postgresql://me:hidden@db/x"],
])  # fmt: skip
def test_connection_string_without_quotes(waltrail, arguments):
    result = waltrail.run(*arguments, check=False)
    assert_one_line(result, "quotes", status=2)
    assert "hidden" not in result.stderr + result.stdout


def test_plugin_taken_off_the_list(fresh_source, destination, slot, waltrail):
    fresh_source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    waltrail.init(fresh_source, destination, slot)
    if not fresh_source.query("SELECT FROM pg_settings WHERE name = 'output_plugin_libraries'"):
        pytest.skip("an older minor release, which loads any plugin")
    fresh_source.server.configure(output_plugin_libraries="pgoutput, test_decoding")
    fresh_source.server.reload()
    result = apply(waltrail, fresh_source.conninfo(), destination.conninfo(), slot)
    assert_one_line(result, "source", "output_plugin_libraries")


def test_until_that_is_no_position(pair, waltrail):
    source, destination, slot = pair
    result = apply(waltrail, source.conninfo(), destination.conninfo(), slot, "--until", "tomorrow")
    assert_one_line(result, "--until", '"tomorrow"', "0/1A2B3C4D", status=2)


def test_decode_of_a_missing_file(waltrail):
    assert_one_line(waltrail.run("decode", "/nonexistent/frames", check=False), "/nonexistent/frames", "could not open")


def test_decode_reports_damage_with_its_place_and_reads_on(pair, waltrail, tmp_path):
    source, _, slot = pair
    for number in range(3):
        source.execute("INSERT INTO t VALUES (%s)", [number])
    frames = [bytes(row[0]) for row in source.query(
        "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, NULL, NULL)", [slot])]
    assert len(frames) == 3
    # The first opens the session and describes the table; the second is damaged.
    damaged = bytearray(frames[1])
    damaged[-1] ^= 0xFF
    file = tmp_path / "frames"
    torn = frames[2][:-1]
    file.write_bytes(b"\n".join([frames[0], bytes(damaged), frames[2], torn]))
    result = waltrail.run("decode", file, check=False)
    assert result.returncode == 1
    assert len(result.stdout.splitlines()) == 2
    place = len(frames[0]) + 1
    assert f"at byte {place}: frame checksum differs" in result.stderr
    assert "file ends in the middle of a frame" in result.stderr


def test_decode_prints_nothing_bent_after_damage(pair, waltrail, tmp_path):
    source, _, slot = pair
    source.execute("INSERT INTO t SELECT generate_series(1, 60000)")
    source.execute("INSERT INTO t VALUES (0)")
    frames = [bytes(row[0]) for row in source.query(
        "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, NULL, NULL)", [slot])]
    assert len(frames) > 4
    whole = tmp_path / "whole"
    whole.write_bytes(b"\n".join(frames))
    good = waltrail.run("decode", whole).stdout.splitlines()
    assert len(good) == 60001
    damaged = bytearray(frames[1])
    damaged[100] ^= 0xFF
    file = tmp_path / "damaged"
    # A frame torn by a crash, and a session appended behind it, which lies inside what the torn frame claims.
    torn = frames[0][: len(frames[0]) // 2]
    file.write_bytes(b"\n".join([frames[0], bytes(damaged), *frames[2:], torn, frames[0], *frames[1:]]))
    result = waltrail.run("decode", file, check=False)
    assert result.returncode == 1
    lines = result.stdout.splitlines()
    assert set(lines) <= set(good)
    assert lines[-60001:] == good
    assert len(lines) > 60001  # the first frame, and the transaction after the damaged one


def test_malformed_connection_string_shows_no_password(pair, waltrail):
    _, destination, slot = pair
    result = apply(waltrail, "host=x password=my sesame", destination.conninfo(), slot)
    assert_one_line(result, "malformed connection string of the source")
    assert "sesame" not in result.stderr
