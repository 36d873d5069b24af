"""`waltrail check` finds what is wrong at both ends, says how to mend it, and changes nothing."""

import contextlib
import itertools
import json
import threading
import time

import psycopg2
import pytest

import servers


class Report:
    """What `waltrail check --json` has printed."""

    def __init__(self, done):
        assert done.stderr == "", done.stderr
        printed = json.loads(done.stdout)
        self.status = done.returncode
        self.errors, self.warnings, self.findings = printed["errors"], printed["warnings"], printed["findings"]
        for finding in self.findings:
            assert list(finding) == ["end", "severity", "check", "what", "where", "mend"]
        assert self.status == (1 if self.errors else 0)
        assert self.errors == len(self.of_severity("error")) and self.warnings == len(self.of_severity("warning"))

    def of_severity(self, severity):
        return [finding for finding in self.findings if finding["severity"] == severity]

    def of_check(self, check):
        return [finding for finding in self.findings if finding["check"] == check]

    def worse_than_note(self):
        return [(f["end"], f["severity"], f["check"]) for f in self.findings if f["severity"] in ("warning", "error")]

    def only(self, check, severity, *words):
        """The one finding of a check, which is of that severity and has these words in what it says."""
        [finding] = self.of_check(check)
        assert finding["severity"] == severity, finding
        for word in words:
            assert word in f"{finding['what']}: {finding['mend']}", finding
        return finding


@pytest.fixture
def check(source, destination, slot, waltrail):
    """A function that runs check between the two databases, or other ends, and returns its Report."""

    def run(*more, source=source, destination=destination, **options):
        ends = [end if isinstance(end, str) else end.conninfo() for end in (source, destination)]
        return Report(waltrail.run(
            "check", "--source", ends[0], "--destination", ends[1], "--slot", slot, "--json", *more, check=False, **options
        ))  # fmt: skip

    return run


@pytest.fixture
def pair(source, destination, slot, waltrail):
    source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
    waltrail.init(source, destination, slot)
    return source, destination, slot


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
    assert lines[-1] == "0 errors, 1 warnings"
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
        check(source=other).only("plugin_permission", "error", "output_plugin_libraries = pgoutput, waltrail")


def test_role_without_replication(pair, check, role):
    source, destination, slot = pair
    report = check(source=source.conninfo(user=role))
    assert report.worse_than_note() == [("source", "error", "replication_right")]
    report.only("replication_right", "error", role, "REPLICATION")
    report.only("plugin_library", "ok")


def test_role_without_any_right_is_told_what_could_not_be_looked_at(pair, check, role):
    source, destination, slot = pair
    report = check(source=source.conninfo(user=role), destination=destination.conninfo(user=role))
    report.only("trail", "warning", "could not look at the trail", "permission denied for schema changes")
    destination.execute(f"GRANT USAGE ON SCHEMA changes TO {role}")
    destination.execute(f"GRANT SELECT ON changes.sources, changes.applied, changes.gaps TO {role}")
    report = check(destination=destination.conninfo(user=role))
    assert [severity for _, severity, _ in report.worse_than_note()] == ["warning"] * report.warnings
    for name in ("trail", "partitions", "default_partition", "quarantine"):
        report.only(name, "warning", "could not look at")
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
    check(source=bare.conninfo(user="poor")).only("plugin_library", "warning", "not seen to be installed")
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
    check().only("slot_use", "note", slot, "waltrail apply")
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


# -- tables and patterns -----------------------------------------------------------------------------------------------


