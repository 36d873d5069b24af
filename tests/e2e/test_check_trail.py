"""`waltrail check` finds what is missing from the trail or will be: tables and patterns of the source, and the destination."""

import pytest

import servers
from mask_keys import make_key


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


def settle(server, database, name, value):
    """Sets a line of postgresql.conf and waits until a new session has it."""
    server.configure(**{name: value})
    server.reload()
    servers.wait_until(
        lambda: database.psql(f"SHOW {name}", check=False).strip() == value, "the reload"
    )


@pytest.fixture
def own_server(new_server, destination, slot, waltrail):
    """A source whose server may be configured, with a table of people."""
    source = servers.Database(new_server("configured"), "postgres")
    source.execute("CREATE TABLE people (id int PRIMARY KEY, email text)")
    waltrail.init(source, destination, slot)
    return source


def test_settings_of_the_source_itself(own_server, check):
    source = own_server
    check(source=source).only("source_settings", "ok", "no setting of the source")
    source.execute("ALTER DATABASE postgres SET waltrail.exclude_tables = 'public.people'")
    source.execute("ALTER ROLE postgres SET waltrail.exclude_columns = '*.email, *.passwrod'")
    settle(source.server, source, "waltrail.mask_columns", "*.gone")
    settle(source.server, source, "waltrail.mask_key_file", make_key(source.server))
    report = check(source=source)
    report.only(
        "source_settings", "ok", "waltrail.exclude_tables = 'public.people'", "waltrail.exclude_columns = '*.email, *.passwrod'",
        "waltrail.mask_columns = '*.gone'", "waltrail.mask_key_file = 'mask.key'",
    )  # fmt: skip
    assert [f["what"] for f in report.of_check("patterns")] == [
        'pattern "*.passwrod" of waltrail.exclude_columns matches no column now',
        'pattern "*.gone" of waltrail.mask_columns matches no column now',
    ]
    report.only("mask_key", "ok", '"mask.key" is there')
    report.only("replica_identity", "note", "no table is recorded now")
    assert (report.errors, report.warnings) == (0, 2)


@pytest.mark.parametrize("preloaded", [False, True])
def test_settings_of_the_source_that_stop_every_stream(new_server, destination, slot, waltrail, check, preloaded):
    more = {"shared_preload_libraries": "waltrail"} if preloaded else {}
    source = servers.Database(new_server("source", **{"waltrail.exclude_columns": "password"}, **more), "postgres")
    waltrail.init(source, destination, slot)
    report = check(source=source)
    [failed] = [f for f in report.of_check("source_settings") if f["severity"] == "error"]
    assert "waltrail.exclude_columns" in failed["what"] and '"password"' in failed["mend"]
    assert report.errors == 1
    result = waltrail.apply_until_now(source, destination, slot, check=False)
    assert result.returncode == 1 and "waltrail.exclude_columns" in result.stderr


def test_settings_of_the_source_that_are_misspelt(own_server, check):
    source = own_server
    source.execute("CREATE ROLE other")
    source.execute("CREATE ROLE replicator LOGIN REPLICATION")
    source.execute("ALTER DATABASE postgres SET waltrail.exclude_colums = '*.email'")
    source.execute("ALTER ROLE other SET waltrail.of_another = 'x'")
    settle(source.server, source, "waltrail.mask_column", "*.email")
    unknown = [f["what"] for f in check(source=source).of_check("source_settings") if f["severity"] == "warning"]
    assert [what.split()[1] for what in unknown] == ["waltrail.exclude_colums", "waltrail.mask_column"]
    # Not every role may see the files.
    report = check(source=source.conninfo(user="replicator"))
    unknown = [f["what"] for f in report.of_check("source_settings") if f["severity"] == "warning"]
    assert [what.split()[1] for what in unknown] == ["waltrail.exclude_colums"]
    assert report.errors == 0


def test_patterns_that_match_nothing_are_told_by_apply_once(pair, waltrail):
    source, destination, slot = pair
    done = waltrail.apply_until_now(
        source, destination, slot, "--tables", "public.counters, public.countres", "--ignore-columns", "*.valeu"
    )
    warnings = [line for line in done.stderr.splitlines() if "matches no" in line]
    assert len(warnings) == 2
    assert 'pattern "public.countres" of --tables matches no table now' in warnings[0]
    assert 'pattern "*.valeu" of --ignore-columns matches no column now' in warnings[1]
    assert "matches no" not in waltrail.apply_until_now(source, destination, slot, "--tables", "public.*").stderr
    process = waltrail.apply(source, destination, slot, "--exclude-tables", "public.gone")
    process.wait_for_output("matches no table")
    source.execute("SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = %s", [slot])
    servers.wait_until(lambda: process.output().count("streaming source") == 2, "apply to be back")
    source.execute("INSERT INTO counters VALUES (1, 1)")
    servers.wait_until(lambda: destination.value("SELECT count(*) FROM changes"), "the change")
    assert process.output().count("matches no table") == 1
    assert process.stop() == 0


def test_key_file(own_server, check):
    source = own_server
    source.execute("CREATE ROLE replicator LOGIN REPLICATION")
    source.execute("ALTER DATABASE postgres SET waltrail.mask_columns = '*.email'")
    check(source=source).only("mask_key", "error", "waltrail.mask_columns", "has no mask key")
    settle(source.server, source, "waltrail.mask_key_file", "mask.key")
    check(source=source).only("mask_key", "error", '"mask.key" does not exist', "openssl rand -hex 32")
    make_key(source.server, "short")
    check(source=source).only("mask_key", "error", '"mask.key" has 6 bytes', "16 to 1024")
    make_key(source.server, "x" * 1100)
    check(source=source).only("mask_key", "error", "has 1101 bytes")
    make_key(source.server)
    assert check(source=source).worse_than_note() == []
    report = check(source=source.conninfo(user="replicator"))
    assert report.worse_than_note() == []
    report.only("mask_key", "note", "may not look at the mask key file")
    source.execute("GRANT pg_read_server_files TO replicator")
    source.execute("GRANT EXECUTE ON FUNCTION pg_stat_file(text, boolean) TO replicator")
    assert check(source=source.conninfo(user="replicator")).worse_than_note() == []


def test_key_file_that_a_role_may_not_know_of(new_server, destination, slot, waltrail, check):
    settings = {"waltrail.mask_columns": "*.email", "waltrail.mask_key_file": "mask.key"}
    source = servers.Database(new_server("source", shared_preload_libraries="waltrail", **settings), "postgres")
    source.execute("CREATE TABLE people (id int PRIMARY KEY, email text)")
    source.execute("CREATE ROLE replicator LOGIN REPLICATION")
    waltrail.init(source, destination, slot)
    report = check(source=source.conninfo(user="replicator"))
    assert report.worse_than_note() == []
    report.only("mask_key", "note", "may not look at the mask key file")
    assert "mask.key" not in report.only("source_settings", "ok", "waltrail.mask_columns = '*.email'")["what"]


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
    check("--mask-columns", "*.email", source=source).only("mask_key", "error", "/etc/waltrail.key")


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
    check().only("clocks", "ok", "agree within 0.1 s")
