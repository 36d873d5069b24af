"""Which tables `waltrail init --context-triggers` gives a trigger, now and later, and what is left when it fails."""

import signal
import subprocess

import pytest

import servers
from test_init_refuses import assert_one_line
from traced_source import CONTEXT, NOTED, objects, triggers
from waltrail_program import PROGRAM


def test_which_tables_get_it(traced):
    traced.source.psql("""
        CREATE TABLE plain (id integer);
        CREATE SCHEMA "Odd schema";
        CREATE TABLE "Odd schema"."O'dd ""table%" (id integer PRIMARY KEY);
        CREATE TABLE root (id integer) PARTITION BY LIST (id);
        CREATE TABLE inner_root PARTITION OF root FOR VALUES IN (1, 2) PARTITION BY LIST (id);
        CREATE TABLE leaf PARTITION OF inner_root FOR VALUES IN (1);
        CREATE UNLOGGED TABLE unlogged (id integer);
        CREATE VIEW seen AS SELECT * FROM plain;
        CREATE MATERIALIZED VIEW stored AS SELECT * FROM plain;
    """)
    done = traced.init()
    assert triggers(traced.source) == ['"Odd schema"."O\'dd ""table%"', "inner_root", "leaf", "plain", "root"]
    assert "context triggers made on 5 tables, 0 had them\n" in done.stdout
    traced.run(f'INSERT INTO "Odd schema"."O\'dd ""table%" VALUES (1) {NOTED}')
    assert traced.contexts() == [CONTEXT]


def test_partitioned_tables_above_a_chosen_partition_get_it(traced):
    traced.source.psql("""
        CREATE TABLE root (id integer PRIMARY KEY) PARTITION BY LIST (id);
        CREATE TABLE leaf PARTITION OF root FOR VALUES IN (1);
        CREATE TABLE other PARTITION OF root FOR VALUES IN (2);
    """)
    traced.init("--tables", "public.leaf")
    assert triggers(traced.source) == ["leaf", "root"]
    traced.run(f"INSERT INTO root VALUES (1) {NOTED}")
    assert traced.contexts() == [CONTEXT]


def test_unlogged_tables_above_logged_ones_get_it(traced):
    traced.source.psql("""
        DO $$ BEGIN  -- PostgreSQL 18 refuses the first
            CREATE UNLOGGED TABLE root (id integer PRIMARY KEY) PARTITION BY LIST (id);
        EXCEPTION WHEN feature_not_supported THEN
            CREATE TABLE root (id integer PRIMARY KEY) PARTITION BY LIST (id);
        END $$;
        CREATE TABLE leaf PARTITION OF root FOR VALUES IN (1);
        CREATE UNLOGGED TABLE passing PARTITION OF root FOR VALUES IN (2);
        CREATE UNLOGGED TABLE parent (id integer);
        CREATE TABLE child (PRIMARY KEY (id)) INHERITS (parent);
        INSERT INTO child VALUES (1);
    """)
    traced.init()
    assert triggers(traced.source) == ["child", "leaf", "parent", "root"]
    traced.run(f"INSERT INTO root VALUES (1), (2) {NOTED}", f"DELETE FROM parent {NOTED}")
    assert traced.contexts() == [CONTEXT, CONTEXT]


