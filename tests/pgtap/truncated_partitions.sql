-- The TRUNCATE of a single partition stands under that partition's name. It belongs to the partitioned table: who may read that one sees it,
-- and who holds that one keeps it. Nothing else does either by it.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(10);
\ir made/shop.sql
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';
SELECT pg_temp.shape('orders', '{id}', pg_temp.columns('id', 'integer', 'name', 'text'), leaf => 'part_1');
SELECT pg_temp.shape('secret', '{id}', pg_temp.columns('id', 'integer', 'name', 'text'), leaf => 'part_2');
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name) VALUES (2, 'other', 2, 2, 'other', 's');
SELECT pg_temp.change('2026-03-05 10:00+00', 400, 'orders', 'CREATE', '{}', '{"id": 1, "name": "x"}');
SELECT pg_temp.change('2026-03-05 10:01+00', 401, 'part_1', 'CREATE', '{}', '{"id": 7, "name": "before it was a partition"}');
SELECT pg_temp.change('2026-03-05 10:02+00', 402, 'secret', 'CREATE', '{}', '{"id": 1, "name": "y"}');
SELECT pg_temp.change('2026-03-05 11:00+00', 410, 'part_1', 'TRUNCATE', '{}', '{}');
SELECT pg_temp.change('2026-03-05 11:00+00', 411, 'part_2', 'TRUNCATE', '{}', '{}');
SELECT pg_temp.change('2026-03-05 11:00+00', 412, 'part_1', 'TRUNCATE', '{}', '{}', database => 'other');
INSERT INTO changes.quarantine (id, source_id, commit_lsn, sequence, schema, "table", operation, sqlstate, error, frame)
SELECT gen_random_uuid(), source, '0/1', n, 'public', t, o, '22000', '', ''
  FROM (VALUES (1, 1, 'part_1', 'TRUNCATE'), (2, 1, 'part_1', 'CREATE'), (3, 1, 'part_2', 'TRUNCATE'), (4, 2, 'part_1', 'TRUNCATE')) AS v (n, source, t, o);
CREATE ROLE waltrail_test_some;
SELECT changes.grant_reader('waltrail_test_some', '{public.orders}');
GRANT ALL ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC;  -- pgTAP's

SET LOCAL ROLE waltrail_test_some;
SELECT results_eq('SELECT position, "table"::text FROM changes.changes ORDER BY 1', $$VALUES (400::bigint, 'orders'), (410, 'part_1')$$,
    'a reader of a table sees the TRUNCATE of its partitions, and nothing else of that name');
SELECT results_eq('SELECT sequence FROM changes.quarantine', ARRAY[1::bigint], 'and what of it is in quarantine');
RESET ROLE;
DELETE FROM changes.quarantine;
SET LOCAL ROLE waltrail_test_some;
SELECT is(p.doubt, 'partition "part_1" was truncated by itself', 'so he is told the doubt') FROM changes.as_of('orders', '2026-03-05 12:00+00') AS p;
SELECT throws_ok($$SELECT * FROM changes.as_of('orders', '1', '2026-03-05 12:00+00')$$, '55000', NULL, 'or refused');
RESET ROLE;

-- Holds.
SELECT changes.set_retention('1 day');
SELECT changes.hold('public', 'orders', database => 'shop', reason => 'test');
SELECT changes.hold_rows('public.changes_march', '2026-04-01');
SELECT results_eq('SELECT position FROM changes.held ORDER BY 1', ARRAY[400::bigint, 410], 'a hold keeps the TRUNCATE of a partition with its table');
SELECT changes.hold('public', 'orders', reason => 'of every source');
SELECT is(changes.hold_rows('public.changes_march', '2026-04-01'), 0::bigint, 'of a source where that name is another table, nothing');
SELECT is(changes.has_unheld(), false, 'what is held stays');
SELECT changes.release(h.id) FROM changes.holds AS h;
SELECT is(changes.has_unheld(), true, 'as long as it is');
SELECT changes.drop_unheld();
SELECT is_empty('SELECT FROM changes.held', 'and then goes');
SELECT changes.hold('public', reason => 'the schema');
SELECT is(changes.hold_rows('public.changes_march', '2026-04-01'), 4::bigint, 'a hold of a schema keeps all of these');
SELECT * FROM finish();
ROLLBACK;
