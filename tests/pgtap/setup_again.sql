-- setup() may be called at any time, and only its retention argument changes anything.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(21);
SELECT lives_ok('SELECT changes.setup()', 'the first call makes the trail');
SELECT results_eq($$SELECT value FROM changes.settings WHERE name = 'retention'$$, ARRAY['30 days'], 'for 30 days');
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position)
VALUES ('d', 's', 't', 'CREATE', 1, 1);
CREATE TEMPORARY TABLE partitions_before AS SELECT * FROM changes.partition_bounds();

SELECT lives_ok($$SELECT changes.setup('15 days')$$, 'the second call is no error');
SELECT results_eq($$SELECT value FROM changes.settings WHERE name = 'retention'$$, ARRAY['15 days'], 'a retention replaces the one before');
SELECT results_eq('SELECT count(*)::integer FROM public.changes', ARRAY[1], 'the rows are kept');
SELECT results_eq('SELECT * FROM changes.partition_bounds()', 'SELECT * FROM partitions_before', 'so are the partitions');
SELECT lives_ok($$SELECT changes.setup(retention => 'UNLIMITED')$$, 'unlimited in any case, by name');
SELECT results_eq($$SELECT value FROM changes.settings WHERE name = 'retention'$$, ARRAY['unlimited'], 'is stored as unlimited');
SELECT is(changes.parse_retention('unlimited'), NULL, 'and means no interval');
SELECT lives_ok('SELECT changes.setup()', 'a call without an argument');
SELECT results_eq($$SELECT value FROM changes.settings WHERE name = 'retention'$$, ARRAY['unlimited'], 'leaves the retention as it was');
SET LOCAL intervalstyle = 'sql_standard';
SELECT lives_ok($$SELECT changes.setup('1 year 2 mons 3 days 12:00')$$, 'any interval, under any IntervalStyle');
SELECT results_eq($$SELECT value FROM changes.settings WHERE name = 'retention'$$, ARRAY['1 year 2 mons 3 days 12:00:00'], 'is stored in one style');
RESET intervalstyle;

SELECT results_eq(
    $$SELECT premake, automatic_maintenance, infinite_time_partitions, ignore_default_data, retention
        FROM partman.part_config WHERE parent_table = 'public.changes'$$,
    $$VALUES (1, 'off', true, true, NULL::text)$$,
    'pg_partman drops nothing and runs nothing by itself');
UPDATE partman.part_config SET retention = '1 day', automatic_maintenance = 'on' WHERE parent_table = 'public.changes';
SELECT changes.setup();
SELECT results_eq(
    $$SELECT automatic_maintenance, retention FROM partman.part_config WHERE parent_table = 'public.changes'$$,
    $$VALUES ('off', NULL::text)$$, 'setup() sets that right again');

-- pg_partman made anew does not know the trail.
SET LOCAL client_min_messages = warning;
DROP EXTENSION pg_partman CASCADE;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT throws_ok('SELECT changes.premake_end()', '55000', 'table "public.changes" is not known to pg_partman',
    'a trail that pg_partman does not know is reported');
SELECT lives_ok($$SELECT changes.setup('30 days')$$, 'setup() makes it known');
SELECT results_eq('SELECT count(*)::integer FROM public.changes', ARRAY[1], 'and keeps the rows');
UPDATE partman.part_config SET premake = 6 WHERE parent_table = 'public.changes';
CREATE TEMPORARY TABLE made AS SELECT changes.make_partition(d) FROM changes.missing_ranges() AS d;
RESET search_path;
SELECT is(count(*)::integer, 2, 'partitions are made ahead again') FROM made;

DROP TABLE public.changes CASCADE;
SELECT lives_ok('SELECT changes.setup()', 'a trail that somebody dropped is made again');
SELECT is(count(*)::integer, 10, 'with all its partitions') FROM changes.partitions();

SELECT * FROM finish();
ROLLBACK;
