"""A trail that is dumped and restored is the same trail, wherever it is restored to; apply goes on with it exactly where it was, or says
what is missing."""

import contextlib
import subprocess

import psycopg2
import pytest

import servers
from servers import BINDIR

CHANGES = 5000
ROLES = ("dump_writer", "dump_reader", "dump_some")

# Everything that a trail is: as text, in an order of its own.
CONTENT = {
    name: f"SELECT md5(string_agg(to_jsonb(t)::text, '' ORDER BY to_jsonb(t)::text COLLATE \"C\")), count(*) FROM {name} AS t"
    for name in (
        "public.changes", "changes.sources", "changes.applied", "changes.relations", "changes.gaps", "changes.quarantine",
        "changes.settings", "changes.grants", "changes.erasures", "changes.holds", "changes.held", "changes.drops", "changes.moves", "changes.seals",
        "changes.trail", "changes.differences", "changes.granted_differences",
    )
} | {
    "partitions": "SELECT p.partition::text, p.lower_bound, p.upper_bound FROM changes.partitions() AS p ORDER BY 1",
    "rows of partitions": "SELECT tableoid::regclass::text, count(*) FROM public.changes GROUP BY 1 ORDER BY 1",
    "indexes": """SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisvalid FROM pg_index
                   WHERE indrelid IN (SELECT relid FROM pg_partition_tree('public.changes')) ORDER BY 1""",
    "triggers": """SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger
                    WHERE tgname LIKE 'waltrail%' ORDER BY 1, 2""",
    "policies": "SELECT polrelid::regclass::text, polname, polroles::regrole[]::text, pg_get_expr(polqual, polrelid) FROM pg_policy ORDER BY 1, 2",
    "rights": """SELECT c.oid::regclass::text, a.grantee::regrole::text, a.privilege_type FROM pg_class AS c, aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
                  WHERE c.relnamespace = 'changes'::regnamespace AND c.relkind IN ('r', 'v') OR c.relname = 'changes' ORDER BY 1, 2, 3""",
    "rights on functions": """SELECT p.oid::regprocedure::text, a.grantee::regrole::text FROM pg_proc AS p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
                               WHERE p.pronamespace = 'changes'::regnamespace ORDER BY 1, 2""",
    "rights on the schema": """SELECT a.grantee::regrole::text, a.privilege_type FROM pg_namespace AS n, aclexplode(n.nspacl) AS a
                                WHERE n.nspname = 'changes' ORDER BY 1, 2""",
    "pg_partman": "SELECT to_jsonb(c) FROM partman.part_config AS c",
    "horizon": "SELECT label, changes.horizon(label)::text FROM changes.sources ORDER BY 1",
}  # fmt: skip


def content(database):
    with contextlib.closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET timezone = 'UTC'")
        found = {}
        for name, sql in CONTENT.items():
            cursor.execute(sql)
            found[name] = cursor.fetchall()
        return found


def run(program, *arguments):
    done = subprocess.run([str(BINDIR / program), *map(str, arguments)], capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, f"{program}: {done.stderr}"
    return done.stdout


@pytest.fixture
def trail(source, new_server, slot, waltrail):
    """A destination with all that a trail may have, on a server of its own."""
    server = new_server("original")
    destination = server.create_database("trail")
    for role in ROLES:
        destination.execute(f"CREATE ROLE {role} LOGIN")
    source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
    waltrail.init(source, destination, slot, "--retention", "20 days")
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, %s) i", [CHANGES])
    source.execute("UPDATE counters SET value = value + 1 WHERE id <= 100")
    destination.execute("ALTER TABLE public.changes ADD CONSTRAINT no_thirteen CHECK (primary_key <> '13')")
    waltrail.apply_until_now(source, destination, slot)
    destination.execute(
        'INSERT INTO public.changes ("database", "schema", "table", primary_key, operation, transaction_id, position, committed_at) '
        "SELECT 'other', 's', 't', 'x' || g, 'CREATE', g, g, date_trunc('second', now()) - g * interval '3 minutes' FROM generate_series(-4000, 4000) g"
    )
    # Past the retention: one change goes, one is held.
    destination.execute("""
        INSERT INTO public.changes ("database", "schema", "table", primary_key, operation, transaction_id, position, committed_at)
        SELECT 'other', 's', t, '1', 'CREATE', 1, 1, now() - interval '40 days' FROM unnest(ARRAY['held', 'gone']) AS t""")
    destination.psql("""
        SELECT changes.hold('s', 'held', reason => 'a case');
        SELECT changes.release(changes.hold('s', 'gone', reason => 'another case'));
        SELECT changes.grant_writer('dump_writer');
        SELECT changes.grant_reader('dump_reader');
        SELECT changes.grant_reader('dump_some', '{public.c*}');
        SELECT changes.erase('public', 'counters', '14', 'a reason', '{value}');
        INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) SELECT id, '0/1', '0/2', 'a reason' FROM changes.sources;
        UPDATE partman.part_config SET premake = 6;
        CALL changes.maintain();
        SELECT changes.vacuum_commands() \\gexec
        -- What is granted while an extension is made counts as the extension's own, which no dump holds.
        DROP EXTENSION waltrail;
        CREATE EXTENSION waltrail;
        SELECT changes.setup();
    """)
    return source, destination, slot


