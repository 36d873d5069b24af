"""Sources whose databases are not UTF-8: text, names, labels and contexts arrive as what they mean, and bytes that mean
nothing are kept and marked."""

import pytest

# Three words of each encoding, one of them with what few programs know of it.
WORDS = {
    "LATIN1": ("größe", "Ærø ÿ½", "straße"),
    "LATIN9": ("€", "Œuvre Š", "prix€"),
    "WIN1251": ("Привет", "Ёж №5 «—»", "цена€"),
    "KOI8R": ("таблица", "ё├╬█", "ключ"),
    "EUC_JP": ("東京", "ﾃﾞｰﾀ 丂侅", "値段"),
    "EUC_KR": ("서울", "값 ①", "가격"),
}

SCRIPT = """
    SET client_encoding = 'UTF8';
    CREATE SCHEMA "{a}";
    CREATE TYPE "{a}"."{b}" AS ENUM ('{a}', '{b}', '{c}');
    CREATE TYPE "{a}"."{c}" AS ("{a}" text, "{b}" "{a}"."{b}"[], "{c}" integer);
    CREATE DOMAIN "{a}"."{a}" AS text CHECK (value <> '');
    CREATE TABLE "{a}"."{c}s" (
        "{b}" text, "{a}" varchar(20), "{c}" "{a}"."{a}", padded char(12), label "{a}"."{b}", labels "{a}"."{b}"[], pair "{a}"."{c}",
        pairs "{a}"."{c}"[], doc jsonb, js json, x xml, words tsvector, n name, long text, outside text, inet inet, bytes bytea,
        PRIMARY KEY (label, "{b}"));
    ALTER TABLE "{a}"."{c}s" ALTER outside SET STORAGE EXTERNAL;
    BEGIN;
    SELECT pg_logical_emit_message(true, 'waltrail', '{{"{a}": ["{b}"]}}');
    INSERT INTO "{a}"."{c}s" VALUES (
        '{b}', '{a}', '{c}', '{b}', '{b}', '{{"{a}",NULL,"{c}"}}', ROW('{c}', '{{"{b}"}}', 7),
        ARRAY[ROW('{a} "\\', NULL, NULL)::"{a}"."{c}", NULL], '{{"{a}": {{"{b}": "{c}"}}}}', '{{"{c}": "{b}"}}', '<{c}>{b}</{c}>',
        '''{a}'':1A ''{b}''', '{c}', repeat('x{a}{b}{c}', 60000), '+' || repeat('{b}{c}', 20000), '::1', convert_to('{a}', 'UTF8'));
    SELECT pg_logical_emit_message(true, 'waltrail', '{b} {c}');
    UPDATE "{a}"."{c}s" SET "{a}" = upper("{a}"), pair."{a}" = '{b}';
    COMMIT;
    UPDATE "{a}"."{c}s" SET "{b}" = '{c}', label = '{c}';
    BEGIN;
    UPDATE "{a}"."{c}s" SET "{a}" = 'as it was';
    ALTER TYPE "{a}"."{b}" RENAME VALUE '{c}' TO '{b}{a}';
    ALTER TYPE "{a}"."{c}" RENAME ATTRIBUTE "{a}" TO "{a}{b}";
    ALTER TABLE "{a}"."{c}s" RENAME "{c}" TO "{c}{a}";
    ALTER TABLE "{a}"."{c}s" RENAME TO "{b}{b}";
    ALTER SCHEMA "{a}" RENAME TO "{c}";
    UPDATE "{c}"."{b}{b}" SET "{a}" = 'renamed';
    COMMIT;
    CREATE TABLE "{c}"."{b}{c}" (id integer, "{a}" text) PARTITION BY LIST ("{a}");
    CREATE TABLE "{c}"."{c}{b}" PARTITION OF "{c}"."{b}{c}" FOR VALUES IN ('{b}');
    INSERT INTO "{c}"."{b}{c}" VALUES (1, '{b}');
    DELETE FROM "{c}"."{b}{b}";
"""


@pytest.fixture
def source(source_server, waltrail, request, slot):
    database = source_server.create_database(f"source_{slot}", request.param)
    yield database
    waltrail.close()
    database.drop()


@pytest.mark.parametrize("source, words", WORDS.items(), ids=WORDS, indirect=["source"])
def test_a_source_in_another_encoding_arrives_as_utf8(audited, words):
    a, b, c = words
    audited.run(SCRIPT.format(a=a, b=b, c=c))
    audited.assert_followed()
    contexts = [context for (context,) in audited.trail("context")]
    assert contexts[:3] == [{a: [b]}, {"_raw": f"{b} {c}"}, {}]
    assert audited.destination.query("SELECT sum(marked) FROM changes.applied") == [(0,)]
    shapes = audited.destination.query('SELECT DISTINCT schema, "table", leaf_table FROM changes.relations')
    assert sorted(shapes) == sorted([(a, f"{c}s", f"{c}s"), (c, b + b, b + b), (c, b + c, c + b)])


