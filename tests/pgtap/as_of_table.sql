-- A table as it was. For each state, changes.as_of() of every single record must say the same.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(39);
\ir made/shop.sql
SET LOCAL client_min_messages = warning;
CREATE FUNCTION pg_temp.was(at timestamptz, name text DEFAULT 'users') RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(p.primary_key || ':' || coalesce(p."row"->>'name', p."row"::text) || coalesce(' ?' || p.doubt, ''), ', ' ORDER BY p.primary_key), '')
      FROM changes.as_of(name, at) AS p
$$;
SELECT throws_ok($$SELECT changes.as_of(NULL, '2026-03-05 00:00+00')$$, '22004', 'the table must not be NULL', 'no table');
SELECT throws_ok($$SELECT changes.as_of('users', NULL::timestamptz)$$, '22004', 'the time must not be NULL', 'no time');
SELECT throws_ok($$SELECT changes.as_of('nowhere', '2026-03-05 00:00+00')$$, '42P01', 'the trail knows no table "nowhere"', 'an unknown table');
SELECT throws_ok($$SELECT changes.as_of('users', '2026-02-01 00:00+00')$$, '55000', NULL, 'before the trail begins');
SELECT throws_ok($$SELECT changes.as_of('users', '2026-03-10 00:00:00.000001+00')$$, '55000', NULL, 'past the horizon');
SELECT is(pg_temp.was('2026-03-05 00:00+00'), '', 'a table whose changes are none is empty');

SELECT pg_temp.change('2026-03-02 10:00:00.5+00', 10, 'users', 'CREATE', '{}', '{"id": 1, "name": "a", "email": null}');
SELECT pg_temp.change('2026-03-02 10:01+00', 20, 'users', 'CREATE', '{}', '{"id": 2, "name": "b", "email": null}');
SELECT pg_temp.change('2026-03-02 10:02+00', 30, 'users', 'UPDATE', '{"id": 1, "name": "a", "email": null}', '{"id": 3, "name": "a", "email": null}');
SELECT pg_temp.change('2026-03-02 10:03+00', 40, 'users', 'UPDATE', '{"id": 2, "name": "b", "email": null}', '{"id": 1, "name": "b", "email": null}');
SELECT pg_temp.change('2026-03-02 10:04+00', 50, 'users', 'UPDATE', '{"id": 7, "name": "old", "email": null}', '{"id": 7, "name": "new", "email": null}');
SELECT pg_temp.change('2026-03-02 10:05+00', 60, 'users', 'DELETE', '{"id": 8, "name": "gone", "email": null}', '{}');
SELECT pg_temp.change('2026-03-02 10:06+00', 70, 'users', 'UPDATE', '{"id": 9, "name": "moves", "email": null}', '{"id": 10, "name": "moves", "email": null}');
SELECT pg_temp.change('2026-03-02 10:07+00', 80, 'users', 'TRUNCATE', '{}', '{}');
SELECT pg_temp.change('2026-03-02 10:08+00', 90, 'users', 'CREATE', '{}', '{"id": 11, "name": "later", "email": null}');
SELECT is(pg_temp.was('2026-03-02 10:00:00.499999+00'), '7:old, 8:gone, 9:moves', 'rows that later changes find were there');
SELECT is(pg_temp.was('2026-03-02 10:00:00.5+00'), '1:a, 7:old, 8:gone, 9:moves', 'to the microsecond');
SELECT is(pg_temp.was('2026-03-02 10:02+00'), '2:b, 3:a, 7:old, 8:gone, 9:moves', 'a row that got another key is there once');
SELECT is(pg_temp.was('2026-03-02 10:03+00'), '1:b, 3:a, 7:old, 8:gone, 9:moves', 'and another has its key');
SELECT is(pg_temp.was('2026-03-02 10:06+00'), '1:b, 10:moves, 3:a, 7:new', 'after all that');
SELECT is(pg_temp.was('2026-03-02 10:07+00'), '', 'a TRUNCATE takes all');
SELECT is(pg_temp.was('2026-03-02 10:08+00'), '11:later', 'but what comes after it');
SELECT is_empty(
    $$SELECT at, key FROM generate_series('2026-03-02 09:59+00', '2026-03-02 10:09+00', interval '20 seconds') AS at, generate_series(0, 12) AS key
       WHERE (SELECT p."row" FROM changes.as_of('users', key::text, at) AS p)
             IS DISTINCT FROM (SELECT p."row" FROM changes.as_of('users', at) AS p WHERE p.primary_key = key::text)$$,
    'each record by itself is what it is in the table');

