"""`waltrail check` finds what is wrong, says how to mend it, and changes nothing: both ends together, and the source's server
and slot."""

import contextlib
import itertools
import json
import threading
import time

import psycopg2
import pytest

import servers
from check_report import Report


@pytest.fixture
def role(source, destination):
    """A role without rights on both servers."""
    name = f"{source.name}_role"
    for database in (source, destination):
        database.execute(f"CREATE ROLE {name} LOGIN")
    yield name
    for database in (source, destination):
        database.execute(f"DROP OWNED BY {name}")
        database.execute(f"DROP ROLE {name}")


# -- before and after init ---------------------------------------------------------------------------------------------


def test_fresh_pair_is_told_to_run_init(check):
    report = check()
    assert report.worse_than_note() == [("source", "error", "slot"), ("destination", "error", "extension")]
    report.only("slot", "error", "no replication slot", "waltrail init")
    report.only("extension", "error", "is not installed", "waltrail init")


def test_prepared_pair_has_neither_errors_nor_warnings(pair, check):
    report = check()
    assert report.worse_than_note() == []
    source, destination, slot = pair
    assert source.name in report.only("registration", "ok", slot)["what"]
    report.only("replica_identity", "ok", "tables recorded: 1, with REPLICA IDENTITY FULL: 1")


def test_nothing_is_changed(pair, check):
    source, destination, slot = pair

    def state():
        return [
            source.query("SELECT slot_name, restart_lsn, confirmed_flush_lsn FROM pg_replication_slots"),
            source.query("SELECT relname, relreplident FROM pg_class ORDER BY 1"),
            destination.query("SELECT * FROM changes.applied"),
            destination.query("SELECT relname, xmin::text FROM pg_class ORDER BY 1"),
        ]

    source.execute("ALTER TABLE counters REPLICA IDENTITY DEFAULT")
    before = state()
    check("--tables", "nothing.*")
    assert state() == before


def test_lines_and_json_say_the_same(pair, waltrail):
    source, destination, slot = pair
    arguments = ["check", "--source", source.conninfo(), "--destination", destination.conninfo(), "--slot", slot,
                 "--tables", "public.*, x.y"]  # fmt: skip
    lines = waltrail.run(*arguments).stdout.splitlines()
    printed = json.loads(waltrail.run(*arguments, "--json").stdout)
    assert lines[-1] == "0 errors, 1 warning"
    expected = [
        (f["end"], f["severity"], f["what"] + (f": {f['mend']}" if f["mend"] else "")) for f in printed["findings"]
    ]
    # What a slot keeps grows all the time.
    assert [tuple(line.split(None, 2)) for line in lines[:-1] if " keeps " not in line] == [
        entry for entry in expected if " keeps " not in entry[2]
    ]
    severities = [severity for end, severity, what in expected if end == "source"]
    order = ["error", "warning", "note", "ok"]
    assert severities == sorted(severities, key=order.index) and "warning" in severities
    assert [end for end, _, _ in expected] == sorted((end for end, _, _ in expected), reverse=True)


def test_source_and_destination_are_one_database(source, check, slot):
    report = check(destination=source)
    assert report.worse_than_note() == [("source", "error", "slot"), ("destination", "error", "extension")]


# -- connections -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["source", "destination"])
def test_end_that_is_not_there_does_not_keep_the_other_from_being_looked_at(pair, check, end):
    report = check(**{end: "host=/tmp/there/is/no/server dbname=x user=postgres password=secret_word"})
    assert report.worse_than_note() == [(end, "error", "connection")]
    [failed] = [f for f in report.of_check("connection") if f["severity"] == "error"]
    assert f"could not connect to the {end}" in failed["what"] and "check that the server is running" in failed["mend"]
    assert report.of_check("wal_limit" if end == "destination" else "quarantine")
    assert "secret_word" not in str(report.findings)


def test_settings_of_apply_in_a_file_hold(pair, waltrail, tmp_path):
    source, destination, slot = pair
    settings = tmp_path / "waltrail.toml"
    settings.write_text(
        f'[apply]\nsource = "{source.conninfo()}"\ndestination = "{destination.conninfo()}"\nslot = "{slot}"\n'
        'exclude_tables = ["public.counters", "public.conuters"]\n'
    )
    report = Report(waltrail.run("--config", settings, "check", "--json"))
    report.only("patterns", "warning", '"public.conuters"', "--exclude-tables")
    report.only("replica_identity", "note", "no table is recorded")
    status = json.loads(waltrail.run("--config", settings, "status", "--json").stdout)
    assert [entry["slot"] for entry in status["sources"]] == [slot]


# -- the source --------------------------------------------------------------------------------------------------------


