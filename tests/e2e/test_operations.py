"""The commands of docs/operations.md do what it says, as they are written there."""

import contextlib
import json
import os
import pathlib
import re
import shlex
import subprocess

import psycopg2
import pytest

import servers
from mask_keys import KEY, make_key, mask
from waltrail_program import PROGRAM

OPERATIONS = pathlib.Path(__file__).resolve().parents[2] / "docs" / "operations.md"


def blocks(heading):
    """The indented blocks below a heading, in order."""
    [section] = [part for part in OPERATIONS.read_text().split("\n## ") if part.startswith(heading + "\n")]
    found = re.findall(r"(?:^    .*\n)(?:(?:    .*)?\n)*", section, re.MULTILINE)
    return [piece for block in found for piece in re.sub("^    ", "", block, flags=re.MULTILINE).strip().split("\n\n")]


def psql(database, script, folder):
    """Runs the script in a folder, where \\copy reads and writes."""
    done = subprocess.run(
        [servers.BINDIR / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database.conninfo()],
        input=script, capture_output=True, text=True, cwd=folder, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def shop(new_server, destination, waltrail):
    """A source as the document has it, which may be configured."""
    source = servers.Database(new_server("shop"), "postgres")
    source.execute("CREATE TABLE people (id int PRIMARY KEY, email text)")
    waltrail.init(source, destination, "waltrail", label="shop")
    return source


def test_mask_key(shop, destination, waltrail):
    make_file, settings = blocks("The mask key")
    environment = dict(os.environ, PATH=f"{servers.BINDIR}:{os.environ['PATH']}", PGHOST=str(shop.server.folder), PGUSER="postgres")
    if os.geteuid() != 0:
        make_file = make_file.replace("runuser -u postgres -- ", "").replace("chown postgres:", "true")
    subprocess.run(["bash", "-euc", make_file], env=environment, check=True, cwd="/")
    key = (shop.server.data / "mask.key").read_text().strip()
    shop.psql(settings)
    servers.wait_until(lambda: shop.psql("SHOW waltrail.mask_key_file", check=False).strip() == "mask.key", "the reload")
    shop.execute("INSERT INTO people VALUES (1, 'ada@example.com')")
    waltrail.apply_until_now(shop, destination, "waltrail")
    assert destination.value("SELECT after->>'email' FROM changes") == mask("ada@example.com", key)


def test_partitions_retention_and_holds(shop, destination, waltrail):
    shop.execute("INSERT INTO people VALUES (1, 'ada@example.com')")
    waltrail.apply_until_now(shop, destination, "waltrail")
    retention, _cron, holds, release, seal, waits = blocks("Partitions, retention, holds")
    for statement in retention.splitlines():
        destination.psql(statement)
        destination.execute("CALL changes.maintain()")
    assert destination.query("SELECT name, value FROM changes.settings ORDER BY name") == [
        ("partition_interval", "3 months"), ("retention", "7 years")]  # fmt: skip
    assert destination.psql(holds).split() == ["1", "2", "3"]
    assert len(destination.psql(release).splitlines()) == 4  # three in force, then one ends, with an empty answer
    assert destination.value("SELECT array_agg(id ORDER BY id) FROM changes.holds WHERE released_at IS NULL") == [2, 3]
    [moves] = re.findall(r"shows\nwhich: `(SELECT [^`]*)`", OPERATIONS.read_text())
    assert destination.query(moves) == []
    for statement in re.findall(r"`(SELECT \* FROM changes\.[^`]*)`", OPERATIONS.read_text()):
        destination.execute(statement)
    unsealed = destination.value("SELECT count(*) FROM changes.sealable_partitions()")
    destination.psql(seal)
    assert destination.value("SELECT count(*) FROM changes.seals") == unsealed > 0
    for statement in re.findall("^(?:BEGIN|INSERT|CALL).*", waits, re.MULTILINE):
        destination.psql(statement.replace(" \\watch 0.01", ";"))


def test_mask_is_computed_with_pgcrypto(shop):
    make_key(shop.server)
    shop.execute("CREATE EXTENSION pgcrypto")
    values = (OPERATIONS.parent / "values.md").read_text()
    [statement] = re.findall(r"^    (SELECT 'hmac-sha256:'.*)$", values, re.MULTILINE)
    assert shop.value(statement) == mask("ada@example.com", KEY)


def test_roles(shop, destination, waltrail):
    shop.execute("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1); INSERT INTO people VALUES (1, 'x')")
    grants, path = blocks("Roles")
    destination.psql(grants)
    destination.psql(path.replace("DATABASE trail", f'DATABASE "{destination.name}"'))
    try:
        waltrail.run("apply", "--source", shop.conninfo(), "--destination", destination.conninfo(user="waltrail_apply"), "--until", "now")
        for role, tables in (("auditor", ["orders", "people"]), ("billing", ["orders"])):
            with contextlib.closing(destination.connect(user=role)) as connection, connection.cursor() as cursor:
                cursor.execute('SELECT "table" FROM "changes" ORDER BY 1')
                assert [row[0] for row in cursor.fetchall()] == tables
        destination.execute("SELECT changes.revoke_all('billing')")
    finally:
        for role in ("waltrail_apply", "auditor", "billing"):
            destination.psql(f"DROP OWNED BY {role}; DROP ROLE {role};")


def test_erasing_a_persons_data(shop, destination, waltrail):
    shop.execute("ALTER TABLE people ADD COLUMN name text; CREATE TABLE visits (visitor text)")
    shop.execute("INSERT INTO people VALUES (41, 'bob@example.com', 'Bob'), (42, 'ada@example.com', 'Ada')")
    shop.execute("""SELECT pg_logical_emit_message(true, '_bemi', '{"user": {"email": "ada@example.com"}}'); INSERT INTO people VALUES (43)""")
    shop.execute("INSERT INTO visits VALUES ('ada@example.com'), ('ada@example.com'), ('bob@example.com')")
    shop.execute("UPDATE people SET email = NULL, name = NULL WHERE id = 42")
    waltrail.apply_until_now(shop, destination, "waltrail")
    # A change of hers, and one of another table, are past the retention and held.
    destination.execute("""
        SELECT changes.permit_changes();
        WITH gone AS (DELETE FROM public.changes WHERE position = (SELECT min(position) FROM public.changes WHERE "table" = 'visits')
                          OR primary_key = '42' AND operation = 'CREATE' RETURNING *)
        INSERT INTO changes.held SELECT * FROM gone""")
    columns, context, rows, officer = blocks("Erasing a person's data")
    for statements in (columns, context, rows):
        destination.psql(statements)
    [vacuum] = re.findall(r"`(VACUUM \(ANALYZE\)[^`]*)`", OPERATIONS.read_text())
    destination.execute(vacuum)
    assert destination.value("SELECT count(*) FROM changes.held") == 1
    assert destination.value("SELECT count(*) FROM pg_stat_user_tables WHERE relname = 'held' AND vacuum_count > 0") == 1
    everything = destination.query("SELECT c::text FROM changes.trail AS c") + destination.query("SELECT e::text FROM changes.erasures AS e")
    assert "Ada" not in str(everything) and "ada@" not in str(everything) and "Bob" in str(everything) and "bob@" in str(everything)
    statistics = destination.query("SELECT most_common_vals::text, histogram_bounds::text FROM pg_stats WHERE tablename LIKE 'changes%' OR tablename = 'held'")
    assert "ada@" not in str(statistics)
    assert destination.query("SELECT action, changes FROM changes.erasures ORDER BY id") == [("columns", 2), ("context", 1), ("rows", 2)]
    destination.execute("CREATE ROLE privacy_officer LOGIN")
    destination.psql(officer)
    with contextlib.closing(destination.connect(user="privacy_officer")) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT changes.erase('public', 'people', '41', 'r')")
        assert cursor.fetchall() == [(1,)]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT FROM public.changes")
    assert destination.query("SELECT erased_by FROM changes.erasures ORDER BY id DESC LIMIT 1") == [("privacy_officer",)]
    destination.psql("DROP OWNED BY privacy_officer; DROP ROLE privacy_officer;")


def test_another_version(shop, destination):
    [statements] = blocks("Another version")
    destination.psql(statements)


def test_dump_and_restore(shop, new_server, waltrail, tmp_path):
    server = new_server("trails")
    trail = server.create_database("trail")
    waltrail.init(shop, trail, "waltrail2", label="shop2")
    shop.execute("INSERT INTO people VALUES (1, 'x')")
    waltrail.apply_until_now(shop, trail, "waltrail2")
    environment = dict(os.environ, PATH=f"{servers.BINDIR}:{os.environ['PATH']}", PGHOST=str(server.folder), PGUSER="postgres")
    for commands in blocks("Dump and restore"):
        subprocess.run(["bash", "-euc", commands], env=environment, check=True, cwd=tmp_path, stderr=subprocess.DEVNULL)
    restored = servers.Database(server, "trail2")
    shop.execute("INSERT INTO people VALUES (2, 'y')")
    waltrail.apply_until_now(shop, restored, "waltrail2")
    assert restored.query("SELECT primary_key FROM changes ORDER BY position") == [("1",), ("2",)]


def test_quarantine(shop, destination, waltrail, tmp_path):
    destination.execute("ALTER TABLE public.changes ADD CONSTRAINT no_thirteen CHECK (primary_key <> '13')")
    shop.execute("INSERT INTO people SELECT i, 'x' || i FROM generate_series(11, 14) i")
    shop.execute(r"UPDATE people SET email = E'a \\ back\\slash, a \"quote\"' WHERE id = 13")
    waltrail.apply_until_now(shop, destination, "waltrail")
    look, copy, decode, write = blocks("Changes in quarantine")
    assert [line.split("|")[1:4] for line in psql(destination, look, tmp_path).splitlines()] == [
        ["people", "CREATE", "23514"], ["people", "UPDATE", "23514"]]  # fmt: skip
    psql(destination, copy, tmp_path)
    subprocess.run(["bash", "-euc", decode.replace("waltrail", PROGRAM, 1)], check=True, cwd=tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "refused.json").read_text().splitlines()]
    assert [line["operation"] for line in lines] == ["CREATE", "UPDATE"]
    destination.execute("ALTER TABLE public.changes DROP CONSTRAINT no_thirteen")
    psql(destination, write, tmp_path)
    assert destination.query("SELECT FROM changes.quarantine") == []
    written = destination.query("SELECT id::text, operation, before, after FROM changes WHERE primary_key = '13' ORDER BY position")
    assert written == [(line["id"], line["operation"], line["before"], line["after"]) for line in lines]
    done = waltrail.run("check", "--source", shop.conninfo(), "--destination", destination.conninfo())
    assert "no change is in quarantine" in done.stdout


