-- The trail is append-only for its owner and for superusers, at the root and at every partition, also at one made later.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(36);
SELECT changes.setup();
CREATE FUNCTION pg_temp.day(days_ahead integer) RETURNS timestamptz LANGUAGE sql STABLE SET timezone = 'UTC'
    AS 'SELECT date_trunc(''day'', now()) + make_interval(days => days_ahead)';
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
SELECT 'd', 's', 't', 'CREATE', 1, g, pg_temp.day(g) FROM unnest(ARRAY[0, 7, -9]) AS g;
SELECT p.partition AS today FROM changes.partitions() AS p WHERE p.lower_bound = pg_temp.day(0) \gset

CREATE FUNCTION pg_temp.refused(statement text, what text) RETURNS text LANGUAGE sql AS $$
    SELECT throws_like(statement, '%is refused: the trail is append-only', what)
$$;
SELECT pg_temp.refused('UPDATE public.changes SET operation = ''x''', 'an UPDATE is refused');
SELECT pg_temp.refused('DELETE FROM public.changes', 'a DELETE');
SELECT pg_temp.refused('DELETE FROM public.changes WHERE position = 0', 'of one row, too');
SELECT pg_temp.refused('TRUNCATE public.changes', 'a TRUNCATE');
SELECT pg_temp.refused('UPDATE public.changes SET committed_at = committed_at + interval ''1 day''', 'a move to another partition');
SELECT pg_temp.refused('INSERT INTO public.changes SELECT * FROM public.changes ON CONFLICT (id, committed_at) DO UPDATE SET operation = ''x''',
    'an INSERT that would update');
SELECT pg_temp.refused('MERGE INTO public.changes AS c USING (SELECT 1) AS o (n) ON c.position = 0 WHEN MATCHED THEN DELETE', 'a MERGE');
SELECT pg_temp.refused('UPDATE ' || :'today' || ' SET operation = ''x''', 'an UPDATE of a partition itself');
SELECT pg_temp.refused('DELETE FROM ONLY ' || :'today', 'a DELETE from one');
SELECT pg_temp.refused('TRUNCATE ' || :'today', 'a TRUNCATE of one');
SELECT pg_temp.refused('TRUNCATE ONLY ' || :'today', 'by itself');
SELECT pg_temp.refused('DELETE FROM public.changes_default', 'a DELETE from the default partition');
SELECT pg_temp.refused('TRUNCATE public.changes_default', 'a TRUNCATE of it');
SELECT throws_ok('DELETE FROM public.changes', '55000', 'DELETE on table "public.' || :'today' || '" is refused: the trail is append-only',
    'the table is named');
SELECT throws_like('TRUNCATE changes.settings, public.changes', '%append-only', 'a TRUNCATE of several tables');

-- Moving rows into a new partition, and dropping the expired ones of the default partition, is lawful.
CREATE TEMPORARY TABLE moved AS SELECT changes.make_partition(tstzrange(pg_temp.day(7), pg_temp.day(8))) AS rows;
RESET search_path;
SELECT is(rows, 1::bigint, 'a row moves into a partition that is made') FROM moved;
SELECT p.partition AS made FROM changes.partitions() AS p WHERE p.lower_bound = pg_temp.day(7) \gset
SELECT pg_temp.refused('DELETE FROM ' || :'made', 'which is protected at once');
SELECT pg_temp.refused('TRUNCATE ' || :'made', 'from TRUNCATE, too');
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name) VALUES (1, 'd', 1, 1, 'd', 'd');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at) VALUES (1, '0/1', '0/9', 1, now());
UPDATE changes.settings SET value = '3 days' WHERE name = 'retention';
SELECT lives_ok('SELECT changes.drop_expired(''public.changes_default'')', 'expired rows leave the default partition');
SELECT results_eq('SELECT position FROM public.changes ORDER BY 1', ARRAY[0, 7]::bigint[], 'and the others stay');
SELECT is_empty('SELECT FROM changes.permits', 'no permit stays behind');
SELECT pg_temp.refused('DELETE FROM public.changes', 'not even in the same transaction');

-- A partition that somebody makes and attaches is protected with the next setup(); its rows at once.
CREATE TABLE public.strange (LIKE public.changes);
SELECT format('ALTER TABLE public.changes ATTACH PARTITION public.strange FOR VALUES FROM (%L) TO (%L)',
              pg_temp.day(20), pg_temp.day(21)) \gexec
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
VALUES ('d', 's', 't', 'CREATE', 1, 20, pg_temp.day(20));
SELECT pg_temp.refused('DELETE FROM public.strange', 'rows of a table that was attached by hand stay');
SELECT lives_ok('SELECT changes.setup()', 'setup() may be called again');
SELECT pg_temp.refused('TRUNCATE public.strange', 'and protects it from TRUNCATE');
SELECT lives_ok('ALTER TABLE public.changes DETACH PARTITION public.strange', 'it can be detached');
SELECT lives_ok(format('ALTER TABLE public.changes ATTACH PARTITION public.strange FOR VALUES FROM (%L) TO (%L)',
                       pg_temp.day(20), pg_temp.day(21)), 'and attached again');

-- A trigger that was disabled is enabled by setup().
ALTER TABLE public.changes DISABLE TRIGGER waltrail_append_only;
ALTER TABLE public.changes DISABLE TRIGGER waltrail_append_only_truncate;
SELECT changes.setup();
SELECT pg_temp.refused('DELETE FROM public.changes', 'a trigger that was disabled is enabled by setup()');
SELECT pg_temp.refused('TRUNCATE public.changes', 'both of them');

-- A hundred partitions, made by hand.
SELECT format('CREATE TABLE public.by_hand_%s PARTITION OF public.changes FOR VALUES FROM (%L) TO (%L)', g, pg_temp.day(g), pg_temp.day(g + 1))
  FROM generate_series(100, 199) AS g \gexec
SELECT lives_ok('SELECT changes.setup()', 'setup() with a hundred partitions more');
SELECT is_empty($$SELECT p.relid FROM pg_partition_tree('public.changes') AS p
                   WHERE (SELECT count(*) FROM pg_trigger AS t WHERE t.tgrelid = p.relid AND t.tgname LIKE 'waltrail%' AND t.tgenabled = 'O') <> 2$$,
    'each has both triggers');
SELECT changes.setup();
SELECT is(count(*)::integer, 2 * 113, 'once, however often setup() is called') FROM pg_trigger AS t WHERE t.tgfoid = 'changes.refuse_change()'::regprocedure
   AND t.tgrelid IN (SELECT p.relid FROM pg_partition_tree('public.changes') AS p);

-- What is beside the trail.
INSERT INTO changes.erasures (reason, action, changes) VALUES ('r', 'rows', 1);
SELECT pg_temp.refused('DELETE FROM changes.erasures', 'what was erased is not forgotten');
SELECT throws_ok($$UPDATE changes.applied SET end_lsn = '0/8'$$, '55000', 'the recorded end 0/9 of source 1 cannot go back to 0/8',
    'the recorded end does not go back');
SELECT lives_ok($$UPDATE changes.applied SET end_lsn = '0/9', recorded_at = now()$$, 'it may stay');
SELECT lives_ok($$UPDATE changes.applied SET end_lsn = '0/A'$$, 'and go on');

SELECT * FROM finish();
ROLLBACK;
