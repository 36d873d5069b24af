-- A script for all of a time, or for all that has a context, says what the trail may lack of it, also where that lies beside the changes that are found.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(42);
\ir made/shop.sql
SET LOCAL client_min_messages = error;
\ir made/refusal.sql
-- The doubt that a script has in its opening.
CREATE FUNCTION pg_temp.doubt(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    EXECUTE format('SELECT string_agg(s, E''\n'') FROM changes.revert_sql(%s) AS s WHERE s ~ ''^--''', arguments) INTO line;
    RETURN coalesce(line, 'none');
END
$$;
SELECT pg_temp.change('2026-03-06 08:00+00', 390, 'users', 'CREATE', '{}', '{"id": 1, "name": "a", "email": null}');
SELECT pg_temp.change('2026-03-06 09:00+00', 400, 'users', 'CREATE', '{}', '{"id": 2, "name": "b", "email": null}');
SELECT pg_temp.change('2026-03-06 10:01+00', 500, 'users', 'CREATE', '{}', '{"id": 3, "name": "c", "email": null}', '{"request": "r1"}');
SELECT pg_temp.change('2026-03-06 10:10+00', 520, 'users', 'CREATE', '{}', '{"id": 4, "name": "d", "email": null}');
SELECT is(pg_temp.refusal($$since => '2026-03-06 10:00+00'$$), 'none', 'a time of which nothing is missing');
SELECT is(pg_temp.refusal($$context => '{"request": "r1"}'$$), 'none', 'so a context');
SELECT is(pg_temp.doubt($$context => '{"request": "r1"}'$$), 'none', 'without a doubt');

-- A change in quarantine.
SAVEPOINT quarantine;
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name) VALUES (2, 'other', 2, 2, 'other', 's');
INSERT INTO changes.quarantine (id, source_id, commit_lsn, sequence, schema, "table", operation, sqlstate, error, frame)
SELECT pg_temp.id_at('2026-03-06 10:05:00.5+00', source::text), source, '0/1FE', 0, 'public', 'lines', 'UPDATE', '23514', 'no', '' FROM generate_series(1, 2) AS source;
SELECT is(pg_temp.refusal($$since => '2026-03-06 10:00+00'$$), 'change ID of that time is in changes.quarantine.', 'a change of another transaction of that time, in quarantine');
SELECT is(pg_temp.refusal($$since => '2026-03-06 10:00+00', until => '2026-03-06 10:05:00.500001+00'$$), 'change ID of that time is in changes.quarantine.', 'up to the microsecond');
SELECT is(pg_temp.refusal($$since => '2026-03-06 10:00+00', until => '2026-03-06 10:05:00.5+00'$$), 'none', 'a time that ends before it');
SELECT is(pg_temp.refusal($$since => '2026-03-06 10:05:00.500001+00'$$), 'none', 'or begins after it');
SELECT is(pg_temp.refusal($$until => '2026-03-06 10:06+00'$$), 'change ID of that time is in changes.quarantine.', 'a time without a beginning');
SELECT is(pg_temp.refusal($$context => '{"request": "r1"}'$$), 'change ID of that time is in changes.quarantine.', 'whose context nobody knows');
SELECT is(pg_temp.refusal($$context => '{"request": "r1"}', until => '2026-03-06 10:05+00'$$), 'none', 'unless it is of another time');
SELECT is(pg_temp.refusal('transaction_id => 50'), 'none', 'a transaction is whole without it');
SELECT is(pg_temp.refusal($$transaction_id => 50, since => '2026-03-06 10:00+00'$$), 'none', 'also with its time');
SELECT is(pg_temp.refusal(format('change_id => %L', pg_temp.id_at('2026-03-06 10:01+00', 'shop500'))), 'none', 'and a change by its id');
INSERT INTO changes.quarantine (id, source_id, commit_lsn, sequence, schema, "table", operation, sqlstate, error, frame)
VALUES ('3c9f1d8e-5b7a-4c22-9d3e-0a1b2c3d4e5f', 1, '0/1FF', 0, 'public', 'lines', 'UPDATE', '23514', 'no', '');
SELECT is(pg_temp.refusal($$since => '2026-03-06 10:06+00'$$), 'change ID of that time is in changes.quarantine.', 'one whose time is not known may be of any');
ROLLBACK TO quarantine;

