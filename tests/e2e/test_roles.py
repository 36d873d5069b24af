"""waltrail with the least rights: apply writes as a role that only has grant_writer(), others read; each is refused all else."""

import contextlib

import psycopg2
import pytest

import servers

INSERT_CHANGE = (
    'INSERT INTO public.changes ("database", "schema", "table", operation, transaction_id, position, committed_at) '
    "VALUES ('d', 's', 't', 'CREATE', 1, 1, now() + make_interval(days => %s))"
)


class Role:
    """A role of the destination's server: its own connections, and what it is refused."""

    def __init__(self, database, name):
        self.database = database
        self.name = name
        database.execute(f"CREATE ROLE {name} LOGIN")

    def conninfo(self):
        return self.database.conninfo(user=self.name)

    def query(self, sql):
        with contextlib.closing(self.database.connect(user=self.name)) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def assert_refused(self, *statements, error=psycopg2.errors.InsufficientPrivilege):
        for statement in statements:
            with pytest.raises(error):
                self.query(statement)

    def drop(self):
        self.database.execute(f"DROP OWNED BY {self.name} CASCADE")
        self.database.execute(f"DROP ROLE {self.name}")


@pytest.fixture
def role_named(destination):
    made = []

    def make(kind):
        made.append(Role(destination, f"{destination.name}_{kind}"))
        return made[-1]

    yield make
    for role in made:
        role.drop()


@pytest.fixture
def writer(pair, destination, role_named):
    role = role_named("writer")
    destination.execute("SELECT changes.grant_writer(%s)", [role.name])
    return role


@pytest.fixture
def apply_as_writer(pair, waltrail, writer):
    source, destination, slot = pair

    def run(*more):
        return waltrail.run(
            "apply", "--source", source.conninfo(), "--destination", writer.conninfo(), "--slot", slot, "--until", "now", *more
        )

    return run


def test_apply_needs_nothing_but_grant_writer(pair, apply_as_writer, check, writer):
    source, destination, slot = pair
    destination.execute("ALTER TABLE public.changes ADD CONSTRAINT no_thirteen CHECK (primary_key <> '13')")
    destination.execute(INSERT_CHANGE, [6])
    destination.execute("UPDATE partman.part_config SET premake = 8")
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 20) i")
    source.execute("ALTER TABLE counters ADD COLUMN note text")
    source.execute("UPDATE counters SET note = 'x' WHERE id < 5")
    done = apply_as_writer()
    assert "could not" not in done.stderr and "maintain" not in done.stderr
    assert destination.query("SELECT operation, count(*)::int FROM changes WHERE database <> 'd' GROUP BY 1 ORDER BY 1") == [
        ("CREATE", 19), ("UPDATE", 4)]  # fmt: skip
    assert destination.query("SELECT sqlstate FROM changes.quarantine") == [("23514",)]
    assert destination.value("SELECT count(*) FROM changes.relations") == 2
    # What maintain() had to do for it.
    assert destination.value("SELECT count(*) FROM public.changes_default") == 0
    assert destination.value("SELECT max(upper_bound) > now() + interval '8 days' FROM changes.partitions()")
    source.execute("DELETE FROM counters WHERE id = 1")
    apply_as_writer()
    assert destination.value("SELECT count(*) FROM changes WHERE operation = 'DELETE'") == 1
    report = check(destination=writer.conninfo())
    assert report.errors == 0
    for name in ("trail", "partitions", "registration", "progress", "gaps"):
        report.only(name, "ok")
    report.only("quarantine", "warning", "changes in quarantine: 1")


def test_an_apply_that_streams_as_a_writer_records_idle_positions(pair, waltrail, writer):
    source, destination, slot = pair
    process = waltrail.apply(source, writer, slot, "--listen", "off")
    process.wait_for_output("streaming")
    source.execute("INSERT INTO counters VALUES (1, 1)")
    servers.wait_until(lambda: destination.value("SELECT count(*) FROM changes") == 1, "the change")
    assert process.stop() == 0
    assert "warning" not in process.output()


