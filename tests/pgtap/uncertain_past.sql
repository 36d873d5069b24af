-- What the trail has not seen, or has lost, is never answered as if it were known: changes that it did not record, clocks that are set
-- back, erasures, and partitions that are gone.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(56);
\ir made/shop.sql
SET LOCAL client_min_messages = error;
CREATE FUNCTION pg_temp.was(key text, at timestamptz, name text DEFAULT 'users', named text DEFAULT 'name') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT coalesce(p."row"->>named, p."row"::text) || coalesce(' ?' || p.doubt, '') FROM changes.as_of(name, key, at) AS p);
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RETURN 'error: ' || SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.all_were(at timestamptz, name text DEFAULT 'users') RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(p.primary_key || ':' || coalesce(p."row"->>'name', p."row"::text) || coalesce(' ?' || p.doubt, ''), ', ' ORDER BY p.primary_key), '')
      FROM changes.as_of(name, at) AS p
$$;
CREATE FUNCTION pg_temp.quarantined(at timestamptz, place pg_lsn, name text, operation text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO changes.quarantine (id, source_id, commit_lsn, sequence, schema, "table", operation, sqlstate, error, frame)
    VALUES (pg_temp.id_at(at, 'q' || place), 1, place, 0, 'public', name, operation, '23514', 'no', '')
$$;
CREATE FUNCTION pg_temp.shape_of(name text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_temp.shape(name, '{id}', pg_temp.columns('id', 'integer', 'name', 'text'), relation_oid => (40000 + hashtext(name) & 4095)::oid)
$$;

-- A change that the trail did not record (ignored columns, another type) makes the row that leaves unlike the one that came: it is the same one.
SELECT pg_temp.change('2026-03-02 10:00+00', 100, 'users', 'CREATE', '{}', '{"id": 1, "name": "a", "email": null}');
SELECT pg_temp.change('2026-03-02 10:01+00', 110, 'users', 'DELETE', '{"id": 1, "name": "unseen", "email": null}', '{}');
SELECT is(pg_temp.was('1', '2026-03-02 10:02+00'), NULL, 'a deleted row stays deleted, whatever changed it unseen');
SELECT is(pg_temp.all_were('2026-03-02 10:02+00'), '', 'in the table, too');
SELECT is(pg_temp.was('1', '2026-03-02 09:00+00'), NULL, 'and was not there before it was created');
SELECT is(pg_temp.all_were('2026-03-02 09:00+00'), '', 'in the table, too');
SELECT pg_temp.change('2026-03-02 10:03+00', 120, 'users', 'CREATE', '{}', '{"id": 2, "name": "b", "email": null}');
SELECT pg_temp.change('2026-03-02 10:04+00', 130, 'users', 'UPDATE', '{"id": 2, "name": "unseen", "email": null}', '{"id": 3, "name": "unseen", "email": null}');
SELECT is(pg_temp.was('2', '2026-03-02 10:05+00'), NULL, 'nor is one that got another key still under the old one');
SELECT is(pg_temp.all_were('2026-03-02 10:05+00'), '3:unseen', 'in the table, too');

-- "No row" is an answer of which one must be certain as well.
SELECT pg_temp.shape_of('orders');
SELECT pg_temp.change('2026-03-03 09:00+00', 200, 'orders', 'CREATE', '{}', '{"id": 1, "name": "one"}');
SELECT pg_temp.change('2026-03-03 09:01+00', 210, 'orders', 'CREATE', '{}', '{"id": 2, "name": "two"}');
SELECT pg_temp.change('2026-03-03 09:02+00', 220, 'orders', 'DELETE', '{"id": 2, "name": "two"}', '{}');
SELECT is(pg_temp.was('7', '2026-03-03 09:30+00', 'orders'), NULL, 'a record that never was');
SELECT pg_temp.quarantined('2026-03-03 10:00+00', '0/E6', 'orders', 'CREATE');
SELECT pg_temp.change('2026-03-03 10:30+00', 240, 'orders', 'UPDATE', '{"id": 1, "name": "one"}', '{"id": 1, "name": "uno"}');
SELECT pg_temp.change('2026-03-03 10:31+00', 250, 'orders', 'CREATE', '{}', '{"id": 3, "name": "three"}');
SELECT pg_temp.change('2026-03-03 10:32+00', 260, 'orders', 'DELETE', '{"id": 3, "name": "three"}', '{}');
SELECT is(pg_temp.was('7', '2026-03-03 11:00+00', 'orders'), 'error: what the record was is not certain: a change of the table is in changes.quarantine',
    'one that may have been created by a change in quarantine');
SELECT is(pg_temp.was('2', '2026-03-03 11:00+00', 'orders'), 'error: what the record was is not certain: a change of the table is in changes.quarantine',
    'one that was deleted before');
SELECT is(pg_temp.was('2', '2026-03-03 09:30+00', 'orders'), NULL, 'at a time before, it is certain');
SELECT is(pg_temp.was('3', '2026-03-03 11:00+00', 'orders'), NULL, 'as after a later change of its own');
SELECT is(pg_temp.was('1', '2026-03-03 11:00+00', 'orders'), 'uno', 'also of a row that is there');
SELECT pg_temp.change('2026-03-03 12:00+00', 270, 'orders', 'TRUNCATE', '{}', '{}');
SELECT is(pg_temp.was('7', '2026-03-03 12:00+00', 'orders'), NULL, 'a TRUNCATE makes all of them certain');
INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) VALUES (1, '0/110', '0/112', 'slot was lost');
SELECT pg_temp.change('2026-03-03 13:00+00', 280, 'orders', 'CREATE', '{}', '{"id": 4, "name": "four"}');
SELECT is(pg_temp.was('7', '2026-03-03 13:00+00', 'orders'), 'error: what the record was is not certain: changes are missing: slot was lost', 'so does a gap');
DELETE FROM changes.gaps;

-- Known from a later change only: what may have changed the row until that one counts, not until the moment.
SELECT pg_temp.shape_of('items');
SELECT pg_temp.quarantined('2026-03-04 10:05+00', '0/136', 'items', 'UPDATE');
SELECT pg_temp.change('2026-03-04 10:10+00', 320, 'items', 'UPDATE', '{"id": 1, "name": "new"}', '{"id": 1, "name": "newer"}');
SELECT pg_temp.change('2026-03-04 10:11+00', 330, 'items', 'CREATE', '{}', '{"id": 2, "name": "x"}');
SELECT is(pg_temp.was('1', '2026-03-04 10:00+00', 'items'), 'error: what the record was is not certain: a change of the table is in changes.quarantine',
    'a row that a change in quarantine may have changed before the first that is known');
SELECT is(pg_temp.was('2', '2026-03-04 10:00+00', 'items'), 'error: what the record was is not certain: a change of the table is in changes.quarantine',
    'or deleted, before it was created again');
SELECT is(pg_temp.all_were('2026-03-04 10:00+00', 'items'), '1:new ?a change of the table is in changes.quarantine', 'in the table it is a doubt');
SELECT is(pg_temp.all_were('2026-03-04 10:06+00', 'items'), '1:new ?a change of the table is in changes.quarantine', 'as it is in between');
SELECT is(pg_temp.all_were('2026-03-04 10:10+00', 'items'), '1:newer', 'and no longer is once a change is known');
DELETE FROM changes.quarantine WHERE "table" = 'items';
SELECT pg_temp.change('2026-03-04 10:04+00', 305, 'orders', 'CREATE', '{}', '{"id": 9, "name": "before the gap"}');
INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) VALUES (1, '0/140', '0/142', 'slot was lost');
SELECT is(pg_temp.all_were('2026-03-04 10:00+00', 'items'), '1:new', 'what comes after the first known change says nothing');
UPDATE changes.gaps SET start_lsn = '0/136', end_lsn = '0/138';
SELECT is(pg_temp.all_were('2026-03-04 10:00+00', 'items'), '1:new ?changes are missing: slot was lost', 'a later gap before it is a doubt');
SELECT is(pg_temp.was('1', '2026-03-04 10:00+00', 'items'), 'error: what the record was is not certain: changes are missing: slot was lost', 'and an error of the record');
SELECT is(pg_temp.all_were('2026-03-04 10:00+00', 'orders'), '4:four', 'of rows with a change until then it is none');
DELETE FROM changes.gaps;
-- Of the transaction that is known, another change may be in quarantine: it commits later than the known one is written.
SELECT pg_temp.shape_of('pairs');
SELECT pg_temp.change('2026-03-04 12:00+00', 340, 'pairs', 'UPDATE', '{"id": 1, "name": "half"}', '{"id": 1, "name": "whole"}');
SELECT pg_temp.quarantined('2026-03-04 12:00+00', '0/15E', 'pairs', 'UPDATE');
SELECT matches(pg_temp.all_were('2026-03-04 11:00+00', 'pairs'), '^1:half \?a change', 'one of the same transaction may come before it');
-- Without a key.
SELECT pg_temp.change('2026-03-04 13:00+00', 360, 'events', 'CREATE', '{}', '{"kind": "past", "weight": 1}');
SELECT pg_temp.quarantined('2026-03-04 13:05+00', '0/16B', 'events', 'UPDATE');
SELECT pg_temp.change('2026-03-04 13:10+00', 370, 'events', 'DELETE', '{"kind": "later", "weight": 1}', '{}');
SELECT is((SELECT string_agg((p."row"->>'kind') || coalesce(' ?' || p.doubt, ''), ', ' ORDER BY p."row"->>'kind') FROM changes.as_of('events', '2026-03-04 13:01+00') AS p),
    'later ?a change of the table is in changes.quarantine, past', 'in a bag, too');

