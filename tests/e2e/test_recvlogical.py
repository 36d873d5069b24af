"""Debugging as a person would: pg_recvlogical makes a slot and prints one JSON object a change, or records frames."""

import json
import subprocess

from servers import BINDIR


def recvlogical(source, *arguments):
    done = subprocess.run(
        [str(BINDIR / "pg_recvlogical"), "-d", source.conninfo(), *arguments], capture_output=True, text=True, cwd="/", timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_json_lines_and_recorded_frames(source, slot, waltrail, tmp_path):
    source.execute("CREATE TABLE users (id bigserial PRIMARY KEY, email text)")
    source.execute("ALTER TABLE users REPLICA IDENTITY FULL")
    recvlogical(source, "--slot", slot, "--create-slot", "-P", "waltrail")
    source.execute("INSERT INTO users (email) VALUES ('a\nb'), ('c')")
    source.execute("UPDATE users SET email = 'd' WHERE id = 2")
    end = source.value("SELECT pg_current_wal_flush_lsn()")
    source.execute("SELECT pg_logical_emit_message(false, 'unrelated', 'moves the end on')")

    file = tmp_path / "frames"
    recvlogical(source, "--slot", slot, "--start", "-f", str(file), "--endpos", end)
    decoded = [json.loads(line) for line in waltrail.run("decode", file).stdout.splitlines()]
    assert [(c["operation"], c["primary_key"], c["before"], c["after"]) for c in decoded] == [
        ("CREATE", "1", {}, {"id": 1, "email": "a\nb"}),
        ("CREATE", "2", {}, {"id": 2, "email": "c"}),
        ("UPDATE", "2", {"id": 2, "email": "c"}, {"id": 2, "email": "d"}),
    ]

    source.execute("DELETE FROM users WHERE id = 1")
    end = source.value("SELECT pg_current_wal_flush_lsn()")
    source.execute("SELECT pg_logical_emit_message(false, 'unrelated', 'moves the end on')")
    output = recvlogical(source, "--slot", slot, "--start", "-o", "format=json", "-f", "-", "--endpos", end)
    [line] = map(json.loads, output.splitlines())
    assert (line["operation"], line["before"], line["after"]) == ("DELETE", {"id": 1, "email": "a\nb"}, {})
    assert line["database"] == source.name and line["schema"] == "public" and line["table"] == "users"
    recvlogical(source, "--slot", slot, "--drop-slot")
