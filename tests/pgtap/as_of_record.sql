-- A record as it was, to the microsecond; and the errors where that is not known.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(48);
\ir made/shop.sql
SET LOCAL client_min_messages = warning;
CREATE FUNCTION pg_temp.was(key text, at timestamptz, name text DEFAULT 'users') RETURNS jsonb LANGUAGE sql AS $$
    SELECT p."row" FROM changes.as_of(name, key, at) AS p
$$;

-- What is asked.
SELECT throws_ok($$SELECT changes.as_of('users', NULL, '2026-03-05')$$, '22004', 'the primary key must not be NULL', 'no key');
SELECT throws_ok($$SELECT changes.as_of('users', '1', NULL)$$, '22004', 'the time must not be NULL', 'no time');
SELECT throws_ok($$SELECT changes.as_of('nowhere', '1', '2026-03-05')$$, '42P01', 'the trail knows no table "nowhere"', 'an unknown table');
SELECT throws_like($$SELECT changes.as_of('users', '1', '2026-02-28 23:59:59.999999+00')$$, 'the trail of database "shop" begins at 2026-03-01 %', 'before the trail begins');
SELECT lives_ok($$SELECT changes.as_of('users', '1', '2026-03-01 00:00+00')$$, 'where it begins');
SELECT lives_ok($$SELECT changes.as_of('users', '1', '2026-03-10 00:00+00')$$, 'at the horizon, a second before the newest commit');
SELECT throws_like($$SELECT changes.as_of('users', '1', '2026-03-10 00:00:00.000001+00')$$, 'the trail of database "shop" reaches to 2026-03-10 %', 'past the horizon');
SELECT throws_ok($$SELECT changes.as_of('users', '1', 'infinity')$$, '55000', NULL, 'the far future is past it, too');
SELECT is_empty($$SELECT changes.as_of('users', '1', '2026-03-05')$$, 'a record without changes is not in the trail');

-- The life of a record.
SELECT pg_temp.change('2026-03-02 10:00:00.100001+00', 10, 'users', 'CREATE', '{}', '{"id": 1, "name": "a", "email": null}');
SELECT pg_temp.change('2026-03-02 10:00:00.100003+00', 20, 'users', 'UPDATE', '{"id": 1, "name": "a", "email": null}', '{"id": 1, "name": "b", "email": "x"}');
SELECT pg_temp.change('2026-03-02 10:00:00.100005+00', 30, 'users', 'DELETE', '{"id": 1, "name": "b", "email": "x"}', '{}');
SELECT is(pg_temp.was('1', '2026-03-02 10:00:00.1+00'), NULL, 'before it was made');
SELECT is(pg_temp.was('1', '2026-03-02 10:00:00.100001+00'), '{"id": 1, "name": "a", "email": null}', 'when it was made');
SELECT is(pg_temp.was('1', '2026-03-02 10:00:00.100002+00'), '{"id": 1, "name": "a", "email": null}', 'a microsecond later');
SELECT is(pg_temp.was('1', '2026-03-02 10:00:00.100004+00'), '{"id": 1, "name": "b", "email": "x"}', 'after the UPDATE');
SELECT is(pg_temp.was('1', '2026-03-02 10:00:00.100005+00'), NULL, 'once it is deleted');
SELECT results_eq($$SELECT primary_key, changed_at, changes.commit_time(change_id), doubt FROM changes.as_of('users', '1', '2026-03-02 10:00:00.100004+00')$$,
    $$VALUES ('1', '2026-03-02 10:00:00.100003+00'::timestamptz, '2026-03-02 10:00:00.100003+00'::timestamptz, NULL::text)$$, 'and since when it was so');
CREATE TYPE pg_temp.typed AS (id integer, name text, email text);
SELECT results_eq($$SELECT r.* FROM changes.as_of('users', '1', '2026-03-02 10:00:00.100004+00') AS p, jsonb_populate_record(NULL::pg_temp.typed, p."row") AS r$$,
    $$VALUES (1, 'b', 'x')$$, 'into a typed row');

