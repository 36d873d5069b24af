"""The harness itself: servers of the tests' own start, survive a kill, and see the installed extension."""

import servers


def test_source_decodes_logically(source):
    assert source.value("SHOW wal_level") == "logical"


def test_databases_are_empty_and_apart(source, destination):
    assert source.server.folder != destination.server.folder
    assert source.value("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0


def test_extension_is_installed(destination):
    names = destination.query("SELECT name FROM pg_available_extensions WHERE name IN ('waltrail', 'pg_partman')")
    assert sorted(names) == [("pg_partman",), ("waltrail",)]


def test_slot_of_a_database_goes_with_it(source_server):
    database = source_server.create_database("has_a_slot")
    database.execute("SELECT pg_create_logical_replication_slot('left_behind', 'test_decoding')")
    database.drop()
    assert source_server.query("SELECT 1 FROM pg_replication_slots WHERE slot_name = 'left_behind'") == []


def test_committed_row_survives_kill_of_server(fresh_source):
    fresh_source.execute("CREATE TABLE kept AS SELECT 1 AS value")
    backend = fresh_source.value("SELECT pg_backend_pid()")
    fresh_source.server.kill9()
    assert not servers.is_alive(backend)
    fresh_source.server.start()
    assert fresh_source.value("SELECT value FROM kept") == 1