def test_replica_identities(pair, check):
    source, destination, slot = pair
    source.psql("""
        CREATE TABLE by_index (id int NOT NULL UNIQUE);
        ALTER TABLE by_index REPLICA IDENTITY USING INDEX by_index_id_key;
        ALTER TABLE counters REPLICA IDENTITY DEFAULT;
        CREATE TABLE keyless (id int);
        ALTER TABLE keyless REPLICA IDENTITY DEFAULT;
        CREATE TABLE "No""thing" (id int PRIMARY KEY);
        ALTER TABLE "No""thing" REPLICA IDENTITY NOTHING;
        CREATE TABLE deferred (id int PRIMARY KEY DEFERRABLE);
        ALTER TABLE deferred REPLICA IDENTITY DEFAULT;
        CREATE TABLE left_out (id int);
        ALTER TABLE left_out REPLICA IDENTITY NOTHING;
        CREATE UNLOGGED TABLE unlogged (id int);
    """)
    report = check("--exclude-tables", "public.left_*")
    assert {name for _, _, name in report.worse_than_note()} == {"replica_identity", "row_identity", "unlogged_tables"}
    assert report.errors == 0
    partial = report.only("replica_identity", "warning", "REPLICA IDENTITY FULL")["what"]
    assert partial.endswith(': 2 ("public.by_index", "public.counters")')
    none = report.only("row_identity", "warning", "DELETE")["what"]
    assert none.endswith(': 3 ("public.No"thing", "public.deferred", "public.keyless")')
    assert report.only("unlogged_tables", "warning")["what"].endswith(': 1 ("public.unlogged")')
    report = check("--tables", "public.k*", "--exclude-tables", "public.unlogged")
    assert report.only("row_identity", "warning")["what"].endswith(': 1 ("public.keyless")')
    assert not report.of_check("unlogged_tables")


def test_partitions_count_by_the_name_of_their_table(pair, check):
    source, destination, slot = pair
    source.psql("""
        CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
        CREATE TABLE leaf PARTITION OF parted FOR VALUES FROM (0) TO (10);
        ALTER TABLE leaf REPLICA IDENTITY DEFAULT;
    """)
    assert '1 ("public.leaf")' in check("--tables", "public.parted").only("replica_identity", "warning")["what"]
    report = check("--tables", "*.*", "--exclude-tables", "public.parted")
    assert report.worse_than_note() == []


def test_patterns_that_match_nothing_are_named_and_no_error(pair, check):
    source, destination, slot = pair
    source.execute('CREATE TABLE "Odd,na""me" ("e%m" int)')
    report = check(
        "--tables", 'public.counters, *.*, public."Odd,na""me", public.count_rs',
        "--exclude-tables", "gone.*",
        "--ignore-columns", "*.value, public.counters.id, *.*.*, *.e*m, *.VALUE",
        "--exclude-columns", "public.coun*.val*, public.counters.nothing, *.*, *.e_m",
    )  # fmt: skip
    assert report.status == 0
    assert [f["what"] for f in report.of_check("patterns")] == [
        'pattern "public.count_rs" of --tables matches no table now',
        'pattern "gone.*" of --exclude-tables matches no table now',
        'pattern "*.VALUE" of --ignore-columns matches no column now',
        'pattern "*.e_m" of --exclude-columns matches no column now',
        'pattern "public.counters.nothing" of --exclude-columns matches no column now',
    ]
    assert report.warnings == 5


def test_mask_without_a_key(new_server, destination, slot, waltrail, check):
    server = new_server("masking")
    source = servers.Database(server, "postgres")
    source.execute("CREATE TABLE people (id int PRIMARY KEY, email text)")
    waltrail.init(source, destination, slot)
    assert not check(source=source).of_check("mask_key")
    report = check("--mask-columns", "*.email", source=source)
    assert report.worse_than_note() == [("source", "error", "mask_key")]
    report.only("mask_key", "error", "--mask-columns", "waltrail.mask_key_file")
    server.configure(**{"waltrail.mask_key_file": "/etc/waltrail.key"})
    server.reload()
    servers.wait_until(
        lambda: server.psql("SHOW waltrail.mask_key_file", check=False).strip() == "/etc/waltrail.key", "the reload"
    )
    assert check("--mask-columns", "*.email", source=source).worse_than_note() == []


# -- the destination ---------------------------------------------------------------------------------------------------


