-- Everything that happened to a record, across changes of its key, and refusals to guess which one is meant.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(37);
SELECT throws_ok($$SELECT changes.history('users', '1')$$, '42P01', 'there is no trail in this database', 'before setup() it says so');
\ir made/shop.sql
CREATE FUNCTION pg_temp.told(name text, key text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS bigint[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(h.position), '{}') FROM changes.history(name, key, since => since, until => until) AS h
$$;
SELECT throws_ok($$SELECT changes.history('nowhere', '1')$$, '42P01', 'the trail knows no table "nowhere"', 'an unknown table is named');
SELECT throws_ok($$SELECT changes.history(NULL, '1')$$, '22004', 'the table must not be NULL', 'no table');
SELECT throws_ok($$SELECT changes.history('users', NULL)$$, '22004', 'the primary key must not be NULL', 'no key');
SELECT is(pg_temp.told('users', '1'), '{}', 'a record without changes has no history');

-- Swapped keys: 1 becomes 3, 2 becomes 1, 3 becomes 2.
SELECT pg_temp.change('2026-03-02 10:00+00', 10, 'users', 'CREATE', '{}', '{"id": 1, "name": "a"}');
SELECT pg_temp.change('2026-03-02 10:01+00', 20, 'users', 'CREATE', '{}', '{"id": 2, "name": "b"}');
SELECT pg_temp.change('2026-03-02 10:02+00', 30, 'users', 'UPDATE', '{"id": 1, "name": "a"}', '{"id": 3, "name": "a"}');
SELECT pg_temp.change('2026-03-02 10:03+00', 40, 'users', 'UPDATE', '{"id": 2, "name": "b"}', '{"id": 1, "name": "b"}');
SELECT pg_temp.change('2026-03-02 10:04+00', 50, 'users', 'UPDATE', '{"id": 3, "name": "a"}', '{"id": 2, "name": "a"}');
SELECT pg_temp.change('2026-03-02 10:05:00.5+00', 60, 'users', 'UPDATE', '{"id": 2, "name": "a"}', '{"id": 2, "name": "A"}');
SELECT pg_temp.change('2026-03-02 10:06+00', 70, 'users', 'UPDATE', '{"id": 1, "name": "b"}', '{"id": 1, "name": "B"}');
SELECT pg_temp.change('2026-03-02 10:07+00', 80, 'users', 'DELETE', '{"id": 2, "name": "A"}', '{}');
SELECT pg_temp.change('2026-03-02 10:08+00', 90, 'users', 'CREATE', '{}', '{"id": 2, "name": "c"}');
SELECT pg_temp.change('2026-03-02 10:09+00', 100, 'users', 'CREATE', '{}', '{"id": 3, "name": "d"}');
SELECT is(pg_temp.told('users', '1'), ARRAY[10, 20, 30, 40, 50, 60, 70, 80]::bigint[],
    'of key 1: the row that it was, on to its end under key 2, and the row that it became, back to where it was made');
SELECT is(pg_temp.told('users', '3'), ARRAY[10, 30, 50, 60, 80, 100]::bigint[],
    'of key 3: the row that passed through, back and on, but not who had key 2 after its end');
SELECT is(pg_temp.told('users', '2'), ARRAY[10, 20, 30, 40, 50, 60, 70, 80, 90]::bigint[], 'of key 2: all rows that had it, with their ways');
SELECT results_eq($$SELECT (h).operation, (h).after FROM changes.history('users', '3') AS h WHERE (h).position = 100$$,
    $$VALUES ('CREATE'::text, '{"id": 3, "name": "d"}'::jsonb)$$, 'changes are told whole');

-- Times are exact, since included, until not.
SELECT is(pg_temp.told('users', '2', '2026-03-02 10:05:00.5+00', '2026-03-02 10:08+00'), ARRAY[60, 80]::bigint[], 'between two times');
SELECT is(pg_temp.told('users', '2', '2026-03-02 10:05:00.500001+00', '2026-03-02 10:08:00.000001+00'), ARRAY[80, 90]::bigint[], 'to the microsecond');

-- Of a table that is not logged whole, `before` has the key where it changes, or nothing.
SELECT pg_temp.shape('parts', '{id}', pg_temp.columns('id', 'uuid', 'text', 'text'), identity => 'd');
SELECT pg_temp.change('2026-03-02 11:00+00', 200, 'parts', 'CREATE', '{}', '{"id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "text": "x"}');
SELECT pg_temp.change('2026-03-02 11:01+00', 210, 'parts', 'UPDATE', '{}', '{"id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "text": "y"}');
SELECT pg_temp.change('2026-03-02 11:02+00', 220, 'parts', 'UPDATE', '{"id": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}',
                      '{"id": "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "text": "y"}');
SELECT pg_temp.change('2026-03-02 11:03+00', 230, 'parts', 'DELETE', '{"id": "b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"}', '{}');
SELECT is(pg_temp.told('parts', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), ARRAY[200, 210, 220, 230]::bigint[], 'a key is enough to go on');
SELECT is(pg_temp.told('parts', 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), ARRAY[200, 210, 220, 230]::bigint[], 'and back');

-- Keys of several columns, with text that ROW() quotes.
SELECT pg_temp.change('2026-03-02 12:00+00', 300, 'lines', 'CREATE', '{}', '{"order_id": 7, "product": "a, \"b\" \\ (c)", "amount": 1}', key => ROW(7, 'a, "b" \ (c)')::text);
SELECT pg_temp.change('2026-03-02 12:01+00', 310, 'lines', 'UPDATE', '{"order_id": 7, "product": "a, \"b\" \\ (c)", "amount": 1}',
                      '{"order_id": 8, "product": "", "amount": 1}', key => ROW(8, ''::text)::text);
SELECT is(pg_temp.told('lines', ROW(7, 'a, "b" \ (c)')::text), ARRAY[300, 310]::bigint[], 'a key of two columns, forwards');
SELECT is(pg_temp.told('lines', ROW(8, '')::text), ARRAY[300, 310]::bigint[], 'and backwards');
SELECT is(pg_temp.told('lines', '7'), '{}', 'what cannot be a key of the table finds nothing');

-- Keys whose JSON is not their text.
SELECT pg_temp.shape('moments', '{at}', pg_temp.columns('at', 'timestamp with time zone', 'v', 'integer'));
SELECT pg_temp.change('2026-03-02 13:00+00', 400, 'moments', 'CREATE', '{}', '{"at": "2026-01-31T12:00:00.5+00:00", "v": 1}', key => '2026-01-31 12:00:00.5+00');
SELECT pg_temp.change('2026-03-02 13:01+00', 410, 'moments', 'UPDATE', '{"at": "2026-01-31T12:00:00.5+00:00", "v": 1}',
                      '{"at": "2026-02-01T00:00:00+00:00", "v": 1}', key => '2026-02-01 00:00:00+00');
SET LOCAL timezone = 'Asia/Tokyo';
SET LOCAL datestyle = 'German';
SELECT is(pg_temp.told('moments', '2026-01-31 12:00:00.5+00'), ARRAY[400, 410]::bigint[], 'a time, whatever the session''s settings, forwards');
SELECT is(pg_temp.told('moments', '2026-02-01 00:00:00+00'), ARRAY[400, 410]::bigint[], 'and backwards');
RESET timezone;
RESET datestyle;

-- Values written otherwise than the server does, and types with a length.
SELECT pg_temp.shape('codes', '{code,flag}', pg_temp.columns('code', 'character(4)', 'flag', 'boolean'));
SELECT pg_temp.change('2026-03-02 13:10+00', 420, 'codes', 'CREATE', '{}', '{"code": "ab  ", "flag": true}', key => ROW('ab'::character(4), true)::text);
SELECT pg_temp.change('2026-03-02 13:11+00', 430, 'codes', 'UPDATE', '{"code": "ab  ", "flag": true}', '{"code": "abcd", "flag": false}', key => ROW('abcd'::character(4), false)::text);
SELECT is(pg_temp.told('codes', '(ab,true)'), ARRAY[420, 430]::bigint[], 'a padded value and a boolean, as a person writes them');
SELECT is(pg_temp.told('codes', '("abcd",f)'), ARRAY[420, 430]::bigint[], 'backwards, too');
SELECT is(pg_temp.told('users', '003'), pg_temp.told('users', '3'), 'a number with zeros');
SELECT is(pg_temp.told('parts', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'), pg_temp.told('parts', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), 'a uuid in capitals');
SELECT is(pg_temp.told('users', 'x'), '{}', 'what is no number is no key');

SELECT pg_temp.shape('states', '{state,n}', pg_temp.columns('state', 'public.no_type_of_this_server', 'n', 'integer'));
SELECT pg_temp.change('2026-03-02 13:20+00', 440, 'states', 'CREATE', '{}', '{"state": "it''s \"on\"", "n": 1}', key => ROW('it''s "on"'::text, 1)::text);
SELECT pg_temp.change('2026-03-02 13:21+00', 450, 'states', 'UPDATE', '{"state": "it''s \"on\"", "n": 1}', '{"state": "off", "n": 1}', key => '(off,1)');
SELECT is(pg_temp.told('states', '("it''s ""on""",1)'), ARRAY[440, 450]::bigint[], 'a type that this server does not have is text');
SELECT is(pg_temp.told('states', '(off,01)'), ARRAY[440, 450]::bigint[], 'in both directions');

-- A column of the key gets another name.
SELECT pg_temp.shape('people', '{no}', pg_temp.columns('no', 'integer'), 1, 700);
SELECT pg_temp.shape('people', '{number}', pg_temp.columns('number', 'integer'), 520, 700);
SELECT pg_temp.change('2026-03-02 14:00+00', 500, 'people', 'CREATE', '{}', '{"no": 1}');
SELECT pg_temp.change('2026-03-02 14:01+00', 510, 'people', 'UPDATE', '{"no": 1}', '{"no": 2}');
SELECT pg_temp.change('2026-03-02 14:02+00', 520, 'people', 'UPDATE', '{"number": 2}', '{"number": 3}');
SELECT is(pg_temp.told('people', '1'), ARRAY[500, 510, 520]::bigint[], 'keys are read as their columns were called at the time');
SELECT is(pg_temp.told('people', '3'), ARRAY[500, 510, 520]::bigint[], 'in both directions');

-- TRUNCATE, of the table and of a partition.
SELECT pg_temp.shape('logs', '{id}', pg_temp.columns('id', 'integer'), leaf => 'logs_1');
SELECT pg_temp.change('2026-03-02 15:00+00', 600, 'logs', 'CREATE', '{}', '{"id": 1}');
SELECT pg_temp.change('2026-03-02 15:01+00', 610, 'logs', 'TRUNCATE', '{}', '{}');
SELECT pg_temp.change('2026-03-02 15:02+00', 620, 'logs_1', 'TRUNCATE', '{}', '{}');
SELECT pg_temp.change('2026-03-02 15:03+00', 630, 'users', 'TRUNCATE', '{}', '{}');
SELECT is(pg_temp.told('logs', '1'), ARRAY[600, 610, 620]::bigint[], 'TRUNCATEs are told, of the table and of its partitions');
SELECT throws_ok($$SELECT changes.history('logs_1', '1')$$, '42P01', 'the trail knows no table "logs_1"', 'a partition is not a table of the trail');

-- Names that several have, and odd names.
SELECT pg_temp.shape('users', '{id}', pg_temp.columns('id', 'integer'), schema_name => 'other');
SELECT pg_temp.change('2026-03-02 16:00+00', 700, 'users', 'CREATE', '{}', '{"id": 1}', schema_name => 'other');
SELECT throws_ok($$SELECT changes.history('users', '1')$$, '42P08', 'the trail has several tables "users"', 'a name that two schemas have is refused');
SELECT results_eq($$SELECT (h).position FROM changes.history('users', '1', schema => 'other') AS h$$, ARRAY[700::bigint], 'the schema says which');
SELECT pg_temp.change('2026-03-02 16:01+00', 710, 'logs_1', 'TRUNCATE', '{}', '{}', schema_name => 'other');
SELECT is(pg_temp.told('logs', '1'), ARRAY[600, 610, 620]::bigint[], 'a partition of the same name in another schema is another one');
SELECT throws_ok($$SELECT changes.history('users', '1', database => 'nowhere')$$, '42P01', 'the trail knows no table "nowhere.users"', 'an unknown database is named');
SELECT pg_temp.shape(E'we"ird.ta\\b''le %s $1', ARRAY[E'k"e''y %L']::text[], pg_temp.columns(E'k"e''y %L', 'text'), schema_name => E'sch"e''ma.%I');
SELECT pg_temp.change('2026-03-02 17:00+00', 800, E'we"ird.ta\\b''le %s $1', 'CREATE', '{}', jsonb_build_object(E'k"e''y %L', 'O''Brien %s'), schema_name => E'sch"e''ma.%I');
SELECT pg_temp.change('2026-03-02 17:01+00', 810, E'we"ird.ta\\b''le %s $1', 'UPDATE', jsonb_build_object(E'k"e''y %L', 'O''Brien %s'),
                      jsonb_build_object(E'k"e''y %L', '$1\'), schema_name => E'sch"e''ma.%I');
SELECT is(pg_temp.told(E'we"ird.ta\\b''le %s $1', 'O''Brien %s'), ARRAY[800, 810]::bigint[], 'odd names and keys are only names and keys');
SELECT is(pg_temp.told(E'we"ird.ta\\b''le %s $1', '$1\'), ARRAY[800, 810]::bigint[], 'backwards as well');

-- Without changes.relations: what the trail itself has.
DELETE FROM changes.relations;
SELECT results_eq($$SELECT (h).position FROM changes.history('users', '3', schema => 'public') AS h WHERE (h).operation <> 'TRUNCATE'$$, ARRAY[30, 100]::bigint[],
    'where no shape is known, the changes of the key itself are told');
SELECT throws_ok($$SELECT changes.history('users', '1')$$, '42P08', NULL, 'and names are refused as before');

SELECT * FROM finish();
ROLLBACK;
