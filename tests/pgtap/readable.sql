-- Questions act with the rights of whoever asks: which rows they read, and what they say of records that he may not see.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(19);
SELECT throws_ok('SELECT changes.readable()', '42P01', 'there is no trail in this database', 'before setup() it says so');
\ir made/shop.sql
SET LOCAL client_min_messages = warning;
SELECT pg_temp.change('2026-03-02 10:00+00', 10, 'users', 'CREATE', '{}', '{"id": 1, "name": "a", "email": null}');
SELECT pg_temp.change('2026-03-02 10:01+00', 20, 'lines', 'CREATE', '{}', '{"order_id": 1, "product": "p", "amount": 1}', key => '(1,p)');

-- What another part of setup() may make: rows that are held, and the view with them.
DROP VIEW IF EXISTS changes.trail, changes.changes CASCADE;
DROP TABLE IF EXISTS changes.held CASCADE;
CREATE TABLE changes.held (LIKE public.changes);
SELECT is(changes.readable(), 'public.changes', 'without the view of all rows, the table is read');
CREATE VIEW changes.trail AS SELECT * FROM public.changes UNION ALL SELECT * FROM changes.held;
SELECT is(changes.readable(), 'public.changes', 'nothing is held: the table is read');
INSERT INTO changes.held SELECT * FROM public.changes;
UPDATE changes.held SET primary_key = '7', after = '{"id": 7}', position = 5, id = gen_random_uuid();
SELECT is(changes.readable(), 'changes.trail', 'rows are held: the view with both is read');
SELECT is((SELECT count(*)::integer FROM changes.history('users', '7')), 1, 'a held row has its history');
SELECT is((SELECT count(*)::integer FROM changes.find(since => '2026-03-01')), 4, 'and is found');
SELECT changes.create_differences();
SELECT is((SELECT count(*)::integer FROM changes.differences), 4, 'the view of differences has it, once setup() has run');

CREATE ROLE waltrail_test_reader;
GRANT USAGE ON SCHEMA changes TO waltrail_test_reader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA changes TO waltrail_test_reader;
GRANT ALL ON ALL TABLES IN SCHEMA pg_temp TO waltrail_test_reader;
SET LOCAL ROLE waltrail_test_reader;
SELECT throws_ok('SELECT changes.readable()', '42501', 'permission denied for the trail', 'who may read nothing is told so');
SELECT throws_ok($$SELECT changes.history('users', '1')$$, '42501', NULL, 'by the questions as well');
RESET ROLE;

-- A reader of the table alone.
GRANT SELECT ON public.changes TO waltrail_test_reader;
SET LOCAL ROLE waltrail_test_reader;
SELECT is(changes.readable(), 'public.changes', 'who may not see held rows reads the table');
SELECT is((SELECT count(*)::integer FROM changes.history('users', '1')), 1, 'history works without the records beside the trail');
SELECT is((SELECT count(*)::integer FROM changes.find(context => '{}')), 2, 'so does find');
SELECT throws_ok($$SELECT changes.as_of('users', '1', '2026-03-05')$$, '42704', NULL, 'the past does not: how far the trail reaches is not known');
RESET ROLE;
GRANT SELECT ON changes.sources, changes.applied, changes.relations TO waltrail_test_reader;
SET LOCAL ROLE waltrail_test_reader;
SELECT is((SELECT p."row"->>'name' FROM changes.as_of('users', '1', '2026-03-05') AS p), 'a', 'with sources, applied and relations it does');
SELECT lives_ok('SELECT * FROM changes.lag()', 'and lag()');
RESET ROLE;

-- A reader of some tables only.
REVOKE SELECT ON public.changes FROM waltrail_test_reader;
CREATE OR REPLACE VIEW changes.changes WITH (security_barrier) AS SELECT * FROM changes.trail AS t WHERE t."table" = 'lines';
GRANT SELECT ON changes.changes TO waltrail_test_reader;
SET LOCAL ROLE waltrail_test_reader;
SELECT is(changes.readable(), 'changes.changes', 'who was granted some tables reads the view of these');
SELECT is((SELECT count(*)::integer FROM changes.history('lines', '(1,p)')), 1, 'the history of a granted table');
SELECT throws_ok($$SELECT changes.history('users', '1')$$, '42P01', NULL, 'of another one, not even that it is known');
SELECT is((SELECT array_agg(f."table"::text) FROM changes.find(since => '2026-03-01') AS f), '{lines,lines}', 'nor is it found');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