-- A gap, here between positions 450 and 460.
INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) VALUES (1, '0/1C2', '0/1CC', 'lost');
SELECT is(pg_temp.refusal($$since => '2026-03-06 10:00+00'$$), 'changes are missing between 0/1C2 and 0/1CC (lost).', 'a gap before the first change of that time');
SELECT is(pg_temp.refusal($$since => '2026-03-06 08:30+00', until => '2026-03-06 09:30+00'$$), 'changes are missing between 0/1C2 and 0/1CC (lost).', 'after the last one');
SELECT is(pg_temp.refusal($$since => '2026-03-06 08:30+00'$$), 'changes are missing between 0/1C2 and 0/1CC (lost).', 'between them');
SELECT is(pg_temp.refusal($$since => '2026-03-06 10:02+00'$$), 'none', 'not where a change behind the gap is of before');
SELECT is(pg_temp.refusal($$since => '2026-03-06 07:00+00', until => '2026-03-06 08:30+00'$$), 'none', 'nor where one before the gap is of after');
SELECT is(pg_temp.refusal($$context => '{"request": "r1"}'$$), 'changes are missing between 0/1C2 and 0/1CC (lost).', 'a context may have been in a gap');
SELECT is(pg_temp.refusal($$context => '{"request": "r1"}', since => '2026-03-06 10:00:30+00'$$), 'changes are missing between 0/1C2 and 0/1CC (lost).', 'also with a time that may have been');
SELECT is(pg_temp.refusal($$until => '2026-03-06 08:30+00'$$), 'none', 'a time without a beginning, before it');
SELECT is(pg_temp.refusal($$until => '2026-03-06 10:30+00'$$), 'changes are missing between 0/1C2 and 0/1CC (lost).', 'and after it');
SELECT is(pg_temp.refusal('transaction_id => 50'), 'none', 'a transaction is whole beside it');
ROLLBACK TO quarantine;

-- A time before the trail begins.
SELECT is(pg_temp.refusal($$since => '2026-02-28 23:59:59+00'$$), 'the trail of database "shop" begins at 2026-03-01 00:00:00+00.', 'a time before the source was followed');
SELECT is(pg_temp.refusal($$since => '2026-03-01 00:00+00'$$), 'none', 'from then on it is whole');
SELECT is(pg_temp.doubt($$until => '2026-03-07'$$), 'none', 'without since all that there ever was');
INSERT INTO changes.drops (partition, lower_bound, upper_bound, rows, held, retention) VALUES ('changes_p1', '2026-03-01 00:00+00', '2026-03-05 00:00+00', 5, 0, '30 days');
SELECT is(pg_temp.refusal($$since => '2026-03-04 00:00+00'$$), 'the trail of database "shop" begins at 2026-03-05 00:00:00+00.', 'a time that the retention has taken');
SELECT is(pg_temp.refusal($$since => '-infinity'$$), 'the trail of database "shop" begins at 2026-03-05 00:00:00+00.', 'all times');
SELECT is(pg_temp.refusal($$context => '{"request": "r1"}', since => '2026-03-04 00:00+00'$$), 'the trail of database "shop" begins at 2026-03-05 00:00:00+00.', 'with a context, too');
SELECT is(pg_temp.refusal($$since => '2026-03-05 00:00+00'$$), 'none', 'what is left is whole');
SELECT is(pg_temp.doubt($$context => '{"request": "r1"}'$$), '-- Older changes may be missing here: the retention has dropped what was committed before 2026-03-05 00:00:00+00.', 'a context may be older: the script says so');
SELECT is(pg_temp.doubt($$until => '2026-03-07'$$), '-- Older changes may be missing here: the retention has dropped what was committed before 2026-03-05 00:00:00+00.', 'so may be a time without a beginning');
SELECT is(pg_temp.doubt($$context => '{"request": "r1"}', since => '2026-03-05 00:00+00'$$), 'none', 'not with one');
SELECT is(pg_temp.doubt('transaction_id => 50'), 'none', 'nor a transaction');
UPDATE changes.sources SET registered_at = '2026-03-06 00:00+00';
SELECT is(pg_temp.doubt($$context => '{"request": "r1"}'$$), 'none', 'what was dropped before the source was followed was not of it');
ROLLBACK TO quarantine;

-- A record that was erased before the first change that is left.
INSERT INTO changes.erasures (erased_at, reason, action, schema, "table", changes) VALUES ('2026-03-06 09:30+00', 'asked to', 'rows', 'public', 'lines', 1);
SELECT is(pg_temp.refusal($$since => '2026-03-06 09:15+00'$$), 'changes of table public.lines were erased since, which may have been among them.', 'what was erased may have been of that time');
SELECT is(pg_temp.refusal($$since => '2026-03-06 09:31+00'$$), 'none', 'not if the time begins later');
SELECT is(pg_temp.refusal('transaction_id => 50'), 'none', 'nor of a transaction that came later');
SELECT is(pg_temp.doubt($$context => '{"request": "r1"}'$$), '-- Older changes may be missing here: records were erased with all their changes.', 'of a context the script says it');
SELECT is(pg_temp.refusal($$context => '{"request": "r1"}', since => '2026-03-06 09:15+00'$$), 'changes of table public.lines were erased since, which may have been among them.', 'unless there is a time');
ROLLBACK TO quarantine;

SELECT throws_ok($$SELECT changes.revert_sql(since => '2026-03-07', until => '2026-03-06')$$, 'P0002', NULL, 'a time that ends before it begins has no changes');
SELECT * FROM finish();
ROLLBACK;
