"""`waltrail init --context-triggers`: the context of the client's statement, on a server where nothing is preloaded."""

import io
import json
import subprocess

import psycopg2
import pytest

import servers
from test_init_refuses import assert_one_line
from traced_source import CONTEXT, NOTED, OTHER, TracedSource, comment

EMIT = f"pg_logical_emit_message(boolean, text, text{', boolean' if int(servers.major_of(servers.BINDIR)) >= 17 else ''})"


@pytest.fixture
def items(traced):
    """Prepared, with a table `items` that has three rows."""
    traced.source.execute("CREATE TABLE items (id integer PRIMARY KEY, note text)")
    traced.source.execute("INSERT INTO items VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    traced.init()
    return traced


# -- statements --------------------------------------------------------------------------------------------------------

STATEMENTS = {
    "insert": ("INSERT INTO items VALUES (4, 'd')", [("items", "CREATE", "4")]),
    "update": ("UPDATE items SET note = 'x' WHERE id < 3", [("items", "UPDATE", "1"), ("items", "UPDATE", "2")]),
    "delete": ("DELETE FROM items WHERE id = 3", [("items", "DELETE", "3")]),
    "truncate": ("TRUNCATE items", [("items", "TRUNCATE", None)]),
    "conflict": (
        "INSERT INTO items VALUES (1, 'x'), (5, 'e') ON CONFLICT (id) DO UPDATE SET note = 'x'",
        [("items", "UPDATE", "1"), ("items", "CREATE", "5")],
    ),
    "merge": (
        "MERGE INTO items USING (VALUES (1, 'x'), (6, 'f')) AS new (id, note) ON items.id = new.id "
        "WHEN MATCHED THEN UPDATE SET note = new.note WHEN NOT MATCHED THEN INSERT VALUES (new.id, new.note)",
        [("items", "UPDATE", "1"), ("items", "CREATE", "6")],
    ),
    "cte": (
        "WITH gone AS (DELETE FROM items WHERE id = 2 RETURNING note) SELECT * FROM gone",
        [("items", "DELETE", "2")],
    ),
    "function": ("SELECT write_item(7)", [("items", "CREATE", "7")]),
    "procedure": ("CALL write_items(8)", [("items", "CREATE", "8"), ("items", "CREATE", "9")]),
    "caught": ("SELECT write_and_fail(10)", [("items", "CREATE", "10")]),
    "do": ("DO $$ BEGIN INSERT INTO items VALUES (11, 'k'); END $$", [("items", "CREATE", "11")]),
    "view": ("UPDATE seen_items SET note = 'x' WHERE id = 1", [("items", "UPDATE", "1")]),
    "cascade": ("DELETE FROM parents WHERE id = 1", [("parents", "DELETE", "1"), ("children", "DELETE", "1")]),
    "truncate cascade": ("TRUNCATE parents CASCADE", [("children", "TRUNCATE", None), ("parents", "TRUNCATE", None)]),
    "root": ("INSERT INTO parted VALUES (1), (11)", [("parted", "CREATE", "1"), ("parted", "CREATE", "11")]),
    "leaf": ("DELETE FROM parted_low WHERE id = 5", [("parted", "DELETE", "5")]),
    "moving row": ("UPDATE parted SET id = 15 WHERE id = 5", [("parted", "DELETE", "5"), ("parted", "CREATE", "15")]),
    "trigger": ("INSERT INTO noisy VALUES (1)", [("items", "CREATE", "101"), ("noisy", "CREATE", "1")]),
}  # fmt: skip


@pytest.fixture
def shop(traced):
    traced.source.psql("""
        CREATE TABLE items (id integer PRIMARY KEY, note text);
        INSERT INTO items VALUES (1, 'a'), (2, 'b'), (3, 'c');
        CREATE VIEW seen_items AS SELECT * FROM items;
        CREATE FUNCTION write_item(id integer) RETURNS void LANGUAGE sql AS 'INSERT INTO items VALUES (id, NULL)';
        CREATE PROCEDURE write_items(id integer) LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO items VALUES (id, NULL);
            COMMIT;
            INSERT INTO items VALUES (id + 1, NULL);
        END $$;
        CREATE FUNCTION write_and_fail(id integer) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
            BEGIN
                INSERT INTO items VALUES (id, 'never');
                RAISE division_by_zero;
            EXCEPTION WHEN division_by_zero THEN
                INSERT INTO items VALUES (id, 'kept');
            END;
        END $$;
        CREATE TABLE parents (id integer PRIMARY KEY);
        CREATE TABLE children (id integer PRIMARY KEY, parent integer REFERENCES parents ON DELETE CASCADE);
        INSERT INTO parents VALUES (1), (2);
        INSERT INTO children VALUES (1, 1), (2, 2);
        CREATE TABLE parted (id integer PRIMARY KEY) PARTITION BY RANGE (id);
        CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10);
        CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (10) TO (20);
        INSERT INTO parted VALUES (5);
        CREATE TABLE noisy (id integer PRIMARY KEY);
        CREATE FUNCTION be_noisy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO items VALUES (NEW.id + 100, NULL);
            RETURN NEW;
        END $$;
        CREATE TRIGGER noise BEFORE INSERT ON noisy FOR EACH ROW EXECUTE FUNCTION be_noisy();
    """)
    traced.init()
    return traced


@pytest.mark.parametrize("name", STATEMENTS)
def test_statement_carries_its_comment(shop, name):
    statement, expected = STATEMENTS[name]
    texts = {f"{NOTED} {statement}": CONTEXT, f"{statement} {NOTED}": CONTEXT, f"{statement}; {comment(OTHER)};": OTHER, statement: {}}
    for text, context in texts.items():
        shop.run(text)
        assert sorted(shop.rows(), key=str) == sorted([(*row, context) for row in expected], key=str), text
        # As it was for the next one.
        shop.source.psql("""
            TRUNCATE items, parents, children, parted, noisy;
            INSERT INTO items VALUES (1, 'a'), (2, 'b'), (3, 'c');
            INSERT INTO parents VALUES (1), (2);
            INSERT INTO children VALUES (1, 1), (2, 2);
            INSERT INTO parted VALUES (5);
        """)
        assert not any(shop.contexts())


def test_copy_carries_its_comment(items):
    connection = items.source.connect()
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY items FROM STDIN {NOTED}", io.StringIO("4\td\n5\te\n"))
        cursor.copy_expert(f"{comment(OTHER)} COPY items (id) FROM STDIN", io.StringIO("6\n"))
    connection.close()
    assert items.rows() == [("items", "CREATE", "4", CONTEXT), ("items", "CREATE", "5", CONTEXT), ("items", "CREATE", "6", OTHER)]


def test_extended_protocol_carries_the_comment(items):
    """pgbench prepares each statement (PQsendPrepare) or only parses it (PQsendQueryParams)."""
    script = f"{NOTED} UPDATE items SET note = 'x' WHERE id = 1;\nINSERT INTO items VALUES (:client_id + 4) {comment(OTHER)};\n"
    for number, mode in enumerate(("extended", "prepared")):
        done = subprocess.run(
            [servers.BINDIR / "pgbench", "-n", "-t", "1", "-M", mode, "-f", "/dev/stdin", items.source.conninfo()],
            input=script.replace(":client_id", str(number)), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert items.rows() == [("items", "UPDATE", "1", CONTEXT), ("items", "CREATE", str(4 + number), OTHER)]


def test_execute_carries_its_own_comment(items):
    items.run(f"PREPARE add AS INSERT INTO items VALUES ($1) {NOTED}", f"EXECUTE add (4) {comment(OTHER)}", "EXECUTE add (5)")
    assert items.contexts() == [OTHER, {}]


# -- comments ----------------------------------------------------------------------------------------------------------

UPDATE = "UPDATE items SET note = 'x' WHERE id = 1"
COUNTING = {
    "white space": f"\n \t{NOTED}\n{UPDATE}",
    "line comment before": f"-- it's said\n--\n{NOTED} {UPDATE}",
    "comment before": f"/* it's * said **/ /**/ -- so\n{NOTED}{UPDATE}",
    "comment behind it": f"{NOTED} /* other */ {UPDATE} -- end",
    "behind the semicolon": f"{UPDATE}; {NOTED}",
    "before the semicolon": f"{UPDATE} {NOTED} ; ;\n",
    "among others at the end": f"{UPDATE} /* it's before */ {NOTED} /*traceparent='00-1'*/ ; /**/",
    "both": f"{NOTED} {UPDATE} {comment(OTHER)}",
    "other affix first": f"{comment(OTHER, 'Bemix')} {UPDATE} {NOTED}",
    "not ours at the start": f"/*Bemi is used here*/ {UPDATE} {NOTED}",
    "no blanks at its ends": f"{UPDATE} {NOTED.replace('} Bemi', '}Bemi')}",
    "over lines": f"{UPDATE} /*Bemi\n{json.dumps(CONTEXT, indent=1)}\nBemi*/",
}
NOT_COUNTING = {
    "literal": f"UPDATE items SET note = '{comment(OTHER)}' WHERE id = 1",
    "escape literal": f"UPDATE items SET note = E'\\'{comment(OTHER)}' WHERE id = 1",
    "literal at the end": f"UPDATE items SET note = 'x' WHERE id = 1 AND note <> '{comment(OTHER)}'",
    "dollar quotes": f"DO $${comment(OTHER)} BEGIN {UPDATE}; END {comment(OTHER)}$$",
    "identifier": f"UPDATE items SET note = 'x' WHERE id = 1 RETURNING 1 AS \"{comment('{}')}\"",
    "in the middle": f"UPDATE items {comment(OTHER)} SET note = 'x' WHERE id = 1",
    "from a literal into a comment": f"UPDATE items SET note = '/*Bemi {{' WHERE id = 1 /*}} Bemi*/",
    "over the end of a comment": f"/*Bemi {{*/ UPDATE items SET note = 'x' WHERE id = 1 /*}} Bemi*/",
    "inside a comment": f"/* so: {comment(OTHER)} */ {UPDATE} /* so: {comment(OTHER)} */",
    "wrong affix": f"{comment(OTHER, 'bemi')} {UPDATE} {comment(OTHER, 'Bemix')} {comment(OTHER, 'xBemi')}",
    "empty": f"/*Bemi Bemi*/ {UPDATE} /*Bemi  Bemi*/",
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTING)
def test_comment_counts(items, name):
    items.run(COUNTING[name])
    assert items.contexts() == [CONTEXT]


@pytest.mark.parametrize("name", NOT_COUNTING)
def test_comment_does_not_count(items, name):
    items.run(NOT_COUNTING[name])
    assert items.contexts() == [{}]


def test_what_a_trigger_cannot_know(items):
    """As docs/context.md says it."""
    several = f"{UPDATE}; INSERT INTO items VALUES (4)"
    items.run(f"{several} {NOTED}")
    assert items.contexts() == [CONTEXT, CONTEXT]
    items.run(f"{UPDATE} {NOTED}; DELETE FROM items WHERE id = 4")
    assert items.contexts() == [{}, {}]
    items.run(f"{UPDATE} -- {NOTED}")
    assert items.contexts() == [CONTEXT]
    items.run("BEGIN", f"{UPDATE} {NOTED}", f"CREATE TABLE made AS SELECT 1 AS id {comment(OTHER)}", "COMMIT")
    assert items.contexts() == [CONTEXT, CONTEXT]


def test_deferred_trigger_has_the_context_of_the_commit(items):
    items.source.psql("""
        CREATE TABLE late (id integer PRIMARY KEY);
        CREATE FUNCTION write_late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO late VALUES (1);
            RETURN NEW;
        END $$;
        CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON items DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION write_late();
    """)
    items.run("BEGIN", f"{UPDATE} {NOTED}", f"COMMIT {comment(OTHER)}")
    assert items.rows() == [("items", "UPDATE", "1", CONTEXT), ("late", "CREATE", "1", OTHER)]


def test_content_with_comments_inside(items):
    """`*/` travels escaped by the client, or paired as SQL nests comments; a content that is no JSON is kept as it is."""
    nested = {"sql": "/* a */ SELECT /* b */ 1", "escaped": "*/ and /*"}
    text = json.dumps(nested).replace("*/ and", "*\\/ and").replace("and /*", "and /\\u002a")
    items.run(f"{UPDATE} {comment(text)}", f"{comment(text)} {UPDATE}", f"{UPDATE} {comment('no JSON')}")
    assert items.contexts() == [nested, nested, {"_raw": "no JSON"}]


def test_affix_can_be_chosen_and_changed(traced):
    traced.source.execute("CREATE TABLE items (id integer PRIMARY KEY, note text)")
    traced.init("--comment-affix", "My_app2")
    insert = "INSERT INTO items VALUES (DEFAULT, DEFAULT)".replace("DEFAULT, DEFAULT", "{}")
    traced.run(insert.format(1) + comment(CONTEXT, "My_app2"), insert.format(2) + NOTED)
    assert traced.contexts() == [CONTEXT, {}]
    traced.waltrail.init(traced.source, traced.destination, traced.slot, "--context-triggers")
    traced.run(insert.format(3) + comment(CONTEXT, "My_app2"), insert.format(4) + NOTED)
    assert traced.contexts() == [{}, CONTEXT]


@pytest.mark.parametrize("affix", ["", "a b", "é", "x*/", "x" * 64])
def test_affix_that_cannot_be_is_refused(source, destination, slot, waltrail, affix):
    done = waltrail.init(source, destination, slot, "--context-triggers", "--comment-affix", affix, check=False)
    assert_one_line(done, ["--comment-affix"], status=done.returncode or 1)
    assert source.query("SELECT 1 FROM pg_replication_slots WHERE slot_name = %s", [slot]) == []


def test_context_up_to_one_megabyte(items):
    limit = 1 << 20
    largest = json.dumps({"a": "é" * 1000, "b": ""}, ensure_ascii=False)
    largest = largest.replace('"b": "', '"b": "' + "x" * (limit - len(largest.encode())))
    assert len(largest.encode()) == limit
    larger = largest.replace('"b": "', '"b": "x')
    for place in ("{0} {1}", "{1} {0}"):
        assert items.run(place.format(comment(largest), UPDATE)) == []
        assert [len(context["b"]) for context in items.contexts()] == [largest.count("x")]
        for text in (larger, larger.replace('"b": "', '"b": "' + "x" * (3 << 20))):
            [notice] = items.run(place.format(comment(text), UPDATE))
            assert "WARNING" in notice and "skipped" in notice
            assert items.contexts() == [{}]
    [notice] = items.run(f"SET waltrail.context = '{larger}'", UPDATE)
    assert f"context of {limit + 1} bytes is skipped" in notice
    assert items.contexts() == [{}]


def test_long_statements_are_not_slowed_or_failed(items):
    """trim() and regular expressions need many times their text's size, and fail above 1 GB of it."""
    text = "x" * (150 << 20)
    items.run(f"{NOTED} UPDATE items SET note = left('{text}', 3) WHERE id = 1", f"UPDATE items SET note = left('{text}', 4) WHERE id = 1 {NOTED}")
    assert items.contexts() == [CONTEXT, CONTEXT]


# -- transactions ------------------------------------------------------------------------------------------------------


def test_one_message_a_statement_and_none_for_the_same_context(items):
    items.run(f"INSERT INTO items SELECT generate_series(4, 10003) {NOTED}")
    assert items.messages() == [json.dumps(CONTEXT)]
    items.run("BEGIN", f"{NOTED} UPDATE items SET note = 'x'", f"{NOTED} DELETE FROM items WHERE id > 5000", f"DELETE FROM items {NOTED}", "COMMIT")
    assert items.messages() == [json.dumps(CONTEXT)]
    contexts = items.contexts()
    assert len(contexts) == 10000 + 10003 + 10003 and all(context == CONTEXT for context in contexts)


def test_nothing_is_emitted_without_a_context(items):
    items.run(UPDATE, "BEGIN", UPDATE, f"SELECT 1 {NOTED}", "DELETE FROM items", "COMMIT")
    assert items.messages() == []
    # Nor does a statement without a context take a transaction id that it would not need.
    connection = items.source.connect(autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE items SET note = 'x' WHERE false")
        cursor.execute("SELECT pg_current_xact_id_if_assigned()")
        assert cursor.fetchall() == [(None,)]
    connection.close()


def test_comment_ends_with_its_statement(items):
    items.run("BEGIN", f"{UPDATE} {NOTED}", UPDATE, UPDATE, f"{UPDATE} {comment(OTHER)}", f"{UPDATE} {NOTED}", "COMMIT", UPDATE)
    assert items.contexts() == [CONTEXT, {}, {}, OTHER, CONTEXT, {}]
    assert items.messages() == [json.dumps(CONTEXT), "", json.dumps(OTHER), json.dumps(CONTEXT)]


def test_savepoints(items):
    items.run(
        "BEGIN", "SAVEPOINT s", f"{UPDATE} {NOTED}", "ROLLBACK TO s", f"{UPDATE} {NOTED}",
        "SAVEPOINT t", f"{UPDATE} {comment(OTHER)}", "ROLLBACK TO t", f"{UPDATE} {NOTED}",
        "SAVEPOINT u", f"{UPDATE} {comment(OTHER)}", "RELEASE u", f"{UPDATE} {comment(OTHER)}",
        "SAVEPOINT v", UPDATE, "ROLLBACK TO v", UPDATE, "COMMIT",
    )  # fmt: skip
    assert items.contexts() == [CONTEXT, CONTEXT, OTHER, OTHER, {}]
    assert items.messages() == [json.dumps(CONTEXT), json.dumps(OTHER), ""]


def test_function_with_settings_of_its_own(items):
    """They end with it; what the triggers remember does not."""
    items.source.execute(f"CREATE FUNCTION write() RETURNS void LANGUAGE plpgsql SET work_mem = '1MB' AS $$ BEGIN {UPDATE}; END $$")
    items.run("BEGIN", f"SELECT write() {NOTED}", f"{UPDATE} {NOTED}", UPDATE, "COMMIT")
    assert items.contexts() == [CONTEXT, CONTEXT, {}]
    assert items.messages() == [json.dumps(CONTEXT), ""]


def test_first_context_rolled_back_leaves_nothing_to_end(items):
    items.run("BEGIN", "SAVEPOINT s", f"{UPDATE} {NOTED}", "ROLLBACK TO s", UPDATE, "COMMIT")
    assert (items.contexts(), items.messages()) == ([{}], [])


def test_prepared_transaction(items):
    items.run("BEGIN", f"{UPDATE} {NOTED}", "PREPARE TRANSACTION 'p'", f"INSERT INTO items VALUES (4) {NOTED}", "COMMIT PREPARED 'p'")
    assert sorted(items.rows()) == [("items", "CREATE", "4", CONTEXT), ("items", "UPDATE", "1", CONTEXT)]


def test_setting_where_there_is_no_comment(items):
    setting = f"SET LOCAL waltrail.context = '{json.dumps(OTHER)}'"
    items.run("BEGIN", UPDATE, setting, UPDATE, f"{UPDATE} {NOTED}", UPDATE, "SET LOCAL waltrail.context = ''", UPDATE, "COMMIT", UPDATE)
    assert items.contexts() == [{}, OTHER, CONTEXT, OTHER, {}, {}]
    items.run("BEGIN", setting, UPDATE, "COMMIT", UPDATE)
    assert items.contexts() == [OTHER, {}]


def test_message_of_the_applications_own_goes_on(items):
    own = "SELECT pg_logical_emit_message(true, '_bemi', '{\"own\": 1}')"
    items.run("BEGIN", own, UPDATE, UPDATE, f"{UPDATE} {NOTED}", UPDATE, own, UPDATE, "COMMIT")
    assert items.contexts() == [{"own": 1}, {"own": 1}, CONTEXT, {}, {"own": 1}]


def test_rows_of_a_subscription_are_written_without_triggers(items):
    items.run("SET session_replication_role = replica", f"{UPDATE} {NOTED}")
    assert (items.contexts(), items.messages()) == ([{}], [])


# -- roles and settings ------------------------------------------------------------------------------------------------


def test_role_without_rights_and_with_odd_settings(items, role):
    items.source.psql(f"""
        REVOKE EXECUTE ON FUNCTION {EMIT} FROM PUBLIC;
        GRANT ALL ON items TO {role};
        CREATE SCHEMA trap;
        GRANT USAGE ON SCHEMA trap TO {role};
        CREATE FUNCTION trap.strpos(text, text) RETURNS integer LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END';
        CREATE FUNCTION trap.no(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT false';
        CREATE OPERATOR trap.= (FUNCTION = trap.no, LEFTARG = text, RIGHTARG = text);
    """)
    connection = items.source.connect(user=role)
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = trap, public, pg_catalog; SET standard_conforming_strings = off; SET quote_all_identifiers = on; SET plpgsql.extra_errors = 'all'")
        cursor.execute(f"UPDATE public.items SET note = 'x' WHERE id = 1 {NOTED}")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("SELECT pg_logical_emit_message(true, 'waltrail', '{}')")
    assert connection.notices == []
    connection.close()
    assert items.contexts() == [CONTEXT]


def test_statement_goes_on_where_the_message_may_not_be_emitted(traced, role):
    """The functions' owner has lost the right."""
    traced.source.psql(f"CREATE TABLE items (id integer PRIMARY KEY); ALTER ROLE {role} REPLICATION; ALTER TABLE items OWNER TO {role}")
    traced.source.execute(f"GRANT CREATE ON DATABASE {traced.source.name} TO {role}")
    try:
        done = traced.waltrail.run(
            "init", "--source", traced.source.conninfo(user=role), "--destination", traced.destination.conninfo(),
            "--slot", traced.slot, "--context-triggers",
        )  # fmt: skip
        traced.destination.execute("SELECT changes.grant_writer(%s)", [servers.DESTINATION_ROLE])
        assert "context triggers made on 1 table" in done.stdout
        assert "a context trigger, or another run of init: only a superuser" in done.stdout
        traced.run(f"INSERT INTO items VALUES (1) {NOTED}")
        traced.source.execute(f"REVOKE EXECUTE ON FUNCTION {EMIT} FROM PUBLIC")
        [notice] = traced.run(f"INSERT INTO items VALUES (2) {NOTED}")
        assert "WARNING:  context is skipped" in notice
        assert traced.contexts() == [CONTEXT, {}]
        done = traced.waltrail.run(
            "init", "--source", traced.source.conninfo(user=role), "--destination", traced.destination.conninfo(),
            "--slot", traced.slot, "--context-triggers", check=False,
        )  # fmt: skip
        assert_one_line(done, ["may not execute pg_logical_emit_message()", "GRANT EXECUTE"])
    finally:
        traced.source.execute("SELECT pg_drop_replication_slot(%s)", [traced.slot])
        traced.source.execute(f"DROP OWNED BY {role} CASCADE")


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_other_encodings(source_server, destination, slot, waltrail, encoding):
    source = source_server.create_database(f"{slot}_{encoding}".lower(), encoding)
    try:
        source.psql('\\encoding UTF8\nCREATE TABLE "é" (id integer PRIMARY KEY)')
        traced = TracedSource(source, destination, slot, waltrail)
        traced.init()
        source.psql(f'\\encoding UTF8\nINSERT INTO "é" VALUES (1) {comment(json.dumps({"who": "é"}, ensure_ascii=False))};')
        assert traced.contexts() == [{"who": "é"}]
    finally:
        source.drop()