def test_tables_that_come_later_get_it(traced, role):
    traced.source.psql(f"CREATE TABLE root (id integer PRIMARY KEY) PARTITION BY LIST (id); GRANT CREATE ON SCHEMA public TO {role}")
    done = traced.init()
    assert "new tables get REPLICA IDENTITY FULL and a context trigger by event trigger" in done.stdout
    connection = traced.source.connect(user=role)
    with connection.cursor() as cursor:
        cursor.execute('CREATE TABLE "La ter" (id integer PRIMARY KEY)')
        cursor.execute("CREATE TABLE later_root (id integer PRIMARY KEY) PARTITION BY LIST (id)")
        cursor.execute("CREATE TABLE selected AS SELECT 1 AS id")
        cursor.execute("CREATE TEMPORARY TABLE passing (id integer)")
        cursor.execute(f'INSERT INTO "La ter" VALUES (1) {NOTED}')
    assert connection.notices == []
    connection.close()
    traced.source.psql("""
        CREATE TABLE leaf PARTITION OF root FOR VALUES IN (1);
        CREATE UNLOGGED TABLE unlogged (id integer);
        CREATE SCHEMA made CREATE TABLE inside (id integer);
    """)
    assert triggers(traced.source) == ['"La ter"', "later_root", "leaf", "made.inside", "root", "selected"]
    assert traced.rows()[-1] == ("La ter", "CREATE", "1", CONTEXT)


def test_attached_partitions_get_it(traced):
    traced.source.execute("CREATE TABLE root (id integer, region integer) PARTITION BY LIST (region)")
    traced.init("--tables", "public.root, public.own")
    traced.source.psql("""
        CREATE TABLE own (id integer, region integer);
        DROP TRIGGER waltrail_context ON own;
        CREATE TABLE apart (id integer, region integer) PARTITION BY LIST (id);
        CREATE TABLE leaf PARTITION OF apart FOR VALUES IN (1);
        ALTER TABLE root ATTACH PARTITION apart FOR VALUES IN (1);
        ALTER TABLE root ATTACH PARTITION own FOR VALUES IN (2);
    """)
    # Of `own`, which matched by its own name before, somebody has chosen that it has none.
    assert triggers(traced.source) == ["apart", "leaf", "root"]


def test_new_table_is_made_where_its_trigger_cannot_be(traced, role):
    traced.init()
    traced.source.psql(f"REVOKE USAGE ON SCHEMA waltrail FROM PUBLIC; GRANT CREATE ON SCHEMA public TO {role}")
    connection = traced.source.connect(user=role)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE theirs (id integer)")
    [notice] = connection.notices
    assert 'could not make the context trigger of table "public.theirs"' in notice
    connection.close()
    assert traced.source.value("SELECT relreplident FROM pg_class WHERE relname = 'theirs'") == "f"


def test_kept_replica_identity(traced):
    traced.source.execute("CREATE TABLE plain (id integer PRIMARY KEY)")
    done = traced.init("--keep-replica-identity")
    assert "new tables get a context trigger by event trigger" in done.stdout
    traced.source.execute("CREATE TABLE later (id integer PRIMARY KEY)")
    assert triggers(traced.source) == ["later", "plain"]
    assert traced.source.query("SELECT DISTINCT relreplident FROM pg_class WHERE relname IN ('plain', 'later')") == [("d",)]


def test_second_run_follows_other_patterns(traced, waltrail):
    for table in ("a", "b"):
        traced.source.execute(f"CREATE TABLE {table} (id integer)")
    traced.init("--tables", "public.a")
    assert triggers(traced.source) == ["a"]
    again = [traced.source, traced.destination, traced.slot, "--context-triggers"]
    done = waltrail.init(*again, "--tables", "public.b")
    assert triggers(traced.source) == ["b"]
    assert "context triggers made on 1 table, 0 had them, taken from 1 other" in done.stdout
    assert "made on 0 tables, 1 had them\n" in waltrail.init(*again, "--tables", "public.b").stdout
    # Another slot's tables keep theirs.
    waltrail.init(traced.source, traced.destination, f"{traced.slot}_2", "--context-triggers", "--tables", "public.a", label="2")
    assert triggers(traced.source) == ["a", "b"]


def test_init_without_the_option_makes_none(source, destination, slot, waltrail):
    source.execute("CREATE TABLE plain (id integer)")
    waltrail.init(source, destination, slot)
    source.execute("CREATE TABLE later (id integer)")
    assert triggers(source) == []