def dump(database, file, how):
    run("pg_dump", "--format", how, "--file", file, database.conninfo())


def restore(file, how, database):
    if how == "plain":
        run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", file, "-d", database.conninfo())
    else:
        run("pg_restore", "--exit-on-error", "--dbname", database.conninfo(), file)


@pytest.fixture(params=["custom", "plain"])
def how(request):
    return request.param


@pytest.fixture
def elsewhere(trail, new_server):
    """An empty database of another name on another server, with the roles."""
    server = new_server("other")
    for role in ROLES:
        server.execute(f"CREATE ROLE {role} LOGIN")
    return server.create_database("Restored Trail")


def test_a_restored_trail_is_the_same_and_apply_goes_on_where_it_was(trail, elsewhere, how, tmp_path, waltrail):
    source, destination, slot = trail
    before = content(destination)
    assert before["changes.quarantine"][0][1] == 2 and before["public.changes"][0][1] == CHANGES + 100 - 2 + 8001
    counts = {name: before[f"changes.{name}"][0][1] for name in ("holds", "held", "drops", "moves", "trail")}
    assert counts == {"holds": 2, "held": 1, "drops": 1, "moves": 0, "trail": before["public.changes"][0][1] + 1}
    sealed = before["changes.seals"][0][1]
    assert sealed > 3 and destination.value("SELECT count(*) FROM changes.sealable_partitions()") == 0
    dump(destination, tmp_path / "dump", how)
    destination.server.stop()
    restore(tmp_path / "dump", how, elsewhere)
    after = content(elsewhere)
    for name in CONTENT:
        assert after[name] == before[name], name

    # It is a trail like any other: append-only, maintained, with numbers that go on, and setup() finds nothing to do.
    for statement in ("DELETE FROM public.changes", "TRUNCATE public.changes_default", "DELETE FROM changes.held", "DELETE FROM changes.holds", "UPDATE changes.drops SET rows = 0"):
        with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState, match="append-only"):
            elsewhere.execute(statement)
    elsewhere.psql("SELECT changes.setup(); CALL changes.maintain();")
    assert content(elsewhere) == after
    elsewhere.execute("INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) SELECT id, '0/3', '0/4', 'next' FROM changes.sources")
    assert elsewhere.query("SELECT id, reason FROM changes.gaps ORDER BY id") == [(1, "a reason"), (2, "next")]
    assert elsewhere.value("SELECT changes.hold('s', 'next', reason => 'next')") == 3

    # Nothing of the copy was vacuumed, so nothing of it is sealed.
    assert elsewhere.value("SELECT count(*) FROM changes.partitions() WHERE is_sealed") == 0
    elsewhere.psql("SELECT changes.vacuum_commands() \\gexec")
    assert elsewhere.value("SELECT count(*) FROM changes.partitions() WHERE is_sealed") == sealed
    assert elsewhere.value("SELECT count(*) FROM changes.seals") == sealed

    source.execute("UPDATE counters SET value = 0 WHERE id = 20")
    source.execute("DELETE FROM counters WHERE id = 21")
    waltrail.run("apply", "--source", source.conninfo(), "--destination", elsewhere.conninfo(user="dump_writer"), "--slot", slot, "--until", "now")
    assert elsewhere.query("SELECT operation, primary_key FROM changes ORDER BY position DESC LIMIT 2") == [("DELETE", "21"), ("UPDATE", "20")]
    assert elsewhere.value("SELECT count(*) FROM changes") == before["public.changes"][0][1] + 2
    assert elsewhere.value("SELECT count(DISTINCT id) FROM changes") == before["public.changes"][0][1] + 2


