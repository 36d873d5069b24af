"""`waltrail init` says in one line what is wrong, where, and how to mend it, and has then changed nothing."""

import psycopg2
import pytest

import servers

BOTH_LIBRARIES = "pgoutput, test_decoding, waltrail"


def state(*databases):
    """All that init may make or change."""
    return [
        (
            database.query("SELECT slot_name, plugin FROM pg_replication_slots ORDER BY 1"),
            database.query("SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp' ORDER BY 1"),
            database.query("SELECT extname FROM pg_extension ORDER BY 1"),
            database.query("SELECT evtname FROM pg_event_trigger ORDER BY 1"),
            database.query("SELECT oid::regclass::text, relreplident FROM pg_class WHERE relkind IN ('r', 'p') ORDER BY 1"),
        )
        for database in databases
    ]


def assert_one_line(done, words, status=1):
    assert done.returncode == status, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    line = done.stderr.rstrip("\n")
    assert line.startswith("waltrail: ") and not line.endswith("."), line
    for word in words:
        assert word in line, line


@pytest.fixture
def refused(source, destination, slot, waltrail):
    """A function that runs init, asserts that it refuses with all the words in its line, and that nothing has changed."""

    def run(*more, words, source=source, destination=destination, conninfos=None, status=1):
        source.execute("CREATE TABLE IF NOT EXISTS bystander (id integer PRIMARY KEY)")
        before = state(source, destination)
        first, second = conninfos or (source.conninfo(), destination.conninfo())
        done = waltrail.run("init", "--source", first, "--destination", second, "--slot", slot, *more, check=False)
        assert_one_line(done, words, status)
        assert state(source, destination) == before

    return run


# -- connection strings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["source", "destination"])
def test_server_that_is_not_there(refused, source, destination, end):
    away = "host=/tmp/there/is/no/server dbname=x user=postgres"
    conninfos = (away, destination.conninfo()) if end == "source" else (source.conninfo(), away)
    refused(conninfos=conninfos, words=[f"could not connect to the {end}", "/tmp/there/is/no/server", "check that the server is running"])


@pytest.mark.parametrize("end", ["source", "destination"])
def test_database_that_is_not_there(refused, source, destination, end):
    ends = {"source": source, "destination": destination}
    conninfos = {name: database.conninfo() for name, database in ends.items()}
    conninfos[end] = ends[end].server.conninfo("no_such_database")
    refused(
        conninfos=(conninfos["source"], conninfos["destination"]),
        words=[f"could not connect to the {end}", '"no_such_database" does not exist', "user, database and password"],
    )


@pytest.mark.parametrize("end", ["source", "destination"])
def test_malformed_connection_string(refused, source, destination, end):
    malformed = "host=/tmp no_such_setting=1"
    conninfos = (malformed, destination.conninfo()) if end == "source" else (source.conninfo(), malformed)
    refused(conninfos=conninfos, words=[f"malformed connection string of the {end}", "no_such_setting", "for example"])


def test_wrong_password_is_not_repeated(refused, new_server, destination):
    server = new_server("source")
    server.execute("ALTER ROLE postgres PASSWORD 'right'")
    hba = server.data / "pg_hba.conf"
    hba.write_text("local all all scram-sha-256\n")
    database = servers.Database(server, "postgres")
    kept = server.query("SELECT 1")  # a session from before, which the harness goes on with
    assert kept
    server.reload()
    servers.wait_until(lambda: _is_rejected(server), "the password to be asked for")
    refused(
        source=database,
        conninfos=(server.conninfo(password="s3cret"), destination.conninfo()),
        words=["could not connect to the source", "password authentication failed", "user, database and password"],
    )


def _is_rejected(server):
    try:
        psycopg2.connect(server.conninfo(password="wrong")).close()
    except psycopg2.OperationalError:
        return True
    return False


# -- the command line --------------------------------------------------------------------------------------------------


def test_unknown_option(refused):
    refused("--no-such-option", words=["--no-such-option", "waltrail init --help"], status=2)


def test_missing_option(waltrail, source):
    done = waltrail.run("init", "--source", source.conninfo(), check=False)
    assert_one_line(done, ["--destination", "waltrail init --help"], status=2)


def test_slot_name_that_no_slot_can_have(waltrail, source, destination):
    before = state(source, destination)
    done = waltrail.init(source, destination, "With-Dash", check=False)
    assert_one_line(done, ['invalid slot name "With-Dash"', "a-z, 0-9 and _"])
    assert state(source, destination) == before