# {n} stands for a byte that is no UTF-8, which psql could not pass on: format() puts it into the names.
ODD_NAMES = r"""
    DO $$
    DECLARE
        n text := E'\xe9';
        script text := $script$
            CREATE SCHEMA "s{n}";
            CREATE TYPE "s{n}".label AS ENUM ('l{n}', 'plain');
            CREATE TYPE "s{n}".pair AS ("f{n}" text, plain text);
            CREATE TABLE "s{n}"."t{n}" (id integer, "c{n}" text, label "s{n}".label, pairs "s{n}".pair[], PRIMARY KEY (id, "c{n}"))
                PARTITION BY LIST (id);
            CREATE TABLE "s{n}"."leaf{n}" PARTITION OF "s{n}"."t{n}" DEFAULT;
            CREATE TABLE plain (id integer PRIMARY KEY, pairs "s{n}".pair[]);
        $script$;
    BEGIN
        EXECUTE replace(script, '{n}', n);
    END $$;
"""
CHANGES = r"""
    DO $$
    DECLARE
        n text := E'\xe9';
        script text := $script$
            SELECT pg_logical_emit_message(true, 'waltrail', '{"who": "{n}"}');
            INSERT INTO "s{n}"."t{n}" VALUES (1, 'k{n}', 'l{n}', ARRAY[ROW('v', NULL)::"s{n}".pair]);
            UPDATE "s{n}"."t{n}" SET "c{n}" = 'key', label = 'plain';
            DELETE FROM "s{n}"."t{n}";
            TRUNCATE "s{n}"."t{n}";
            INSERT INTO plain VALUES (1, ARRAY[ROW('v', NULL)::"s{n}".pair]), (2, NULL);
            CREATE TABLE "s{n}"."later{n}" (id integer);
        $script$;
    BEGIN
        EXECUTE replace(script, '{n}', n);
    END $$;
"""


@pytest.mark.parametrize("source", ["SQL_ASCII"], indirect=True)
def test_names_that_are_no_text_are_escaped_and_marked(source, destination, slot, waltrail):
    source.psql(ODD_NAMES)
    waltrail.init(source, destination, slot)
    source.psql(CHANGES)
    waltrail.apply_until_now(source, destination, slot)
    first = {"id": 1, r"c\351": r"k\351", "label": r"l\351", "pairs": [{r"f\351": "v", "plain": None}]}
    second = dict(first, label="plain", **{r"c\351": "key"})
    names, context = {"names_escaped": True}, {"_raw_bytes": r'{"who": "\351"}'}
    values = {"bytes_escaped": [r"c\351", "label"]}
    assert destination.query(
        """SELECT schema, "table", operation, primary_key, before, after, context - '_raw_bytes', context - '_waltrail'
           FROM changes ORDER BY position, primary_key"""
    ) == [
        (r"s\351", r"t\351", "CREATE", r'(1,"k\\351")', {}, first, {"_waltrail": {"after": values, **names}}, context),
        (r"s\351", r"t\351", "UPDATE", "(1,key)", first, second, {"_waltrail": {"before": values, **names}}, context),
        (r"s\351", r"t\351", "DELETE", "(1,key)", second, {}, {"_waltrail": names}, context),
        (r"s\351", r"t\351", "TRUNCATE", None, {}, {}, {"_waltrail": names}, context),
        ("public", "plain", "CREATE", "1", {}, {"id": 1, "pairs": first["pairs"]}, {"_waltrail": names}, context),
        ("public", "plain", "CREATE", "2", {}, {"id": 2, "pairs": None}, {"_waltrail": names}, context),
    ]
    assert destination.query(r"""SELECT schema, leaf_table, key_columns, columns->2->>'type' FROM changes.relations
                                 WHERE leaf_table = 'leaf\351'""") == [
        (r"s\351", r"leaf\351", ["id", r"c\351"], r'"s\351".label')
    ]  # fmt: skip
    # init, and its event trigger, can name such tables.
    identities = "SELECT count(*), count(*) FILTER (WHERE relreplident = 'f') FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
    assert source.query(identities) == [(3, 3)]


@pytest.mark.parametrize("source", ["EUC_JP"], indirect=True)
def test_characters_that_utf8_does_not_have_are_kept_and_marked(source, destination, slot, waltrail):
    source.execute("CREATE TABLE notes (id integer PRIMARY KEY, note text, list text[], doc jsonb)")
    waltrail.init(source, destination, slot)
    user_defined = r"convert_from('\x61f5a162', 'EUC_JP')"
    source.execute(
        f"INSERT INTO notes VALUES (1, {user_defined}, ARRAY[{user_defined}, 'plain'], jsonb_build_object('k', {user_defined}))"
    )
    waltrail.apply_until_now(source, destination, slot)
    assert destination.query("SELECT after, context FROM changes") == [
        (
            {"id": 1, "note": r"a\365\241b", "list": [r"a\365\241b", "plain"], "doc": r'{"k": "a\365\241b"}'},
            {"_waltrail": {"after": {"bytes_escaped": ["note", "list", "doc"], "json_as_text": ["doc"]}}},
        )
    ]
    assert destination.query("SELECT count(*) FROM changes.quarantine") == [(0,)]


@pytest.mark.parametrize("source", ["LATIN1"], indirect=True)
def test_patterns_name_tables_in_any_encoding(source, destination, slot, waltrail):
    source.psql("SET client_encoding = 'UTF8'; CREATE TABLE größe (id integer); CREATE TABLE grösse (id integer);")
    waltrail.init(source, destination, slot, "--tables", "public.größe")
    source.psql("SET client_encoding = 'UTF8'; INSERT INTO größe VALUES (1); INSERT INTO grösse VALUES (2);")
    waltrail.apply_until_now(source, destination, slot, "--tables", "*.gr*ße")
    assert destination.query('SELECT "table", after FROM changes') == [("größe", {"id": 1})]
    assert source.query("SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relreplident = 'f'") == [("größe",)]