def test_a_partition_that_waits_for_a_reader_does_not_wait_in_the_copy(trail, elsewhere, tmp_path):
    """What its held rows were moved for is known in the copy, whom the original waited for is not."""
    _, destination, _ = trail
    expired = "SELECT count(*) FROM changes.partitions() WHERE upper_bound < now() - interval '25 days'"
    destination.execute("SELECT changes.set_retention('unlimited')")
    destination.execute("""
        INSERT INTO public.changes ("database", "schema", "table", primary_key, operation, transaction_id, position, committed_at)
        SELECT 'other', 's', 'held', '2', 'CREATE', 1, 1, now() - interval '30 days'""")
    destination.execute("CALL changes.maintain()")
    destination.execute("SELECT changes.set_retention('20 days')")
    with contextlib.closing(destination.connect(autocommit=False)) as connection, connection.cursor() as reader:
        reader.execute("SELECT 1")
        destination.execute("CALL changes.maintain()")
        assert destination.value("SELECT count(*) FROM changes.moves") == 1 and destination.value(expired) == 1
        dump(destination, tmp_path / "dump", "custom")
    destination.server.stop()
    restore(tmp_path / "dump", "custom", elsewhere)
    elsewhere.execute("CALL changes.maintain()")
    assert elsewhere.value("SELECT count(*) FROM changes.moves") == 0 and elsewhere.value(expired) == 0
    assert elsewhere.query("""SELECT primary_key FROM changes.trail WHERE "table" = 'held' ORDER BY 1""") == [("1",), ("2",)]


def test_apply_refuses_a_copy_that_lacks_what_was_applied_since(trail, elsewhere, tmp_path, waltrail):
    source, destination, slot = trail
    dump(destination, tmp_path / "dump", "custom")
    end_of_copy = destination.value("SELECT end_lsn::text FROM changes.applied")
    source.execute("DELETE FROM counters WHERE id < 20")
    waltrail.apply_until_now(source, destination, slot)
    moved_to = source.value("SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = %s", [slot])
    destination.server.stop()
    restore(tmp_path / "dump", "custom", elsewhere)
    before = content(elsewhere)
    done = waltrail.apply_until_now(source, elsewhere, slot, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    for word in (end_of_copy, moved_to, "would be missing", "the destination was restored"):
        assert word in last, last
    assert content(elsewhere) == before


def test_a_copy_that_was_made_while_apply_ran_is_whole_batches(trail, elsewhere, tmp_path, waltrail):
    """A dump sees one snapshot: rows and progress belong together, and what is missing can be told."""
    source, destination, slot = trail
    process = waltrail.apply(source, destination, slot, "--batch-bytes", "1024")
    process.wait_for_output("streaming")
    with contextlib.closing(source.connect()) as connection, connection.cursor() as cursor:
        for number in range(100001, 100201):
            cursor.execute("INSERT INTO counters VALUES (%s, 0)", [number])
            if number == 100100:
                dump(destination, tmp_path / "dump", "custom")
    servers.wait_until(lambda: destination.value("SELECT count(*) FROM changes WHERE primary_key = '100200'") == 1, "the last change")
    assert process.stop() == 0
    destination.server.stop()
    restore(tmp_path / "dump", "custom", elsewhere)
    recorded = "SELECT sum(changes) = (SELECT count(*) FROM public.changes WHERE database <> 'other') FROM changes.applied"
    assert elsewhere.value(recorded)
    done = waltrail.apply_until_now(source, elsewhere, slot, check=False)
    assert done.returncode == 1 and "would be missing" in done.stderr.splitlines()[-1]


def test_a_trail_outlives_its_extension_and_init_takes_it_up_again(trail, waltrail):
    source, destination, slot = trail
    before = content(destination)
    destination.execute("DROP EXTENSION waltrail")
    with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState, match="append-only"):
        destination.execute("DELETE FROM public.changes")
    assert destination.value("SELECT count(*) FROM changes.changes") == before["changes.trail"][0][1]
    done = waltrail.apply_until_now(source, destination, slot, check=False)
    assert done.returncode == 1 and 'extension "waltrail" is missing' in done.stderr
    destination.psql("CREATE EXTENSION waltrail; SELECT changes.setup();")
    assert content(destination) == before
    source.execute("DELETE FROM counters WHERE id = 30")
    waltrail.apply_until_now(source, destination, slot)
    assert destination.value("SELECT count(*) FROM changes") == before["public.changes"][0][1] + 1