-- A clock that is set back: positions order the changes of a row.
SELECT pg_temp.shape_of('clocks');
SELECT pg_temp.shape('values', '{id}', pg_temp.columns('id', 'integer', 'name', 'text', 'big', 'text'), identity => 'd');
SELECT pg_temp.change('2026-03-05 10:00+00', 400, 'clocks', 'CREATE', '{}', '{"id": 1, "name": "a"}');
SELECT pg_temp.change('2026-03-05 10:00+00', 410, 'clocks', 'CREATE', '{}', '{"id": 5, "name": "e"}');
SELECT pg_temp.change('2026-03-05 10:00+00', 420, 'values', 'CREATE', '{}', '{"id": 1, "name": "a", "big": "B"}');
SELECT pg_temp.change('2026-03-05 10:00:01+00', 430, 'clocks', 'UPDATE', '{"id": 1, "name": "a"}', '{"id": 1, "name": "b"}');
SELECT pg_temp.change('2026-03-05 09:30+00', 440, 'clocks', 'UPDATE', '{"id": 1, "name": "b"}', '{"id": 2, "name": "b"}');
SELECT pg_temp.change('2026-03-05 09:30+00', 450, 'values', 'UPDATE', '{}', '{"id": 1, "name": "b"}');
SELECT is(pg_temp.was('1', '2026-03-05 12:00+00', 'clocks'), NULL, 'a key that was left when the clock had been set back');
SELECT is(pg_temp.was('2', '2026-03-05 12:00+00', 'clocks'), 'b', 'is another one');
SELECT is(pg_temp.was('1', '2026-03-05 12:00+00', 'values'), 'b', 'and a value that was not logged is the one of before');
SELECT is(pg_temp.was('1', '2026-03-05 12:00+00', 'values', 'big'), 'B', 'found by position');
SELECT pg_temp.change('2026-03-05 09:40+00', 460, 'clocks', 'TRUNCATE', '{}', '{}');
SELECT is(pg_temp.was('5', '2026-03-05 12:00+00', 'clocks'), NULL, 'nor does a row outlive such a TRUNCATE');