-- Several changes of a transaction have one time: the last of them counts.
SELECT pg_temp.change('2026-03-02 10:30+00', 35, 'users', 'CREATE', '{}', '{"id": 4, "name": "p", "email": null}');
SELECT pg_temp.change('2026-03-02 10:30+00', 36, 'users', 'UPDATE', '{"id": 4, "name": "p", "email": null}', '{"id": 4, "name": "q", "email": null}');
SELECT is(pg_temp.was('4', '2026-03-02 10:30+00')->>'name', 'q', 'the state that a transaction left');

-- A key that goes from hand to hand.
SELECT pg_temp.change('2026-03-02 11:00+00', 40, 'users', 'CREATE', '{}', '{"id": 2, "name": "c", "email": null}');
SELECT pg_temp.change('2026-03-02 11:01+00', 50, 'users', 'UPDATE', '{"id": 2, "name": "c", "email": null}', '{"id": 3, "name": "c", "email": null}');
SELECT pg_temp.change('2026-03-02 11:02+00', 60, 'users', 'CREATE', '{}', '{"id": 2, "name": "d", "email": null}');
SELECT is(pg_temp.was('2', '2026-03-02 11:00:30+00')->>'name', 'c', 'before its key changes');
SELECT is(pg_temp.was('2', '2026-03-02 11:01:30+00'), NULL, 'a row that got another key is not under the old one');
SELECT is(pg_temp.was('3', '2026-03-02 11:01:30+00')->>'name', 'c', 'but under the new one');
SELECT is(pg_temp.was('3', '2026-03-02 11:00:30+00'), NULL, 'and not before');
SELECT is(pg_temp.was('2', '2026-03-02 11:02:30+00')->>'name', 'd', 'the next row with the key');

-- A row that comes to a key is written before the unique index is asked: another one that leaves the key meanwhile has the higher position.
SELECT pg_temp.change('2026-03-02 11:30:00.1+00', 61, 'users', 'CREATE', '{}', '{"id": 30, "name": "first", "email": null}');
SELECT pg_temp.change('2026-03-02 11:30:00.3+00', 651, 'users', 'CREATE', '{}', '{"id": 30, "name": "second", "email": null}');
SELECT pg_temp.change('2026-03-02 11:30:00.2+00', 661, 'users', 'DELETE', '{"id": 30, "name": "first", "email": null}', '{}');
SELECT pg_temp.change('2026-03-02 11:31:00.3+00', 671, 'users', 'UPDATE', '{"id": 31, "name": "third", "email": null}', '{"id": 30, "name": "third", "email": null}');
SELECT pg_temp.change('2026-03-02 11:31:00.2+00', 681, 'users', 'UPDATE', '{"id": 30, "name": "second", "email": null}', '{"id": 32, "name": "second", "email": null}');
SELECT pg_temp.change('2026-03-02 11:32:00.3+00', 691, 'users', 'CREATE', '{}', '{"id": 32, "name": "same", "email": null}');
SELECT pg_temp.change('2026-03-02 11:32:00.2+00', 701, 'users', 'DELETE', '{"id": 32, "name": "second", "email": null}', '{}');
SELECT is((SELECT array_agg(pg_temp.was('30', '2026-03-02 11:30+00'::timestamptz + s * interval '1 second')->>'name') FROM unnest(ARRAY[0.15, 0.25, 0.35, 60.25, 60.35]) AS s),
    '{first,NULL,second,NULL,third}', 'who came later to a key than another left it is there, whatever the positions');
SELECT is((SELECT array_agg(pg_temp.was('32', '2026-03-02 11:30+00'::timestamptz + s * interval '1 second')->>'name') FROM unnest(ARRAY[60.15, 60.25, 120.25, 120.35]) AS s),
    '{NULL,second,NULL,same}', 'also where the former row had come from elsewhere');
SELECT is_empty(
    $$SELECT at, key FROM generate_series('2026-03-02 11:29:59.95+00', '2026-03-02 11:32:01+00', interval '0.1 seconds') AS at, generate_series(30, 32) AS key
       WHERE extract(second FROM at) < 0.5
         AND pg_temp.was(key::text, at) IS DISTINCT FROM (SELECT p."row" FROM changes.as_of('users', at) AS p WHERE p.primary_key = key::text)$$,
    'in the table as well');