-- Not logged whole, marks, and doubts.
SELECT pg_temp.shape('parts', '{id}', pg_temp.columns('id', 'integer', 'big', 'text', 'n', 'integer'), identity => 'd');
SELECT pg_temp.change('2026-03-03 10:00+00', 200, 'parts', 'CREATE', '{}', '{"id": 1, "big": "B", "n": 1}');
SELECT pg_temp.change('2026-03-03 10:01+00', 210, 'parts', 'UPDATE', '{"id": 1}', '{"id": 2, "n": 2}');
SELECT pg_temp.change('2026-03-03 10:02+00', 220, 'parts', 'UPDATE', '{}', '{"id": 5, "n": 4}');
SELECT pg_temp.change('2026-03-03 10:03+00', 230, 'parts', 'DELETE', '{"id": 6}', '{}');
SELECT is(pg_temp.was('2026-03-03 10:01+00', 'parts'),
    '2:{"n": 2, "id": 2, "big": "B"}, 5:{} ?not logged whole: big, id, n, 6:{"id": 6} ?not logged whole: big, n',
    'what is not known of a row is told');
SELECT is(pg_temp.was('2026-03-03 10:03+00', 'parts'), '2:{"n": 2, "id": 2, "big": "B"}, 5:{"n": 4, "id": 5} ?not logged whole: big', 'also after it');
SELECT pg_temp.shape('logs', '{id}', pg_temp.columns('id', 'integer', 'name', 'text'), leaf => 'logs_1');
SELECT pg_temp.change('2026-03-05 10:00+00', 400, 'logs', 'CREATE', '{}', '{"id": 1, "name": "x"}');
SELECT pg_temp.change('2026-03-05 11:00+00', 410, 'logs_1', 'TRUNCATE', '{}', '{}');
SELECT pg_temp.change('2026-03-05 12:00+00', 420, 'logs', 'CREATE', '{}', '{"id": 2, "name": "y", "extra": "\\x00"}', '{"_waltrail": {"after": {"bytes_escaped": ["extra"]}}}');
SET LOCAL client_min_messages = error;
SELECT is(pg_temp.was('2026-03-05 12:00+00', 'logs'), '1:x ?partition "logs_1" was truncated by itself, 2:y ?marked bytes_escaped: ["extra"]',
    'rows that may be gone are told, and marked values');
INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) VALUES (1, '0/1A0', '0/1A2', 'slot was lost');
SELECT is(pg_temp.was('2026-03-05 12:00+00', 'logs'),
    '1:x ?changes are missing: slot was lost; partition "logs_1" was truncated by itself, 2:y ?marked bytes_escaped: ["extra"]',
    'and rows that may have changed in a gap, which those after it have not');
DELETE FROM changes.gaps;
INSERT INTO changes.quarantine (id, source_id, commit_lsn, sequence, schema, "table", operation, sqlstate, error, frame)
VALUES (pg_temp.id_at('2026-03-06 10:00+00', 'q'), 1, '0/1F4', 0, 'public', 'logs', 'UPDATE', '23514', 'no', '');
SELECT is(pg_temp.was('2026-03-06 09:59+00', 'logs'), pg_temp.was('2026-03-05 12:00+00', 'logs'), 'a change that went to quarantine later says nothing');
SELECT is((SELECT count(*)::integer FROM changes.as_of('logs', '2026-03-06 10:00+00') AS p WHERE p.doubt ~ 'quarantine'), 2, 'one of before makes all rows uncertain');
SELECT pg_temp.change('2026-03-06 11:00+00', 510, 'logs', 'DELETE', '{}', '{}', key => NULL);
SELECT is((SELECT count(*)::integer FROM changes.as_of('logs', '2026-03-06 11:00+00') AS p WHERE p.doubt ~ 'key was not logged'), 2, 'so does a DELETE without its key');

