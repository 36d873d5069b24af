-- A table whose primary key becomes another: of other columns, of more of them, or one at last.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(20);
\ir made/shop.sql
SET LOCAL client_min_messages = error;
CREATE FUNCTION pg_temp.was(name text, at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(p.primary_key || ':' || (p."row"->>'v') || CASE WHEN p.doubt IS NULL THEN '' ELSE '?' END, ' ' ORDER BY p.primary_key), '')
      FROM changes.as_of(name, at) AS p
$$;
CREATE FUNCTION pg_temp.one(name text, key text, at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT p.primary_key || ':' || (p."row"->>'v') FROM changes.as_of(name, key, at) AS p
$$;
-- id, then code.
SELECT pg_temp.shape('codes', '{id}', pg_temp.columns('id', 'integer', 'code', 'text', 'v', 'integer'), 1, 900);
SELECT pg_temp.shape('codes', '{code}', pg_temp.columns('id', 'integer', 'code', 'text', 'v', 'integer'), 100, 900);
SELECT pg_temp.change('2026-03-02 10:00+00', 10, 'codes', 'CREATE', '{}', '{"id": 7, "code": "a", "v": 1}');
SELECT pg_temp.change('2026-03-02 10:01+00', 20, 'codes', 'UPDATE', '{"id": 7, "code": "a", "v": 1}', '{"id": 7, "code": "a", "v": 2}');
SELECT pg_temp.change('2026-03-02 10:02+00', 30, 'codes', 'CREATE', '{}', '{"id": 8, "code": "b", "v": 1}');
SELECT pg_temp.change('2026-03-02 10:03+00', 40, 'codes', 'CREATE', '{}', '{"id": 9, "code": "c", "v": 1}');
SELECT pg_temp.change('2026-03-02 10:04+00', 50, 'codes', 'UPDATE', '{"id": 9, "code": "c", "v": 1}', '{"id": 9, "code": "d", "v": 2}');
SELECT pg_temp.change('2026-03-02 10:05+00', 60, 'codes', 'CREATE', '{}', '{"id": 3, "code": "e", "v": 1}');
SELECT pg_temp.change('2026-03-02 10:06+00', 70, 'codes', 'DELETE', '{"id": 3, "code": "e", "v": 1}', '{}');
SELECT pg_temp.change('2026-03-02 11:00+00', 110, 'codes', 'UPDATE', '{"id": 7, "code": "a", "v": 2}', '{"id": 7, "code": "a", "v": 3}');
SELECT pg_temp.change('2026-03-02 11:01+00', 120, 'codes', 'UPDATE', '{"id": 6, "code": "f", "v": 1}', '{"id": 6, "code": "f", "v": 2}');
SELECT is(pg_temp.was('codes', '2026-03-02 11:01+00'), 'a:3 b:1 d:2 f:2', 'rows are under the key that the table has, once');
SELECT is(pg_temp.was('codes', '2026-03-02 10:06+00'), '6:1 7:2 8:1 9:2', 'before that under the one that it had');
SELECT is(pg_temp.was('codes', '2026-03-02 10:00+00'), '6:1 7:1', 'and so is what is known from later only');
SELECT is(pg_temp.one('codes', 'a', '2026-03-02 11:01+00'), 'a:3', 'a record');
SELECT is(pg_temp.one('codes', 'b', '2026-03-02 11:01+00'), 'b:1', 'that has not changed since');
SELECT is(pg_temp.one('codes', 'c', '2026-03-02 11:01+00'), NULL, 'nor is one that had another value by then');
SELECT is(pg_temp.one('codes', '7', '2026-03-02 11:01+00'), NULL, 'under the former key there is none');
SELECT is(pg_temp.one('codes', '07', '2026-03-02 10:01+00'), '7:2', 'as long as it was the key there is');
SELECT is(pg_temp.one('codes', 'a', '2026-03-02 10:01+00'), NULL, 'and not under the later one');

-- A column more, which the rows of before do not have: they are told as they are, in doubt.
SELECT pg_temp.shape('tenants', '{id}', pg_temp.columns('id', 'integer', 'v', 'integer'), 1, 901);
SELECT pg_temp.shape('tenants', '{tenant,id}', pg_temp.columns('tenant', 'integer', 'id', 'integer', 'v', 'integer'), 300, 901);
SELECT pg_temp.change('2026-03-03 10:00+00', 210, 'tenants', 'CREATE', '{}', '{"id": 7, "v": 1}');
SELECT pg_temp.change('2026-03-03 10:01+00', 220, 'tenants', 'CREATE', '{}', '{"id": 8, "v": 1}');
SELECT pg_temp.change('2026-03-03 11:00+00', 310, 'tenants', 'UPDATE', '{"tenant": 1, "id": 7, "v": 1}', '{"tenant": 1, "id": 7, "v": 2}', key => '(1,7)');
SELECT is(pg_temp.was('tenants', '2026-03-03 11:00+00'), '(1,7):2 7:1? 8:1?', 'a key with a column that was not there before');
SELECT is(pg_temp.one('tenants', '(1,7)', '2026-03-03 11:00+00'), '(1,7):2', 'a record that has changed since');
SELECT is(pg_temp.one('tenants', '8', '2026-03-03 10:01+00'), '8:1', 'before it all is known');

-- Where rows were not logged whole, their changes do not tell the later key.
SELECT pg_temp.shape('parts', '{id}', pg_temp.columns('id', 'integer', 'code', 'text', 'v', 'integer'), 1, 902, 'd');
SELECT pg_temp.shape('parts', '{code}', pg_temp.columns('id', 'integer', 'code', 'text', 'v', 'integer'), 500, 902, 'd');
SELECT pg_temp.change('2026-03-04 10:00+00', 410, 'parts', 'CREATE', '{}', '{"id": 1, "code": "a", "v": 1}');
SELECT pg_temp.change('2026-03-04 10:01+00', 420, 'parts', 'CREATE', '{}', '{"id": 2, "code": "b", "v": 1}');
SELECT pg_temp.change('2026-03-04 10:02+00', 430, 'parts', 'DELETE', '{"id": 2}', '{}');
SELECT pg_temp.change('2026-03-04 11:00+00', 510, 'parts', 'UPDATE', '{}', '{"id": 1, "code": "a", "v": 2}');
SELECT is(pg_temp.was('parts', '2026-03-04 11:00+00'), '1:1? a:2', 'a row of before is in doubt, one that was deleted is not told');
SELECT throws_ok($$SELECT changes.as_of('parts', '1', '2026-03-04 11:00+00')$$, '55000',
    'what the record was is not certain: the primary key was of other columns, and which row this is now is not known', 'for a record it is an error');

-- A key at last; and one whose column got another name, which is the same key.
SELECT pg_temp.shape('late', '{}', pg_temp.columns('id', 'integer', 'v', 'integer'), 1, 903);
SELECT pg_temp.shape('late', '{id}', pg_temp.columns('id', 'integer', 'v', 'integer'), 700, 903);
SELECT pg_temp.change('2026-03-05 10:00+00', 610, 'late', 'CREATE', '{}', '{"id": 1, "v": 1}');
SELECT pg_temp.change('2026-03-05 10:01+00', 620, 'late', 'CREATE', '{}', '{"id": 2, "v": 1}');
SELECT pg_temp.change('2026-03-05 11:00+00', 710, 'late', 'UPDATE', '{"id": 1, "v": 1}', '{"id": 1, "v": 2}');
SELECT is(pg_temp.was('late', '2026-03-05 11:00+00'), '1:2 2:1', 'a table that got a key');
SELECT is(pg_temp.one('late', '2', '2026-03-05 11:00+00'), '2:1', 'a record of before');
SELECT throws_ok($$SELECT changes.as_of('late', '2', '2026-03-05 10:01+00')$$, '0A000', 'table "late" had no primary key at that time', 'when there was no key');
SELECT pg_temp.shape('people', '{no}', pg_temp.columns('no', 'integer', 'v', 'integer'), 1, 904);
SELECT pg_temp.shape('people', '{number}', pg_temp.columns('number', 'integer', 'v', 'integer'), 820, 904);
SELECT pg_temp.change('2026-03-06 10:00+00', 810, 'people', 'CREATE', '{}', '{"no": 1, "v": 1}');
SELECT pg_temp.change('2026-03-06 11:00+00', 820, 'people', 'CREATE', '{}', '{"number": 2, "v": 1}');
SELECT is(pg_temp.was('people', '2026-03-06 11:00+00'), '1:1 2:1', 'another name is no other key');
SELECT is(pg_temp.one('people', '1', '2026-03-06 11:00+00'), '1:1', 'nor for a record');
SELECT ok(NOT changes.had_other_key(t, changes.shapes_json(t.source_id, t.schema, t."table")), 'so it need not be asked of the whole table') FROM changes.find_table('people', NULL, NULL) AS t;
SELECT * FROM finish();
ROLLBACK;