-- Known only from a later change.
SELECT pg_temp.change('2026-03-02 12:00+00', 70, 'users', 'UPDATE', '{"id": 7, "name": "old", "email": null}', '{"id": 7, "name": "new", "email": null}');
SELECT pg_temp.change('2026-03-02 12:01+00', 80, 'users', 'UPDATE', '{"id": 8, "name": "moves", "email": null}', '{"id": 9, "name": "moves", "email": null}');
SELECT is(pg_temp.was('7', '2026-03-02 00:00+00')->>'name', 'old', 'a record whose first change is later was what that change found');
SELECT results_eq($$SELECT changed_at, change_id FROM changes.as_of('users', '7', '2026-03-02 00:00+00')$$, $$VALUES (NULL::timestamptz, NULL::uuid)$$, 'since when is not known');
SELECT is(pg_temp.was('8', '2026-03-02 00:00+00')->>'name', 'moves', 'also one that is moved to another key');
SELECT is(pg_temp.was('9', '2026-03-02 00:00+00'), NULL, 'where it was not yet');
SELECT is(pg_temp.was('8', '2026-03-03 00:00+00'), NULL, 'and is no longer under the first');

-- TRUNCATE.
SELECT pg_temp.change('2026-03-02 13:00+00', 90, 'users', 'TRUNCATE', '{}', '{}');
SELECT pg_temp.change('2026-03-02 13:01+00', 100, 'users', 'CREATE', '{}', '{"id": 3, "name": "after", "email": null}');
SELECT is(pg_temp.was('3', '2026-03-02 12:59+00')->>'name', 'c', 'before a TRUNCATE');
SELECT is(pg_temp.was('3', '2026-03-02 13:00+00'), NULL, 'after it');
SELECT is(pg_temp.was('3', '2026-03-02 13:01+00')->>'name', 'after', 'and made again');

-- Not logged whole: unchanged TOAST values are in earlier changes, also under an earlier key.
SELECT pg_temp.shape('parts', '{id}', pg_temp.columns('id', 'integer', 'big', 'text', 'n', 'integer'), identity => 'd');
SELECT pg_temp.change('2026-03-03 10:00+00', 200, 'parts', 'CREATE', '{}', '{"id": 1, "big": "B", "n": 1}');
SELECT pg_temp.change('2026-03-03 10:01+00', 210, 'parts', 'UPDATE', '{}', '{"id": 1, "n": 2}');
SELECT pg_temp.change('2026-03-03 10:02+00', 220, 'parts', 'UPDATE', '{"id": 1}', '{"id": 2, "n": 3}');
SELECT pg_temp.change('2026-03-03 10:03+00', 230, 'parts', 'UPDATE', '{}', '{"id": 2, "n": 4}');
SELECT is(pg_temp.was('1', '2026-03-03 10:01+00', 'parts'), '{"id": 1, "big": "B", "n": 2}', 'a value that was not logged is taken from before');
SELECT is(pg_temp.was('2', '2026-03-03 10:03+00', 'parts'), '{"id": 2, "big": "B", "n": 4}', 'across a change of the key');
SELECT pg_temp.change('2026-03-03 11:00+00', 240, 'parts', 'UPDATE', '{}', '{"id": 5, "n": 4}');
SELECT throws_ok($$SELECT changes.as_of('parts', '5', '2026-03-03 12:00+00')$$, '55000', 'the record was not logged whole: its columns big are not known',
    'where no change has the value, that is an error');
SELECT throws_ok($$SELECT changes.as_of('parts', '5', '2026-03-03 10:00+00')$$, '55000', 'the record was there, but what it held is not known', 'so is an old row that was not logged');
SELECT pg_temp.change('2026-03-03 12:00+00', 250, 'parts', 'DELETE', '{"id": 6}', '{}');
SELECT throws_ok($$SELECT changes.as_of('parts', '6', '2026-03-03 10:00+00')$$, '55000', 'the record was there, but what it held is not known', 'or of which only the key was');