def test_encoding_of_the_destination(destination_server, check, slot):
    name = f"{slot}_latin1"
    destination_server.execute(f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
    other = servers.Database(destination_server, name)
    try:
        check(destination=other).only("encoding", "error", '"LATIN1"', "UTF8")
    finally:
        other.drop()


def test_extension_without_its_tables(destination, check):
    destination.execute("CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA partman; CREATE EXTENSION waltrail")
    report = check()
    report.only("extension", "ok")
    report.only("trail", "error", 'the table "changes" is missing', "changes.setup()")


def test_trail_whose_columns_were_changed(pair, check):
    source, destination, slot = pair
    destination.execute("ALTER TABLE public.changes ALTER COLUMN operation DROP NOT NULL")
    report = check()
    report.only("trail", "error", '"public.changes" is not as a trail is', "operation text NOT NULL")


def test_source_that_is_not_registered(pair, check):
    source, destination, slot = pair
    destination.execute("UPDATE changes.sources SET slot_name = 'other'")
    report = check()
    assert report.worse_than_note() == [("destination", "error", "registration")]
    report.only("registration", "error", "has no source with database", "waltrail init")


def test_partitions_that_are_missing_and_rows_in_the_default_one(pair, check):
    source, destination, slot = pair
    report = check()
    report.only("partitions", "ok", "up to 20")
    report.only("default_partition", "ok")
    destination.psql("""
        SELECT format('DROP TABLE %s', p.partition) FROM changes.partitions() AS p
         WHERE p.lower_bound > now() AND NOT p.is_default \\gexec
    """)
    check().only("partitions", "warning", "tomorrow", "changes.maintain()")
    destination.psql("SELECT format('DROP TABLE %s', partition) FROM changes.partitions() WHERE NOT is_default \\gexec")
    destination.execute(
        'INSERT INTO changes ("database", "schema", "table", operation, committed_at, transaction_id, position) '
        "SELECT 'd', 's', 't', 'CREATE', now(), 1, 1 FROM generate_series(1, 1500)"
    )
    report = check()
    report.only("partitions", "warning", "no partition for today", "changes.maintain()")
    report.only("default_partition", "warning", "at least 1000", "changes.maintain()")
    assert report.worse_than_note() == [
        ("destination", "warning", "partitions"), ("destination", "warning", "default_partition")]  # fmt: skip


def test_quarantine_marks_and_gaps(pair, check, waltrail):
    source, destination, slot = pair
    destination.execute("ALTER TABLE public.changes ADD CONSTRAINT no_thirteen CHECK (primary_key <> '13')")
    source.execute("CREATE TABLE documents (id int PRIMARY KEY, doc json)")
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 20) i")
    source.execute(r"""INSERT INTO documents VALUES (1, '{"a": "\u0000"}'), (2, '{}')""")
    waltrail.apply_until_now(source, destination, slot)
    report = check()
    assert report.worse_than_note() == [("destination", "warning", "quarantine")]
    report.only("quarantine", "warning", "changes in quarantine: 1,", '"public.counters"', "23514", "no_thirteen")
    report.only("marks", "note", "1 of 21")
    destination.execute(
        "INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) "
        "SELECT id, '0/10', '0/20', 'slot was lost' FROM changes.sources"
    )
    report = check()
    report.only("gaps", "warning", "trail: 1, the newest from 0/10 to 0/20 (slot was lost)")
    assert report.errors == 0 and report.warnings == 2
    # Without the source, what is lost is told all the same.
    report = check(source="host=/tmp/there/is/no/server dbname=x")
    assert report.of_check("quarantine")[0]["severity"] == "warning" == report.of_check("gaps")[0]["severity"]


def test_clocks_that_differ(source, new_server, check):
    server = new_server("ahead", allow_system_table_mods="on")
    server.psql("""
        ALTER FUNCTION pg_catalog.clock_timestamp() RENAME TO true_clock_timestamp;
        CREATE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql
            AS $$ SELECT pg_catalog.true_clock_timestamp() + interval '1 minute' $$;
    """)
    other = servers.Database(server, "postgres")
    check(destination=other).only("clocks", "warning", "60 s ahead of the source's", "time server")
    check(source=other, destination=source).only("clocks", "warning", "60 s behind the source's")
    check().only("clocks", "ok")