def test_wal_level_and_library_list_of_another_server(new_server, destination, check):
    server = new_server("replica", wal_level="replica")
    other = servers.Database(server, "postgres")
    report = check(source=other)
    report.only("wal_level", "error", '"replica"', "ALTER SYSTEM SET wal_level = logical")
    if servers.knows_output_plugin_libraries():
        server.configure(output_plugin_libraries="pgoutput")
        server.reload()
        servers.wait_until(lambda: other.value("SHOW output_plugin_libraries") == "pgoutput", "the reload")
        report = check(source=other)
        report.only("plugin_permission", "error", "output_plugin_libraries = pgoutput, waltrail")
        assert not report.of_check("plugin_library")


def test_role_without_replication(pair, check, role):
    source, destination, slot = pair
    report = check(source=source.conninfo(user=role))
    assert report.worse_than_note() == [("source", "error", "replication_right")]
    report.only("replication_right", "error", role, "REPLICATION")
    report.only("plugin_library", "ok")
    if servers.knows_output_plugin_libraries():
        report.only("plugin_permission", "note", "may not see output_plugin_libraries")
    # That right is all that it needs.
    source.execute(f"ALTER ROLE {role} REPLICATION")
    report = check(source=source.conninfo(user=role))
    assert report.worse_than_note() == []
    report.only("progress", "ok")


WRITER_RIGHTS = """
    GRANT USAGE ON SCHEMA changes TO {0};
    GRANT SELECT ON changes.sources TO {0};
    GRANT SELECT, UPDATE ON changes.applied TO {0};
    GRANT SELECT, INSERT, UPDATE ON changes.relations TO {0};
    GRANT SELECT (id, part) ON changes.quarantine TO {0};
    GRANT INSERT ON changes.quarantine, public.changes TO {0};
"""


def test_role_that_may_not_write_the_trail(pair, check, role, waltrail):
    source, destination, slot = pair
    poor = destination.conninfo(user=role)

    def assert_refuses(*words):
        check(destination=poor).only("trail", "error", role, 'ran "waltrail init" (postgres)', "changes.grant_writer", *words)
        result = waltrail.run(
            "apply", "--source", source.conninfo(), "--destination", poor, "--slot", slot, "--until", "now", check=False
        )
        assert result.returncode == 1
        for word in (role, "may not write the trail", 'ran "waltrail init" (postgres)', *words):
            assert word in result.stderr.splitlines()[-1]

    assert_refuses("USAGE on schema changes", "SELECT on changes.sources", "INSERT on public.changes")
    result = waltrail.run("status", "--destination", poor, check=False)
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1
    for word in ("may not read the trail", "USAGE on schema changes", 'ran "waltrail init" (postgres)', "changes.grant_reader"):
        assert word in result.stderr
    for right in WRITER_RIGHTS.format(role).strip().splitlines():
        assert_refuses()
        destination.execute(right)
    assert check(destination=poor).errors == 0
    source.execute("INSERT INTO counters VALUES (1, 1)")
    waltrail.run("apply", "--source", source.conninfo(), "--destination", poor, "--slot", slot, "--until", "now")
    assert destination.value("SELECT count(*) FROM public.changes") == 1


def test_role_is_told_what_it_could_not_look_at(pair, check, role):
    source, destination, slot = pair
    destination.psql(WRITER_RIGHTS.format(role))
    destination.execute(f"GRANT SELECT ON changes.gaps TO {role}")
    report = check(source=source.conninfo(user=role), destination=destination.conninfo(user=role))
    destination_findings = [severity for end, severity, _ in report.worse_than_note() if end == "destination"]
    assert set(destination_findings) == {"warning"}
    for name in ("trail", "partitions", "default_partition", "quarantine"):
        report.only(name, "warning", "could not look at")
    report.only("upkeep", "warning", "changes.clean_pending() and changes.maintain()", f"grant_writer('{role}')")
    report = check(destination=destination.conninfo(user=role))
    for name in ("registration", "progress", "gaps"):
        report.only(name, "ok")


def test_no_free_walsender_and_no_free_slot(new_server, check):
    server = new_server("full", max_wal_senders="1", max_replication_slots="1")
    other = servers.Database(server, "postgres")
    other.execute("SELECT pg_create_logical_replication_slot('theirs', 'test_decoding')")
    report = check(source=other)
    report.only("slot_room", "error", "1 of max_replication_slots = 1")
    report.only("walsenders", "ok")
    connection = psycopg2.connect(other.conninfo(replication="database"))
    try:
        report = check(source=other)
        report.only("walsenders", "error", "1 of max_wal_senders = 1")
        assert not report.of_check("replication_connection")
    finally:
        connection.close()