-- A table that was dropped and made anew.
SELECT pg_temp.shape('temps', '{id}', pg_temp.columns('id', 'integer'), 1, 800);
SELECT pg_temp.change('2026-03-04 10:00+00', 300, 'temps', 'CREATE', '{}', '{"id": 1}');
SELECT pg_temp.shape('temps', '{id}', pg_temp.columns('id', 'integer'), 310, 801);
SELECT pg_temp.change('2026-03-04 11:00+00', 310, 'temps', 'CREATE', '{}', '{"id": 2}');
SELECT is(pg_temp.was('1', '2026-03-04 10:30+00', 'temps'), '{"id": 1}', 'before the table was made anew');
SELECT is(pg_temp.was('1', '2026-03-04 11:00+00', 'temps'), NULL, 'after that, its rows are gone');

-- What makes it uncertain: only after the record's last change, and only until the moment.
SELECT pg_temp.shape('logs', '{id}', pg_temp.columns('id', 'integer'), leaf => 'logs_1');
SELECT pg_temp.change('2026-03-05 10:00+00', 400, 'logs', 'CREATE', '{}', '{"id": 1}');
SELECT pg_temp.change('2026-03-05 11:00+00', 410, 'logs_1', 'TRUNCATE', '{}', '{}');
SELECT is(pg_temp.was('1', '2026-03-05 10:30+00', 'logs'), '{"id": 1}', 'before a partition is truncated by itself');
SELECT throws_ok($$SELECT changes.as_of('logs', '1', '2026-03-05 11:00+00')$$, '55000',
    'what the record was is not certain: partition "logs_1" was truncated by itself', 'after that, nobody knows whether it was in there');
INSERT INTO changes.quarantine (id, source_id, commit_lsn, sequence, schema, "table", operation, sqlstate, error, frame)
VALUES (pg_temp.id_at('2026-03-06 10:00+00', 'q'), 1, '0/1F4', 0, 'public', 'lines', 'UPDATE', '23514', 'no', '');
SELECT pg_temp.change('2026-03-06 09:00+00', 490, 'lines', 'CREATE', '{}', '{"order_id": 1, "product": "p", "amount": 1}', key => '(1,p)');
SELECT is(pg_temp.was('(1,p)', '2026-03-06 09:30+00', 'lines')->>'amount', '1', 'before a change that went to quarantine');
SELECT throws_like($$SELECT changes.as_of('lines', '(1,p)', '2026-03-06 10:00+00')$$, '%a change of the table is in changes.quarantine', 'after it');
SELECT pg_temp.change('2026-03-07 09:00+00', 600, 'lines', 'UPDATE', '{"order_id": 1, "product": "p", "amount": 1}', '{"order_id": 1, "product": "p", "amount": 2}', key => '(1,p)');
SELECT is(pg_temp.was('(1,p)', '2026-03-07 10:00+00', 'lines')->>'amount', '2', 'a later change makes it certain again');
INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) VALUES (1, '0/2BC', '0/320', 'slot was lost');
SELECT throws_like($$SELECT changes.as_of('lines', '(1,p)', '2026-03-07 10:00+00')$$, '%changes are missing: slot was lost', 'a gap that may lie before the moment is told');
SELECT pg_temp.change('2026-03-08 09:00+00', 650, 'users', 'CREATE', '{}', '{"id": 100, "name": "before the gap", "email": null}');
SELECT is(pg_temp.was('(1,p)', '2026-03-07 10:00+00', 'lines')->>'amount', '2', 'not one that is known to lie after it');

-- Marks, masks, and names.
SELECT pg_temp.change('2026-03-09 09:00+00', 900, 'users', 'CREATE', '{}', '{"id": 50, "name": "\\x00", "email": null}', '{"_waltrail": {"after": {"bytes_escaped": ["name"]}}}');
SELECT is(doubt, 'marked bytes_escaped: ["name"]', 'marked values are told') FROM changes.as_of('users', '50', '2026-03-09 10:00+00');

SELECT * FROM finish();
ROLLBACK;
