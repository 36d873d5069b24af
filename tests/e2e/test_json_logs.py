"""`--log-format json`: every line on stderr is one JSON object, whatever the names in it hold."""

import json
import re

import pytest

import servers

STRANGE = 'a "quoted"\nnew line\ttab\x01\x7f {"json": 1} \\u0000 ünïcode'
LEVELS = {"debug", "info", "warn", "error"}


def objects(text):
    lines = text.splitlines(keepends=True)
    assert lines and all(line.endswith("\n") for line in lines)
    parsed = [json.loads(line) for line in lines]
    for entry in parsed:
        assert list(entry)[:3] == ["time", "level", "message"], entry
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", entry["time"])
        assert entry["level"] in LEVELS
    return parsed


def test_a_table_of_a_strange_name(source, destination, slot, waltrail):
    table = f'public.{servers.quoted(STRANGE)}'
    source.execute(f"CREATE TABLE {table} (id int PRIMARY KEY)")
    waltrail.init(source, destination, slot, label='the "shop"\n')
    destination.execute("""
        CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'no place for %', NEW."table" USING ERRCODE = 'check_violation'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON public.changes FOR EACH ROW EXECUTE FUNCTION public.refuse()
    """)
    source.execute(f"INSERT INTO {table} VALUES (1)")
    done = waltrail.apply_until_now(
        source, destination, slot, "--log-format", "json", "--log-level", "debug",
        "--exclude-tables", 'public."no such\ttable"')  # fmt: skip
    entries = objects(done.stderr)
    [refused] = [entry for entry in entries if "goes to quarantine" in entry["message"]]
    assert refused["level"] == "warn"
    # The line breaks of a server's message are blanks; everything else of the name is there.
    assert 'a "quoted" new line tab\x01\x7f {"json": 1} \\u0000 ünïcode' in refused["message"]
    assert (refused["source"], refused["slot"]) == ('the "shop"\n', slot)
    assert any("no such" in entry["message"] for entry in entries)
    assert {entry["level"] for entry in entries} >= {"debug", "info", "warn"}
    assert destination.value('SELECT "table" FROM changes.quarantine') == STRANGE


def test_names_that_are_no_utf8(source_server, destination, slot, waltrail):
    source = source_server.create_database(f"{slot}_ascii", "SQL_ASCII")
    try:
        source.psql("SET client_encoding = 'SQL_ASCII'; DO $$ BEGIN EXECUTE 'CREATE TABLE \"a' || chr(233) || '\" (id int PRIMARY KEY)'; END $$;")
        waltrail.init(source, destination, slot)
        done = waltrail.apply_until_now(
            source, destination, slot, "--log-format", "json", "--log-level", "debug", "--exclude-tables", 'public."b\udce9"')  # fmt: skip
        assert any("�" in entry["message"] for entry in objects(done.stderr))
    finally:
        waltrail.close()
        source.drop()


@pytest.mark.parametrize("command", ["init", "check", "status", "apply"])
def test_every_subcommand_fails_in_json(pair, waltrail, command):
    _source, _destination, slot = pair
    away = "host=/tmp/there/is/no/server dbname=x user=postgres password=secret_word"
    ends = ["--source", away, "--destination", away]
    done = waltrail.run("--log-format", "json", command, *ends, check=False)
    assert done.returncode == 1 and "secret_word" not in done.stdout + done.stderr
    if command == "check":
        assert "could not connect" in done.stdout and done.stderr == ""
    else:
        assert objects(done.stderr)[-1]["level"] == "error"
        assert "could not connect" in objects(done.stderr)[-1]["message"]


def test_settings_of_the_environment_and_the_file(pair, waltrail, tmp_path):
    source, destination, slot = pair
    done = waltrail.apply_until_now(source, destination, slot, environment={"WALTRAIL_LOG_FORMAT": "json"})
    assert any("streaming" in entry["message"] for entry in objects(done.stderr))
    file = tmp_path / "waltrail.toml"
    file.write_text('log-format = "json"\n')
    assert objects(waltrail.apply_until_now(source, destination, slot, "--config", file).stderr)
    refused = waltrail.run("status", "--log-format", "xml", "--destination", "x", check=False)
    assert refused.returncode == 2


def test_decode_fails_in_json(waltrail):
    done = waltrail.run("decode", "--log-format", "json", "-", stdin="no frames", check=False)
    assert done.returncode == 1 and objects(done.stderr)[-1]["level"] == "error"


def test_text_is_as_it_was(pair, waltrail):
    done = waltrail.apply_until_now(*pair)
    assert re.search(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d info streaming source ", done.stderr, re.MULTILINE)