def test_server_without_waltrail(server_without_waltrail, source, check):
    bare = servers.Database(server_without_waltrail, "postgres")
    bare.execute("CREATE ROLE poor LOGIN")
    # Only a superuser can try to load the library.
    check(source=bare).only("plugin_library", "error", "is not installed on its server", "make install")
    report = check(source=bare.conninfo(user="poor"))
    report.only("plugin_library", "warning", "not seen to be installed")
    if servers.knows_output_plugin_libraries():
        report.only("plugin_permission", "warning", "could not look at output_plugin_libraries")
    check(destination=bare).only("extension", "error", "is not available", "make install")


def test_dropped_slot(pair, check):
    source, destination, slot = pair
    source.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    report = check()
    assert report.worse_than_note() == [("source", "error", "slot")]
    report.only("slot", "error", f'no replication slot "{slot}"', "changes since the recorded position are lost", "changes.gaps")


def test_slot_of_another_plugin(pair, check):
    source, destination, slot = pair
    source.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    source.execute("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", [slot])
    report = check()
    assert report.worse_than_note() == [("source", "error", "slot")]
    report.only("slot", "error", 'plugin "test_decoding"')


def test_slot_that_someone_else_has_read(pair, check):
    source, destination, slot = pair
    source.execute("INSERT INTO counters VALUES (1, 1)")
    source.query("SELECT count(*) FROM pg_logical_slot_get_changes(%s, NULL, NULL, 'format', 'json')", [slot])
    report = check()
    assert report.worse_than_note() == [("destination", "error", "progress")]
    report.only("progress", "error", f'slot "{slot}" was moved to', "another client read from the slot")


def test_slot_in_use_and_what_it_keeps(pair, check, waltrail):
    source, destination, slot = pair
    check().only("slot_use", "note", "no apply streams from slot", slot, "keeps the changes")
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming")
    report = check()
    assert report.worse_than_note() == []
    report.only("slot_use", "ok", "in use by process")
    report.only("slot_wal", "ok", "of WAL")
    assert process.stop() == 0


def test_apply_at_work_never_looks_wrong(pair, check, waltrail):
    source, destination, slot = pair
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming")
    stop = threading.Event()

    def write():
        # Not `with connection`, which would make one transaction of it all.
        with contextlib.closing(source.connect()) as connection, connection.cursor() as cursor:
            for number in itertools.count():
                if stop.is_set():
                    return
                cursor.execute("INSERT INTO counters VALUES (%s, 0)", [number])
                time.sleep(0.005)  # so that apply writes and acknowledges each by itself

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(20):
            assert check().worse_than_note() == []
    finally:
        stop.set()
        writer.join()
    assert process.stop() == 0


def test_limit_of_kept_wal_and_slot_that_is_past_it(new_server, destination, check, slot, waltrail):
    server = new_server("limited", max_slot_wal_keep_size="-1")
    source = servers.Database(server, "postgres")
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    waltrail.init(source, destination, slot)
    check(source=source).only("wal_limit", "note", "unlimited", "fill the source's disk")
    server.configure(max_slot_wal_keep_size="1MB")
    server.reload()
    servers.wait_until(lambda: source.value("SHOW max_slot_wal_keep_size") == "1MB", "the reload")
    check(source=source).only("wal_limit", "note", "max_slot_wal_keep_size is 1MB", "invalidated", "left")
    for _ in range(6):
        source.execute("INSERT INTO t VALUES (5)")
        source.execute("DELETE FROM t")
        source.execute("SELECT pg_switch_wal()")
    check(source=source).only("slot_wal", "warning", "the next checkpoint may remove", "waltrail apply")
    source.execute("CHECKPOINT")
    report = check(source=source)
    report.only("slot", "error", "invalidated", "max_slot_wal_keep_size")


def test_whether_the_library_is_preloaded(check, preloaded):
    check().only("preloading", "note", "is not preloaded", "shared_preload_libraries", "--context-triggers")
    check(source=preloaded).only("preloading", "ok", "is preloaded", "actor")


def test_context_triggers_are_counted(source, destination, slot, waltrail, check):
    source.execute("CREATE TABLE one (id int PRIMARY KEY); CREATE TABLE two (id int) PARTITION BY LIST (id)")
    source.execute("CREATE TABLE leaf PARTITION OF two DEFAULT")
    waltrail.init(source, destination, slot, "--context-triggers")
    check().only("preloading", "note", "is not preloaded", "tables with a context trigger: 3", "shared_preload_libraries")


def test_writer_is_not_warned_of_what_he_need_not_read(pair, check, role):
    source, destination, slot = pair
    destination.execute(f"SELECT changes.grant_writer('{role}')")
    report = check(destination=destination.conninfo(user=role))
    assert report.worse_than_note() == []
    report.only("upkeep", "ok")
    report.only("default_partition", "note", "may not read it", "owner")