-- Erased values are not NULLs.
SELECT pg_temp.shape('people', '{id}', pg_temp.columns('id', 'integer', 'name', 'text', 'email', 'text'), relation_oid => 40000);
SELECT pg_temp.change('2026-03-06 10:00+00', 500, 'people', 'CREATE', '{}', '{"id": 1, "name": "a", "email": "a@x"}');
SELECT pg_temp.change('2026-03-06 10:01+00', 510, 'people', 'UPDATE', '{"id": 2, "name": "b", "email": "b@x"}', '{"id": 2, "name": "B", "email": "b@x"}');
SELECT pg_temp.change('2026-03-06 10:02+00', 520, 'people', 'CREATE', '{}', '{"id": 3, "name": "c", "email": "c@x"}');
SELECT changes.erase('public', 'people', '1', 'asked to', ARRAY['email']);
SELECT changes.erase('public', 'people', '2', 'asked to', ARRAY['email']);
SELECT is(pg_temp.was('1', '2026-03-06 11:00+00', 'people'), 'a ?erased: ["email"]', 'an erased value is a doubt');
SELECT is(pg_temp.was('2', '2026-03-06 10:00+00', 'people'), 'b ?erased: ["email"]', 'also in an old row');
SELECT is(pg_temp.all_were('2026-03-06 11:00+00', 'people'), '1:a ?erased: ["email"], 2:B ?erased: ["email"], 3:c', 'of the table, of these rows');
SELECT changes.erase('public', 'people', '1', 'asked to', ARRAY['id', 'name', 'email']);
SELECT is(pg_temp.all_were('2026-03-06 11:00+00', 'people'), '2:B ?erased: ["email"], 3:c', 'a row whose key is erased is not under one');
SELECT is((SELECT array_agg(d.doubt) FROM changes.find_table('people', NULL, NULL) AS t, changes.doubts(t, '2026-03-06 11:00+00') AS d),
    ARRAY['the keys of some rows were erased'], 'which the table says');