def test_tables_that_cannot_be_done_are_named(traced):
    traced.source.psql("""
        CREATE TABLE busy (id integer);
        CREATE TABLE idle (id integer);
        CREATE TABLE taken (id integer);
        CREATE FUNCTION other() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
        CREATE TRIGGER waltrail_context BEFORE INSERT ON taken FOR EACH ROW EXECUTE FUNCTION other();
    """)
    holder = traced.source.connect(autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute("LOCK TABLE busy IN ROW EXCLUSIVE MODE")
    done = traced.init("--keep-replica-identity")
    holder.close()
    assert triggers(traced.source) == ["idle", "taken"]
    taken, busy = done.stderr.splitlines()
    assert "context trigger of table public.taken" in taken and "already exists" in taken
    assert busy == "waltrail: warning: could not lock table public.busy: its context trigger is left as it is; run init again"
    traced.waltrail.init(traced.source, traced.destination, traced.slot, "--context-triggers")
    assert triggers(traced.source) == ["busy", "idle", "taken"]
    traced.run(f"INSERT INTO taken VALUES (1) {NOTED}")
    assert traced.contexts() == [{}]  # the other's trigger is not replaced


def test_preloaded_library_makes_them_needless(new_server, destination, slot, waltrail):
    source = servers.Database(new_server("source", shared_preload_libraries="waltrail"), "postgres")
    done = waltrail.init(source, destination, slot, "--context-triggers")
    assert "they are not needed there: waltrail is in shared_preload_libraries" in done.stdout


def test_slot_cannot_have_the_functions_name(source, destination, waltrail):
    assert_one_line(waltrail.init(source, destination, "context_trigger", check=False), ["--slot", "choose another"])


def test_check_names_tables_without_one(pair, check, waltrail):
    source, destination, slot = pair
    assert check().of_check("context_triggers") == []
    waltrail.init(source, destination, slot, "--context-triggers")
    assert check().of_check("context_triggers") == []
    source.psql("""
        CREATE TABLE root (id integer PRIMARY KEY) PARTITION BY LIST (id);
        CREATE TABLE leaf PARTITION OF root FOR VALUES IN (1);
        DROP TRIGGER waltrail_context ON root;
        DROP TRIGGER waltrail_context ON counters;
    """)
    finding = check().only("context_triggers", "warning", "init --context-triggers")
    assert finding["what"].endswith(': 2 ("public.counters", "public.root")')
    assert check("--exclude-tables", "public.root").only("context_triggers", "warning")["what"].endswith(': 1 ("public.counters")')


# -- taken back --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("earlier", ["none", "without triggers", "other affix and tables"])
def test_failed_init_leaves_things_as_they_were(source, destination, fresh_destination, slot, waltrail, earlier):
    source.execute("CREATE TABLE a (id integer PRIMARY KEY)")
    source.execute("CREATE TABLE b_locked (id integer PRIMARY KEY)")
    ends = (source, fresh_destination, slot)
    if earlier == "without triggers":
        waltrail.init(*ends)
    elif earlier != "none":
        waltrail.init(*ends, "--context-triggers", "--comment-affix", "Earlier", "--tables", "public.b*")
    before = objects(source)
    holder = source.connect(autocommit=False)
    with holder.cursor() as cursor:
        cursor.execute("LOCK TABLE b_locked IN ROW EXCLUSIVE MODE")
    process = subprocess.Popen(
        [PROGRAM, "init", "--source", source.conninfo(), "--destination", fresh_destination.conninfo(), "--slot", slot,
         "--context-triggers", "--tables", "public.a, public.x*" if earlier.startswith("other") else "*.*"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/", preexec_fn=servers.die_with_parent(signal.SIGKILL),
    )  # fmt: skip
    servers.wait_until(lambda: "a" in triggers(source), "the first context trigger")
    assert objects(source) != before
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    holder.close()
    assert process.returncode == 1 and "interrupted by a signal" in errors and "left behind" not in errors, errors
    assert objects(source) == before