@pytest.mark.parametrize("pattern", ["table", ".table", "schema.", ""])
def test_malformed_table_pattern(refused, pattern):
    refused("--tables", pattern, words=["--tables", f'invalid pattern "{pattern}"', "schema.table"], status=2)


def test_malformed_retention(refused):
    refused("--retention", "15", words=['invalid retention "15"', "destination", "15 days"])


# -- the source --------------------------------------------------------------------------------------------------------


def test_role_without_replication(refused, source, destination, role):
    refused(
        conninfos=(source.conninfo(user=role), destination.conninfo()),
        words=[f"role {role} has no right to replicate", f'source "{source.name}"', f"ALTER ROLE {role} REPLICATION"],
    )


def test_wal_level(refused, new_server):
    server = new_server("source", wal_level="replica")
    refused(
        source=servers.Database(server, "postgres"),
        words=['wal_level is "replica"', "source", "ALTER SYSTEM SET wal_level = logical", "restart"],
    )


@pytest.mark.skipif(not servers.knows_output_plugin_libraries(), reason="this minor release loads any output plugin")
@pytest.mark.parametrize("listed", ["pgoutput, test_decoding", '"pgoutput, test_decoding"'])
def test_plugin_that_is_not_listed(refused, new_server, listed):
    server = new_server("source", output_plugin_libraries=listed)
    refused(
        source=servers.Database(server, "postgres"),
        words=['output plugin "waltrail" is not listed in output_plugin_libraries',
               f"ALTER SYSTEM SET output_plugin_libraries = {BOTH_LIBRARIES} ", "reload"],
    )  # fmt: skip


@pytest.mark.skipif(not servers.knows_output_plugin_libraries(), reason="this minor release loads any output plugin")
def test_hint_for_the_plugin_list_works_as_written(new_server, destination, slot, waltrail):
    source = servers.Database(new_server("source", output_plugin_libraries="test_decoding"), "postgres")
    line = waltrail.init(source, destination, slot, check=False).stderr
    statement = line[line.index("ALTER SYSTEM") : line.index(" on the source (a list")]
    source.execute(statement)
    source.server.reload()
    servers.wait_until(lambda: "waltrail" in source.value("SHOW output_plugin_libraries"), "the list to be reloaded")
    waltrail.init(source, destination, slot)


def test_plugin_that_is_not_installed(refused, server_without_waltrail):
    refused(
        source=servers.Database(server_without_waltrail, "postgres"),
        words=['output plugin "waltrail" is not installed', "source", "make install"],
    )


def test_no_replication_slot_is_free(refused, new_server):
    server = new_server("source", max_replication_slots="1")
    server.execute("SELECT pg_create_physical_replication_slot('taken')")
    refused(
        source=servers.Database(server, "postgres"),
        words=["no replication slot is free: 1 of max_replication_slots = 1", "source", "raise max_replication_slots"],
    )


def test_no_walsender_is_free(refused, new_server):
    server = new_server("source", max_wal_senders="0")
    refused(
        source=servers.Database(server, "postgres"),
        words=["no walsender is free: 0 of max_wal_senders = 0", "source", "raise max_wal_senders"],
    )


def test_source_in_recovery(refused, new_server, source, destination):
    server = new_server("source")
    server.execute("CREATE TABLE bystander (id integer PRIMARY KEY)")
    server.stop()
    (server.data / "standby.signal").touch()
    server.start()
    database = servers.Database(server, "postgres")
    before = state(database, destination)
    from_conninfos = (database.conninfo(), destination.conninfo())
    refused(conninfos=from_conninfos, words=["the server is in recovery", "source", "name the primary"])
    assert state(database, destination) == before


# -- the destination ---------------------------------------------------------------------------------------------------


def test_extension_that_is_not_available(refused, server_without_waltrail):
    refused(
        destination=servers.Database(server_without_waltrail, "postgres"),
        words=['extension "waltrail" is not available', "destination", "make install"],
    )


def test_extension_of_another_version(refused, destination):
    destination.execute("CREATE EXTENSION waltrail CASCADE")
    destination.execute("UPDATE pg_extension SET extversion = '0.0.0' WHERE extname = 'waltrail'")
    refused(words=["version 0.0.0", "destination", "ALTER EXTENSION waltrail UPDATE TO"])