SELECT is(pg_temp.was('1', '2026-03-06 11:00+00', 'people'), 'error: what the record was is not certain: the keys of some rows were erased', 'no record is certain not to have been');
SELECT is(pg_temp.was('3', '2026-03-06 11:00+00', 'people'), 'c', 'those that are there are');
SELECT pg_temp.change('2026-03-06 12:00+00', 530, 'lines', 'CREATE', '{}', '{"order_id": 1, "product": "p", "amount": 1}', key => '(1,p)');
SELECT pg_temp.change('2026-03-06 12:00+00', 540, 'lines', 'CREATE', '{}', '{"order_id": 1, "product": "q", "amount": 2}', key => '(1,q)');
SELECT pg_temp.change('2026-03-06 12:00+00', 550, 'lines', 'CREATE', '{}', '{"order_id": 2, "product": "q", "amount": 3}', key => '(2,q)');
SELECT changes.erase('public', 'lines', '(1,p)', 'asked to', ARRAY['product']);
SELECT changes.erase('public', 'lines', '(1,q)', 'asked to', ARRAY['product']);
SELECT is((SELECT array_agg(p.primary_key) FROM changes.as_of('lines', '2026-03-06 12:30+00') AS p), '{"(2,q)"}', 'records of which half the key is erased do not become one');
SELECT pg_temp.change('2026-03-06 13:00+00', 560, 'values', 'UPDATE', '{}', '{"id": 1, "name": "c"}');
SELECT changes.erase('public', 'values', '1', 'asked to', ARRAY['big']);
SELECT pg_temp.change('2026-03-06 14:00+00', 570, 'values', 'UPDATE', '{}', '{"id": 1, "name": "d"}');
SELECT is(pg_temp.was('1', '2026-03-06 14:00+00', 'values'), 'error: the record was not logged whole: its columns big are not known', 'an erased value fills no later row');

-- A table that was made anew, and whose first record is erased, is a new one all the same.
SELECT pg_temp.shape('temps', '{id}', pg_temp.columns('id', 'integer'), 1, 41000);
SELECT pg_temp.change('2026-03-07 10:00+00', 600, 'temps', 'CREATE', '{}', '{"id": 1}');
SELECT pg_temp.shape('temps', '{id}', pg_temp.columns('id', 'integer'), 610, 41001);
SELECT pg_temp.change('2026-03-07 11:00+00', 610, 'temps', 'CREATE', '{}', '{"id": 2}');
SELECT pg_temp.change('2026-03-07 12:00+00', 620, 'temps', 'CREATE', '{}', '{"id": 3}');
SELECT changes.erase('public', 'temps', '2', 'asked to');
SELECT is(pg_temp.all_were('2026-03-07 12:00+00', 'temps'), '3:{"id": 3}', 'the rows of the former table do not come back');
SELECT is(pg_temp.was('1', '2026-03-07 12:00+00', 'temps'), NULL, 'nor one of its records');
SELECT is(pg_temp.all_were('2026-03-07 10:30+00', 'temps'), '1:{"id": 1}', 'but in its own time');

