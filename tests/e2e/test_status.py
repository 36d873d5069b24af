"""`waltrail status` says how far each trail is, and with the source at hand how far behind."""

import json

import pytest

import servers

KEYS = [
    "label", "database", "slot", "recorded_end_lsn", "recorded_at", "last_committed_at", "changes", "marked", "quarantined",
    "gaps", "source_lsn", "lag_bytes", "lag_seconds", "slot_exists", "slot_wal_status", "slot_retained_bytes",
    "apply_connected",
]  # fmt: skip


@pytest.fixture
def status(destination, waltrail):
    """A function that runs `status --json` and returns its sources."""

    def run(*more):
        done = waltrail.run("status", "--destination", destination.conninfo(), "--json", *more)
        sources = json.loads(done.stdout)["sources"]
        for source in sources:
            assert list(source) == KEYS
        return sources

    return run


def test_without_the_source_only_what_is_recorded(pair, status, waltrail):
    source, destination, slot = pair
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 7) i")
    [before] = status()
    assert (before["label"], before["slot"], before["changes"], before["last_committed_at"]) == (source.name, slot, 0, None)
    waltrail.apply_until_now(source, destination, slot)
    [after] = status()
    assert after["changes"] == 7
    assert after["recorded_end_lsn"] == destination.value("SELECT end_lsn::text FROM changes.applied")
    assert after["last_committed_at"].startswith(
        destination.value("SELECT to_char(last_committed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS') FROM changes.applied")
    )
    assert [after[key] for key in KEYS[KEYS.index("source_lsn"):]] == [None] * 7


def test_lag_grows_while_apply_is_away_and_goes_when_it_is_back(pair, status, waltrail):
    source, destination, slot = pair
    waltrail.apply_until_now(source, destination, slot)
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 50000) i")
    source.execute("SELECT pg_sleep(1.5)")
    [behind] = status("--source", source.conninfo())
    assert behind["lag_bytes"] > 1_000_000 and 1.5 <= behind["lag_seconds"] < 60
    assert behind["slot_retained_bytes"] >= behind["lag_bytes"]
    assert (behind["slot_exists"], behind["slot_wal_status"], behind["apply_connected"]) == (True, "reserved", False)
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming")

    def caught_up():
        [now] = status("--source", source.conninfo())
        return now["apply_connected"] and now["lag_bytes"] == 0 and now["lag_seconds"] == 0 and now

    now = servers.wait_until(caught_up, "the lag to go", timeout_s=60, interval_s=0.3)
    assert now["changes"] == 50_000
    assert process.stop() == 0


def test_idle_source_does_not_seem_to_be_hours_behind(pair, status, waltrail):
    source, destination, slot = pair
    source.execute("INSERT INTO counters VALUES (1, 1)")
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming")
    servers.wait_until(lambda: destination.value("SELECT count(*) FROM changes"), "the change")
    # The last change was long ago, and the position has been recorded since.
    servers.wait_until(
        lambda: destination.value("SELECT end_lsn > last_end_lsn FROM changes.applied"), "an idle position", timeout_s=40
    )
    assert process.stop() == 0
    destination.execute("UPDATE changes.applied SET last_committed_at = now() - interval '5 hours'")
    source.execute("SELECT pg_logical_emit_message(true, 'nobody', 'listens')")
    [now] = status("--source", source.conninfo())
    assert now["lag_bytes"] > 0 and 0 < now["lag_seconds"] < 60


def test_quarantine_marks_and_gaps_are_counted(pair, status, waltrail):
    source, destination, slot = pair
    destination.execute("ALTER TABLE public.changes ADD CONSTRAINT no_thirteen CHECK (primary_key <> '13')")
    source.execute("CREATE TABLE documents (id int PRIMARY KEY, doc json)")
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 20) i")
    source.execute(r"""INSERT INTO documents VALUES (1, '{"a": "\u0000"}')""")
    waltrail.apply_until_now(source, destination, slot)
    destination.execute(
        "INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) SELECT id, '0/10', '0/20', 'r' FROM changes.sources"
    )
    [now] = status()
    assert (now["changes"], now["marked"], now["quarantined"], now["gaps"]) == (20, 1, 1, 1)


def test_which_sources(pair, status, source_server, waltrail):
    source, destination, slot = pair
    other = source_server.create_database(f"{slot}_other")
    try:
        waltrail.init(other, destination, f"{slot}_b")
        assert [s["slot"] for s in status()] == [slot, f"{slot}_b"]
        assert [s["slot"] for s in status("--slot", f"{slot}_b")] == [f"{slot}_b"]
        assert [s["label"] for s in status("--source", source.conninfo())] == [source.name]
        done = waltrail.run(
            "status", "--destination", destination.conninfo(), "--source", other.conninfo(), "--slot", slot, check=False
        )
        assert done.returncode == 1 and done.stdout == ""
        assert len(done.stderr.splitlines()) == 1 and "does not know the source" in done.stderr
    finally:
        other.drop()


def test_slot_that_is_gone(pair, status, waltrail):
    source, destination, slot = pair
    source.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    ends = ["--destination", destination.conninfo(), "--source", source.conninfo()]
    done = waltrail.run("status", *ends, "--json", check=False)
    assert done.returncode == 1
    [now] = json.loads(done.stdout)["sources"]
    assert (now["slot_exists"], now["slot_wal_status"], now["slot_retained_bytes"], now["apply_connected"]) == (
        False, None, None, False)  # fmt: skip
    assert "slot         missing on the source" in waltrail.run("status", *ends, check=False).stdout
    assert len(status()) == 1  # the destination alone does not tell


def test_slot_that_is_invalidated(new_server, destination, slot, waltrail):
    server = new_server("limited", max_slot_wal_keep_size="1MB")
    source = servers.Database(server, "postgres")
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    waltrail.init(source, destination, slot)
    for _ in range(6):
        source.execute("INSERT INTO t VALUES (5)")
        source.execute("DELETE FROM t")
        source.execute("SELECT pg_switch_wal()")
    source.execute("CHECKPOINT")
    done = waltrail.run(
        "status", "--destination", destination.conninfo(), "--source", source.conninfo(), check=False
    )
    assert done.returncode == 1 and "slot         invalidated" in done.stdout


def test_lines_for_a_person(pair, waltrail):
    source, destination, slot = pair
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 7) i")
    waltrail.apply_until_now(source, destination, slot)
    lines = waltrail.run(
        "status", "--destination", destination.conninfo(), "--source", source.conninfo()
    ).stdout.splitlines()
    assert lines[0] == f'source "{source.name}" (database "{source.name}", slot "{slot}")'
    assert [line.split()[0] for line in lines[1:]] == ["recorded", "last", "lag", "slot", "apply", "changes", "gaps"]
    assert "  changes      7 written, 0 marked, 0 in quarantine" in lines
    assert all(len(line) <= 80 for line in lines)


@pytest.mark.parametrize("end", ["source", "destination"])
def test_server_that_is_not_there(pair, waltrail, end):
    source, destination, slot = pair
    away = "host=/tmp/there/is/no/server dbname=x user=postgres password=secret_word"
    ends = {"source": source.conninfo(), "destination": destination.conninfo(), end: away}
    done = waltrail.run("status", "--source", ends["source"], "--destination", ends["destination"], check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and f"could not connect to the {end}" in done.stderr
    assert "secret_word" not in done.stderr


def test_destination_without_a_trail(destination, waltrail):
    done = waltrail.run("status", "--destination", destination.conninfo(), check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and 'extension "waltrail" is missing' in done.stderr
