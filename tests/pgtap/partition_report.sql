-- changes.partitions(): what each partition takes.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(18);
SELECT throws_ok('SELECT * FROM changes.partitions()', '42P01', NULL, 'before setup() there is no trail');
SELECT is_empty('SELECT * FROM changes.partition_bounds()', 'and there are no bounds');
SELECT changes.setup('unlimited', '1 day');
SELECT is(count(*)::integer, 10, 'an empty trail has its partitions') FROM changes.partitions();
SELECT is_empty('SELECT FROM changes.partitions() WHERE rows <> 0 OR heap_bytes <> 0 OR bytes_per_change IS NOT NULL OR is_sealed', 'without a row');
SELECT is_empty('SELECT FROM changes.partitions() WHERE total_bytes <> heap_bytes + toast_bytes + index_bytes OR total_bytes <> pg_total_relation_size(partition)', 'the parts are the whole');
SELECT results_eq('SELECT partition, lower_bound, upper_bound, is_default FROM changes.partitions()', 'SELECT * FROM changes.partition_bounds()',
    'bounds are the bounds');

INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, after)
SELECT 'd', 's', 't', 'CREATE', 1, g, jsonb_build_object('k', g, 'text', (SELECT string_agg(md5(g || '/' || h), '') FROM generate_series(1, 100) AS h)) FROM generate_series(1, 500) AS g;
SELECT partition AS today FROM changes.partition_bounds() WHERE lower_bound <= now() AND upper_bound > now() \gset
ANALYZE public.changes;
SELECT is(rows, 500::bigint, 'rows are counted by ANALYZE') FROM changes.partitions() WHERE partition = :'today'::regclass;
SELECT is(bytes_per_change, total_bytes / 500, 'bytes are told for each') FROM changes.partitions() WHERE partition = :'today'::regclass;
SELECT cmp_ok(toast_bytes, '>', heap_bytes, 'long values are told apart') FROM changes.partitions() WHERE partition = :'today'::regclass;
SELECT is(sum(rows)::bigint, 500::bigint, 'no other has rows') FROM changes.partitions();
UPDATE pg_class SET reltuples = 0 WHERE oid = :'today'::regclass;
SELECT is(changes.row_estimate(:'today'::regclass) IN (0, 500), true, 'an estimate is an estimate');
UPDATE pg_class SET reltuples = -1 WHERE oid = :'today'::regclass;
SELECT cmp_ok(changes.row_estimate(:'today'::regclass), '>=', 0::bigint, 'never below nothing');
SELECT is(changes.row_estimate(0), NULL, 'of a table that is gone there is none');

-- A hundred partitions, and names that need quotes.
CREATE TEMPORARY TABLE made AS
    SELECT count(changes.make_partition(tstzrange(d, d + interval '1 day')))
      FROM generate_series(date_trunc('day', now(), 'UTC') - interval '94 days', date_trunc('day', now(), 'UTC') - interval '5 days', interval '1 day') AS d;
RESET search_path;
ALTER TABLE :today RENAME TO "odd."" name's";
SELECT is(count(*)::integer, 100, 'a hundred partitions are told of') FROM changes.partitions();
SELECT is(partition::text, '"odd."" name''s"', 'by whatever name') FROM changes.partitions() WHERE heap_bytes > 0;
SELECT lives_ok('SELECT changes.settle_partition(p.partition) FROM changes.partition_bounds() AS p', 'each can be settled');

CREATE ROLE waltrail_test_nobody;
SET LOCAL ROLE waltrail_test_nobody;
SELECT throws_ok('SELECT * FROM changes.partitions()', '42501', NULL, 'not everybody may ask');
SELECT throws_ok($$SELECT changes.hold('s', reason => 'r')$$, '42501', NULL, 'nor hold anything');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