-- Odd names; a key whose column gets another name, and a table that gets its key late.
SELECT pg_temp.shape(E'we"ird.ta\\b''le %s $1', ARRAY[E'k"e''y %L', 'b']::text[], pg_temp.columns(E'k"e''y %L', 'text', 'b', 'boolean', '%I', 'text'));
SELECT pg_temp.change('2026-03-06 12:00+00', 520, E'we"ird.ta\\b''le %s $1', 'CREATE', '{}', jsonb_build_object(E'k"e''y %L', 'a,"b\', 'b', true, '%I', '%s'), key => ROW('a,"b\', true)::text);
SELECT pg_temp.change('2026-03-06 12:01+00', 521, E'we"ird.ta\\b''le %s $1', 'UPDATE', jsonb_build_object(E'k"e''y %L', 'a,"b\', 'b', true, '%I', '%s'),
                      jsonb_build_object(E'k"e''y %L', '$1', 'b', false, '%I', '%s'), key => ROW('$1', false)::text);
SELECT is((SELECT array_agg(p.primary_key || (p."row"->>'%I')) FROM changes.as_of(E'we"ird.ta\\b''le %s $1', '2026-03-06 12:00+00') AS p), ARRAY[ROW('a,"b\', true)::text || '%s'], 'odd names are only names');
SELECT is((SELECT array_agg(p.primary_key) FROM changes.as_of(E'we"ird.ta\\b''le %s $1', '2026-03-06 12:01+00') AS p), ARRAY[ROW('$1', false)::text], 'also of a key that changes');
SELECT pg_temp.shape('people', '{}', pg_temp.columns('no', 'integer'), 1, 700);
SELECT pg_temp.shape('people', '{no}', pg_temp.columns('no', 'integer'), 540, 700);
SELECT pg_temp.shape('people', '{number}', pg_temp.columns('number', 'integer', 'name', 'text'), 560, 700);
SELECT pg_temp.change('2026-03-06 13:00+00', 530, 'people', 'CREATE', '{}', '{"no": 1}');
SELECT pg_temp.change('2026-03-06 13:00+00', 531, 'people', 'CREATE', '{}', '{"no": 2}');
SELECT pg_temp.change('2026-03-06 13:01+00', 540, 'people', 'UPDATE', '{"no": 1}', '{"no": 3}', key => '3');
SELECT pg_temp.change('2026-03-06 13:02+00', 560, 'people', 'UPDATE', '{"number": 3, "name": null}', '{"number": 4, "name": "x"}', key => '4');
SELECT is((SELECT array_agg(p."row"->>'no' ORDER BY 1) FROM changes.as_of('people', '2026-03-06 13:00+00') AS p), '{1,2}', 'before a table has a key');
SELECT is(pg_temp.was('2026-03-06 13:01+00', 'people'), '2:{"no": 2}, 3:{"no": 3}', 'changes from before a table had its key count under it');
SELECT is(pg_temp.was('2026-03-06 13:02+00', 'people'), '2:{"no": 2}, 4:x', 'and from before its column had the name');

-- A table without a key: equal rows count.
SELECT throws_ok($$SELECT changes.history('events', '1')$$, '0A000', NULL, 'a record without a key has no history');
SELECT throws_ok($$SELECT changes.as_of('events', '1', '2026-03-07 10:00+00')$$, '0A000', 'table "events" has no primary key', 'nor a past of its own');
SELECT pg_temp.change('2026-03-07 10:00+00', 600, 'events', 'CREATE', '{}', '{"kind": "a", "weight": 1.5}');
SELECT pg_temp.change('2026-03-07 10:01+00', 610, 'events', 'CREATE', '{}', '{"kind": "a", "weight": 1.5}');
SELECT pg_temp.change('2026-03-07 10:02+00', 620, 'events', 'CREATE', '{}', '{"kind": "a", "weight": 1.50}');
SELECT pg_temp.change('2026-03-07 10:03+00', 630, 'events', 'DELETE', '{"kind": "a", "weight": 1.5}', '{}');
SELECT pg_temp.change('2026-03-07 10:04+00', 640, 'events', 'UPDATE', '{"kind": "b", "weight": 2}', '{"kind": "c", "weight": 2}');
SELECT pg_temp.change('2026-03-07 10:05+00', 650, 'events', 'DELETE', '{"kind": "c", "weight": 2}', '{}');
SELECT pg_temp.change('2026-03-07 10:06+00', 660, 'events', 'DELETE', '{"kind": "c", "weight": 2}', '{}');
CREATE FUNCTION pg_temp.bag(at timestamptz) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg((p."row"->>'kind') || (p."row"->>'weight') || coalesce('@' || to_char(p.changed_at AT TIME ZONE 'UTC', 'HH24:MI'), ''), ' ' ORDER BY 1), '')
      FROM (SELECT * FROM changes.as_of('events', at) AS p ORDER BY p."row"::text, p.changed_at) AS p
$$;
SELECT is(pg_temp.bag('2026-03-07 10:02+00'), 'a1.50@10:02 a1.5@10:01 a1.5@10:01 b2 c2', 'equal rows, and what later changes take away');
SELECT is(pg_temp.bag('2026-03-07 10:03+00'), 'a1.50@10:02 a1.5@10:01 b2 c2', 'one of equal rows is deleted');
SELECT is(pg_temp.bag('2026-03-07 10:04+00'), 'a1.50@10:02 a1.5@10:01 c2@10:04 c2', 'an UPDATE of one that had been there');
SELECT is(pg_temp.bag('2026-03-07 10:06+00'), 'a1.50@10:02 a1.5@10:01', 'in the end');
SELECT pg_temp.change('2026-03-07 10:08:02+00', 680, 'events', 'CREATE', '{}', '{"kind": "d", "weight": 1}');
SELECT pg_temp.change('2026-03-07 10:08:01+00', 690, 'events', 'DELETE', '{"kind": "d", "weight": 1}', '{}');
SELECT is((SELECT array_agg(pg_temp.bag('2026-03-07 10:08+00'::timestamptz + s * interval '1 second') ORDER BY s) FROM unnest(ARRAY[0, 1, 2]) AS s),
    '{"a1.50@10:02 a1.5@10:01 d1","a1.50@10:02 a1.5@10:01","a1.50@10:02 a1.5@10:01 d1@10:08"}', 'in the order of the commits');
SELECT pg_temp.change('2026-03-07 10:07+00', 670, 'events', 'DELETE', '{}', '{}');
SELECT throws_ok($$SELECT changes.as_of('events', '2026-03-07 10:06+00')$$, '55000', 'changes of table "events" were not logged whole, and it has no primary key',
    'without a key, all must have been logged whole');
SELECT is((SELECT count(*)::integer FROM changes.as_of('users', at => '2026-03-02 10:08+00', schema => 'public', database => 'shop')), 1, 'with names of arguments');
-- A key that primary_key does not hold.
SELECT pg_temp.shape('urls', '{url}', pg_temp.columns('url', 'text', 'name', 'text'));
INSERT INTO public.changes (id, database, schema, "table", operation, before, after, committed_at, transaction_id, position)
VALUES (pg_temp.id_at('2026-03-07 11:00+00', 'u'), 'shop', 'public', 'urls', 'CREATE', '{}', jsonb_build_object('url', repeat('x', 300), 'name', 'long'), '2026-03-07 11:00+00', 70, 700);
SELECT is((SELECT p."row"->>'name' FROM changes.as_of('urls', repeat('x', 300), '2026-03-07 11:00+00') AS p), 'long', 'a key of more than 255 characters');
SELECT throws_ok($$SELECT changes.history('urls', repeat('x', 300))$$, '0A000', 'a key of more than 255 characters has no history of its own', 'which has no history');
SELECT throws_ok($$SELECT changes.as_of('users', at => '2026-03-02 10:08+00', schema => 'other', database => NULL)$$, '42P01', NULL, 'which say which table is meant');
SELECT is((SELECT count(*)::integer FROM changes.as_of('users', '2026-03-02 10:08+00')), 1, 'or without');

SELECT * FROM finish();
ROLLBACK;