def test_gap(shop, destination, waltrail):
    shop.execute("INSERT INTO people VALUES (1, 'a')")
    waltrail.apply_until_now(shop, destination, "waltrail")
    drop, init, note = blocks("A gap")
    ends = f"--source '{shop.conninfo()}' --destination '{destination.conninfo()}'"
    shop.execute("INSERT INTO people VALUES (2, 'missing')")
    shop.psql(drop)
    command = init.replace("waltrail", PROGRAM, 1).replace("--source … --destination …", ends)
    subprocess.run(["bash", "-euc", command], check=True, stdout=subprocess.DEVNULL)
    destination.psql(note)
    [(start, end)] = destination.query("SELECT start_lsn < end_lsn, end_lsn = changes.horizon('shop2') FROM changes.gaps")
    assert start and end
    shop.execute("INSERT INTO people VALUES (3, 'c')")
    waltrail.apply_until_now(shop, destination, "waltrail2")
    assert destination.query("SELECT \"database\", primary_key FROM changes ORDER BY position") == [("shop", "1"), ("shop2", "3")]


def test_retiring_a_source(shop, destination, waltrail):
    shop.execute("INSERT INTO people VALUES (1, 'a')")
    waltrail.apply_until_now(shop, destination, "waltrail")
    on_source, at_destination = blocks("Retiring a source")
    on_source = on_source.replace("host=db1 dbname=shop user=admin", shop.conninfo())
    waltrail.run(*shlex.split(on_source)[1:])
    assert shop.query("SELECT FROM pg_replication_slots") == [] == shop.query("SELECT FROM pg_event_trigger")
    destination.psql(at_destination)
    assert "no source" in waltrail.run("status", "--destination", destination.conninfo()).stdout
    assert destination.value("SELECT count(*) FROM changes") == 1
    waltrail.init(shop, destination, "waltrail", label="shop")


def test_which_conditions_on_marks_use_the_index(shop, destination, waltrail):
    """As docs/values.md says: only those that name a value, for the index knows values and not names."""
    destination.execute(
        'INSERT INTO public.changes ("database", "schema", "table", operation, context, committed_at, transaction_id, position) '
        "SELECT 'd', 's', 't', 'CREATE', CASE WHEN i % 1000 = 0 THEN "
        """'{"_waltrail": {"after": {"json_as_text": ["document"]}}}'::jsonb ELSE jsonb_build_object('request', i) END, """
        "now(), i, i FROM generate_series(1, 50000) i"
    )
    destination.execute("ANALYZE public.changes")
    text = (OPERATIONS.parent / "values.md").read_text()

    def plan(condition):
        assert condition in text
        rows = destination.query(f"EXPLAIN SELECT * FROM changes WHERE {condition}")
        return "\n".join(row[0] for row in rows)

    today = destination.value("SELECT format('changes_p%s', to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM_DD'))")
    assert f"Bitmap Heap Scan on {today}" in plan("""context @> '{"_waltrail": {"after": {"json_as_text": ["document"]}}}'""")
    assert f"Seq Scan on {today}" in plan("context->'_waltrail' ?| ARRAY['before', 'after', 'names_escaped']")