def test_a_writer_is_refused_everything_else(pair, apply_as_writer, writer):
    source, destination, slot = pair
    source.execute("INSERT INTO counters VALUES (1, 1)")
    apply_as_writer()
    writer.assert_refused(
        "SELECT * FROM public.changes", "SELECT * FROM changes.changes", "UPDATE public.changes SET position = 1",
        "DELETE FROM public.changes", "TRUNCATE public.changes", "DROP TABLE public.changes", "DELETE FROM public.changes_default",
        "ALTER TABLE public.changes DISABLE TRIGGER ALL", "CREATE TABLE changes.mine (i int)", "DELETE FROM changes.applied",
        "UPDATE changes.applied SET source_id = 7", "UPDATE changes.sources SET label = 'x'", "SELECT frame FROM changes.quarantine",
        "INSERT INTO changes.permits VALUES (pg_current_xact_id())", "SELECT changes.permit_changes()", "SELECT changes.setup()",
        "SELECT changes.erase('public', 'counters', '1', 'r')", "SELECT changes.grant_reader(current_user)",
        "SELECT changes.make_partition(tstzrange(now(), now()))", "SELECT changes.drop_expired('public.changes_default')",
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION changes.refuse_change()", "SET session_replication_role = replica",
    )  # fmt: skip
    with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState, match="cannot go back"):
        writer.query("UPDATE changes.applied SET end_lsn = '0/1'")
    writer.assert_refused("SELECT changes.run_task('premake', now()::text, true)")
    writer.query("SELECT changes.run_writer_task('premake', '2001-01-01 00:00:00+00', true)")
    assert destination.value("SELECT min(lower_bound) > '2002-01-01' FROM changes.partitions()")
    assert destination.value("SELECT count(*) FROM changes") == 1


def test_readers_read_and_are_refused_everything_else(pair, apply_as_writer, role_named, waltrail):
    source, destination, slot = pair
    source.execute("CREATE TABLE orders (id int PRIMARY KEY)")
    source.execute("INSERT INTO counters VALUES (1, 1); INSERT INTO orders VALUES (1), (2)")
    apply_as_writer()
    reader, some = role_named("reader"), role_named("some")
    destination.execute("SELECT changes.grant_reader(%s), changes.grant_reader(%s, '{public.ord*}')", [reader.name, some.name])
    destination.execute(f"ALTER ROLE {some.name} IN DATABASE {destination.name} SET search_path = changes, public")
    query = 'SELECT "table" FROM "changes" ORDER BY position'
    assert reader.query(query) == [("counters",), ("orders",), ("orders",)]
    assert some.query(query) == [("orders",), ("orders",)]
    assert some.query("SELECT DISTINCT \"table\" FROM changes.relations") == [("orders",)]
    status = waltrail.run("status", "--destination", reader.conninfo())
    assert source.name in status.stdout
    for role in (reader, some):
        role.assert_refused(
            "INSERT INTO public.changes SELECT * FROM changes.changes", "UPDATE public.changes SET position = 1", "DELETE FROM public.changes",
            "TRUNCATE public.changes", "DROP TABLE public.changes", "UPDATE changes.applied SET end_lsn = '0/1'",
            "INSERT INTO changes.grants (role, kind) VALUES (current_user, 'reader')", "UPDATE changes.grants SET tables_like = '{%}'",
            "CALL changes.maintain()", "SELECT changes.setup()", "SELECT changes.erase('public', 'orders', '1', 'r')",
            "SELECT changes.grant_reader(current_user)", "SELECT changes.permit_changes()", "CREATE VIEW changes.mine AS SELECT 1",
        )  # fmt: skip
        with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState, match="cannot delete from view"):
            role.query("DELETE FROM changes.changes")
    some.assert_refused("SELECT * FROM public.changes", "SELECT * FROM changes.holds", "SELECT * FROM changes.erasures", "SELECT * FROM public.changes_default")
    assert source.name in waltrail.run("status", "--destination", some.conninfo()).stdout
    destination.execute("SELECT changes.revoke_all(%s), changes.revoke_all(%s)", [reader.name, some.name])
    for role in (reader, some):
        role.assert_refused("SELECT * FROM public.changes", "SELECT * FROM changes.changes")


def test_no_trigger_of_the_trail_is_called_for_a_row_that_is_written(pair, destination):
    """That is why COPY costs the same with and without them."""
    for_inserts = destination.query(
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgtype & 4 <> 0 AND NOT tgisinternal "
        "AND tgrelid IN (SELECT relid FROM pg_partition_tree('public.changes'))"
    )
    assert for_inserts == []
    assert destination.value("SELECT count(*) > 10 FROM pg_trigger WHERE tgname LIKE 'waltrail_append_only%'")
