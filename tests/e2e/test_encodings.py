"""Sources whose databases are not UTF-8: text, names, labels and contexts arrive as what they mean, and bytes that mean
nothing are kept and marked."""

import json

import pytest

import audit
from audited_source import AuditedSource

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