-- Two tables that swap their names, and swap them back.
SELECT pg_temp.shape('swapped', '{id}', pg_temp.columns('id', 'integer'), 1, 42000);
SELECT pg_temp.change('2026-03-07 10:00+00', 700, 'swapped', 'CREATE', '{}', '{"id": 1}');
SELECT pg_temp.shape('swapped', '{id}', pg_temp.columns('id', 'integer'), 710, 42001);
SELECT pg_temp.change('2026-03-07 11:00+00', 710, 'swapped', 'CREATE', '{}', '{"id": 7}');
SELECT pg_temp.shape('swapped', '{id}', pg_temp.columns('id', 'integer'), 720, 42000);
SELECT pg_temp.change('2026-03-07 12:00+00', 720, 'swapped', 'CREATE', '{}', '{"id": 2}');
SELECT pg_temp.change('2026-03-07 13:00+00', 730, 'swapped', 'DELETE', '{"id": 2}', '{}');
SELECT is(pg_temp.was('1', '2026-03-07 12:30+00', 'swapped'), 'error: what the record was is not certain: another table had its name for a time',
    'of a table that has its name again, a record of before is not said to be gone');
SELECT is((SELECT array_agg(d.doubt) FROM changes.find_table('swapped', NULL, NULL) AS t, changes.doubts(t, '2026-03-07 12:30+00') AS d),
    ARRAY['another table had its name for a time'], 'the table says so');
SELECT is(pg_temp.was('2', '2026-03-07 12:30+00', 'swapped'), '{"id": 2}', 'what came since is known');
SELECT is(pg_temp.was('2', '2026-03-07 13:30+00', 'swapped'), NULL, 'and what went');
SELECT is(pg_temp.was('1', '2026-03-07 10:30+00', 'swapped'), '{"id": 1}', 'so is what was before');
SELECT is(pg_temp.was('7', '2026-03-07 11:30+00', 'swapped'), '{"id": 7}', 'and what was between');

-- Since when the trail tells: what was dropped does not come back with longer retentions.
SELECT is(changes.known_since(1), '2026-03-01 00:00+00'::timestamptz, 'the trail begins when the source was registered');
INSERT INTO changes.drops (partition, lower_bound, upper_bound, rows, held, retention)
VALUES ('changes_p1', '2026-02-01 00:00+00', '2026-03-02 00:00+00', 5, 1, '30 days'), ('changes.held', '2026-03-03 00:00+00', '2026-03-04 00:00+00', 5, 0, '30 days');
SELECT is(changes.known_since(1), '2026-03-02 00:00+00'::timestamptz, 'or where the last dropped partition ended');

-- Held rows: known since the hold, over partitions that went after it.
UPDATE changes.sources SET registered_at = '2026-01-01 00:00+00';
SELECT is(changes.known_since(1, 'public', 'users'), '2026-03-02 00:00+00'::timestamptz, 'of a table that nothing holds no more is known');
INSERT INTO changes.holds (schema, "table", retention, reason, placed_at) VALUES ('public', 'users', 'unlimited', 'case', now() - interval '1 day');
SELECT is(changes.known_since(1, 'public', 'users'), '2026-02-01 00:00+00'::timestamptz, 'of one that was held before they went, since they began');
SELECT is(changes.known_since(1, 'public', 'orders'), '2026-03-02 00:00+00'::timestamptz, 'of another table it is as before');
INSERT INTO changes.drops (partition, lower_bound, upper_bound, rows, held, retention, dropped_at)
VALUES ('changes_p0', '2026-01-01 00:00+00', '2026-02-01 00:00+00', 5, 1, '30 days', now() - interval '2 days');
SELECT is(changes.known_since(1, 'public', 'users'), '2026-02-01 00:00+00'::timestamptz, 'but not what went before the hold');
SELECT lives_ok($$SELECT changes.as_of('users', '1', '2026-02-10 00:00+00')$$, 'such a time can be asked about');
SELECT throws_like($$SELECT changes.as_of('users', '1', '2026-01-10 00:00+00')$$, '%begins at 2026-02-01%', 'and no earlier one');

SELECT * FROM finish();
ROLLBACK;