def test_encoding_other_than_utf8(refused, destination_server, source, slot, waltrail):
    destination_server.execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    database = servers.Database(destination_server, "latin")
    try:
        refused(destination=database, words=['encoding is "LATIN1"', 'destination "latin"', "ENCODING 'UTF8'"])
        # A trail may have been restored into such a database.
        done = waltrail.run(
            "apply", "--source", source.conninfo(), "--destination", database.conninfo(), "--slot", slot, "--until", "now", check=False
        )
        assert done.returncode == 1 and 'encoding is "LATIN1"' in done.stderr.splitlines()[-1]
    finally:
        database.drop()


def test_destination_role_without_rights(refused, source, destination):
    name = f"{destination.name}_role"
    destination.execute(f"CREATE ROLE {name} LOGIN")
    try:
        refused(
            conninfos=(source.conninfo(), destination.conninfo(user=name)),
            words=[f'role {name} may not create extension "waltrail"', "destination", "connect as a superuser"],
        )
    finally:
        destination.execute(f"DROP ROLE {name}")


def test_foreign_table_called_changes(refused, destination):
    destination.execute("CREATE TABLE public.changes (id integer)")
    refused(words=['"public.changes" exists and is not a trail', "destination", "Rename or move"])


# -- slot and registration ---------------------------------------------------------------------------------------------


def test_slot_of_another_plugin(refused, source, slot):
    source.execute("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", [slot])
    refused(words=[f'replication slot "{slot}" exists with output plugin "test_decoding"', "source", "--slot"])


def test_slot_of_another_database(refused, source, source_server, slot):
    other = source_server.create_database(f"{source.name}_other")
    try:
        other.execute("SELECT pg_create_logical_replication_slot(%s, 'waltrail')", [slot])
        refused(words=[f'replication slot "{slot}" exists in database "{other.name}"', "source", "--slot"])
    finally:
        other.drop()


def test_physical_slot(refused, source, slot):
    source.execute("SELECT pg_create_physical_replication_slot(%s)", [slot])
    try:
        refused(words=[f'replication slot "{slot}" exists and is a physical one', "source", "--slot"])
    finally:
        source.execute("SELECT pg_drop_replication_slot(%s)", [slot])


def test_slot_that_is_not_registered(refused, source, slot):
    source.execute("SELECT pg_create_logical_replication_slot(%s, 'waltrail')", [slot])
    refused(words=[f'replication slot "{slot}" exists and is not registered', "destination", "pg_drop_replication_slot"])


def test_registered_source_without_its_slot(refused, source, destination, slot, waltrail):
    waltrail.init(source, destination, slot)
    source.execute("SELECT pg_drop_replication_slot(%s)", [slot])
    refused(words=[f'registered as "{source.name}"', f'replication slot "{slot}" is gone', "--slot and --label"])


def test_prepared_slot_that_another_client_has_moved(refused, source, destination, slot, waltrail):
    source.execute("CREATE TABLE bystander (id integer PRIMARY KEY)")
    waltrail.init(source, destination, slot)
    source.execute("INSERT INTO bystander VALUES (1)")
    source.query("SELECT count(*) FROM pg_logical_slot_get_changes(%s, NULL, NULL, 'format', 'json')", [slot])
    refused(words=[f'slot "{slot}" was moved to', "changes in between would be missing", "changes.gaps"])


def test_label_of_another_source(refused, source, source_server, destination, slot, waltrail):
    other = source_server.create_database(f"{source.name}_other")
    try:
        waltrail.init(other, destination, f"{slot}_other", label="taken")
        refused("--label", "taken", words=['label "taken" is taken', f'"{other.name}"', "destination", "--label"])
    finally:
        other.drop()


def test_other_label_than_the_registered_one(refused, source, destination, slot, waltrail):
    waltrail.init(source, destination, slot, label="first")
    refused("--label", "second", words=['registered as "first", not as "second"', "leave --label out"])


def test_foreign_event_trigger_of_that_name(refused, source, slot):
    source.execute(
        "CREATE FUNCTION theirs() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        f"CREATE EVENT TRIGGER {slot} ON ddl_command_end EXECUTE FUNCTION theirs()"
    )
    refused(words=[f'event trigger "{slot}" exists and calls public.theirs()', "source", "rename it"])


def test_another_init_is_running(refused, source):
    connection = source.connect()
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended('waltrail: init', 0))")
        refused(words=["another waltrail init is running", "source", "run init again"])
    finally:
        connection.close()
