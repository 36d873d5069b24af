-- A writer does what waltrail apply does, has partitions made and dropped by maintain(), and can do nothing else, whatever arguments and
-- settings it comes with. maintain() commits, so the file works in a database of its own, which it drops at the end.
\set home :DBNAME
\set own :DBNAME _writers
SET client_min_messages = warning;
DROP DATABASE IF EXISTS :"own" WITH (FORCE);
CREATE DATABASE :"own" TEMPLATE template0;
\c :"own"
SET client_min_messages = warning;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(51);
SELECT changes.setup('10 days');
CREATE ROLE waltrail_test_writing;
SELECT changes.grant_writer('waltrail_test_writing');
CREATE FUNCTION day(days_ahead integer) RETURNS timestamptz LANGUAGE sql STABLE SET timezone = 'UTC'
    AS 'SELECT date_trunc(''day'', now()) + make_interval(days => days_ahead)';
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name) VALUES (1, 'one', 1, 1, 'one', 's'), (2, 'two', 2, 2, 'two', 's');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline) VALUES (1, '0/1', '0/20', 1), (2, '0/1', '0/20', 1);

-- What apply does (apply/progress.cpp, relation_log.cpp, quarantine.cpp, copy_stream.cpp).
SET ROLE waltrail_test_writing;
SELECT lives_ok(s, 'a writer does: ' || regexp_replace(s, '\s+', ' ', 'g')) FROM unnest(ARRAY[
    'INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
     SELECT ''one'', ''s'', ''t'', ''CREATE'', 1, g, day(g) FROM generate_series(-12, 12) AS g',
    'SELECT id, label, system_identifier, database_oid FROM changes.sources WHERE database_name = ''one''',
    'SELECT start_lsn, end_lsn, timeline, last_commit_lsn FROM changes.applied WHERE source_id = 1',
    'UPDATE changes.applied SET end_lsn = ''0/30'', timeline = 1, changes = changes + 25, marked = marked + 0, recorded_at = now(),
            last_commit_lsn = ''0/28'', last_end_lsn = ''0/30'', last_transaction_id = 1, last_committed_at = now()
      WHERE source_id = 1 AND end_lsn = ''0/20''',
    'INSERT INTO changes.relations VALUES (1, 1, 10, ''s'', ''t'', ''s'', ''t'', ''f'', ''[]'', ''{}'') ON CONFLICT DO NOTHING',
    'UPDATE changes.relations SET from_position = 9 WHERE relation_oid = 1',
    'INSERT INTO changes.quarantine (id, source_id, commit_lsn, sequence, schema, "table", operation, sqlstate, error, part, frame)
     VALUES (gen_random_uuid(), 1, ''0/1'', 1, ''s'', ''t'', ''CREATE'', ''1'', ''e'', 0, '''') ON CONFLICT (id, part) DO NOTHING',
    'SELECT count(*) FROM changes.gaps', 'SELECT changes.trail_problem()', 'SELECT count(*) FROM changes.partition_bounds()', 'SELECT * FROM changes.clean_pending()']) AS s;
\copy public.changes (database, schema, "table", operation, transaction_id, position) FROM program 'printf "one\ts\tt\tCREATE\t1\t77\n"'
SET search_path = public, pg_temp;
SET timezone = 'Asia/Kolkata';
CALL changes.maintain();
SELECT is(current_user || ' ' || current_setting('search_path') || ' ' || current_setting('timezone'), 'waltrail_test_writing public, pg_temp Asia/Kolkata',
    'maintain() leaves a writer''s session as it was');
RESET timezone;
RESET ROLE;
SELECT results_eq('SELECT position FROM public.changes_default ORDER BY 1', 'SELECT g::bigint FROM generate_series(5, 12) AS g',
    'maintain() has moved and dropped rows for him');
SELECT is(count(*)::integer, 0, 'partitions are not his') FROM changes.partitions() AS p JOIN pg_class AS c ON c.oid = p.partition
 WHERE c.relowner = 'waltrail_test_writing'::regrole OR has_table_privilege('waltrail_test_writing', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE');

-- What he must not do.
CREATE TEMPORARY TABLE partitions_before AS SELECT * FROM changes.partition_bounds();
SELECT count(*) AS rows_before FROM public.changes \gset
SET ROLE waltrail_test_writing;
SELECT throws_ok(s, '42501', NULL, 'a writer is refused: ' || s) FROM unnest(ARRAY[
    'SELECT FROM public.changes', 'SELECT FROM changes.changes', 'UPDATE public.changes SET position = 1', 'DELETE FROM public.changes',
    'TRUNCATE public.changes', 'INSERT INTO public.changes_default SELECT', 'SELECT frame FROM changes.quarantine', 'DELETE FROM changes.quarantine',
    'UPDATE changes.quarantine SET error = ''''', 'DELETE FROM changes.applied', 'INSERT INTO changes.applied SELECT * FROM changes.applied',
    'UPDATE changes.applied SET source_id = 2', 'UPDATE changes.applied SET start_lsn = ''0/0''', 'UPDATE changes.sources SET label = ''x''',
    'INSERT INTO changes.sources SELECT * FROM changes.sources', 'UPDATE changes.relations SET columns = ''[]''', 'DELETE FROM changes.relations',
    'INSERT INTO changes.gaps SELECT * FROM changes.gaps', 'SELECT FROM changes.settings', 'INSERT INTO changes.permits VALUES (pg_current_xact_id())',
    'SELECT changes.setup()', 'SELECT changes.erase(''s'', ''t'', ''k'', ''r'')', 'SELECT changes.grant_reader(current_user)',
    'SELECT changes.permit_changes()', 'SELECT changes.make_partition(tstzrange(now(), now()))', 'SELECT changes.drop_expired(''public.changes_default'')',
    'SELECT changes.horizon(''one'')', 'SELECT changes.run_task(''premake'', now()::text, true)', 'SELECT changes.maintenance_tasks(''premake'')', 'CREATE TABLE changes.mine (i integer)', 'DROP TABLE public.changes']) AS s;
SELECT throws_like('UPDATE changes.applied SET end_lsn = ''0/1'' WHERE source_id = 1', 'the recorded end%cannot go back%', 'the recorded end does not go back for him');

-- Arguments that would have the owner do what he may not.
SET client_min_messages = error;
SELECT is(changes.run_writer_task('retention', p.partition::oid::text, true), true, 'a partition that has not expired')
  FROM changes.partition_bounds() AS p WHERE p.lower_bound <= now() AND p.upper_bound > now();
SELECT changes.run_writer_task('retention', 'changes.settings'::regclass::oid::text, true), changes.run_writer_task('premake', '2011-01-01 00:00:00+00', true),
       changes.run_writer_task('premake', now()::text, true), changes.run_writer_task('default', 'infinity', true), changes.run_writer_task('default', NULL, true),
       changes.run_writer_task('no such step', 'x', true), changes.run_writer_task(NULL, NULL, NULL), changes.writer_tasks('no such step'),
       changes.run_writer_task('retention', '0; DROP TABLE public.changes', true);
CREATE TEMPORARY TABLE pg_class (LIKE pg_catalog.pg_class);
CREATE TEMPORARY TABLE pg_inherits (LIKE pg_catalog.pg_inherits);
CREATE TEMPORARY TABLE changes_moved (i integer);
CALL changes.maintain();
RESET ROLE;
DROP TABLE pg_temp.pg_class, pg_temp.pg_inherits, pg_temp.changes_moved;
SELECT results_eq('SELECT * FROM changes.partition_bounds()', 'SELECT * FROM partitions_before', 'nothing was made or dropped by them');
SELECT is(count(*), :rows_before::bigint, 'no row is gone') FROM public.changes;
SELECT is_empty('SELECT FROM changes.permits', 'no permit is there');

-- A trail that has been given to a lesser owner since: its triggers would run with greater rights.
CREATE ROLE waltrail_test_lesser;
ALTER TABLE public.changes OWNER TO waltrail_test_lesser;
SET ROLE waltrail_test_writing;
SELECT throws_ok('SELECT changes.writer_tasks(''premake'')', '55000', NULL, 'a trail of a lesser owner is not maintained for a writer');
RESET ROLE;
ALTER TABLE public.changes OWNER TO CURRENT_USER;
DROP ROLE waltrail_test_lesser;
SELECT changes.revoke_all('waltrail_test_writing');
DROP ROLE waltrail_test_writing;
SELECT * FROM finish();
\c :"home"
SET client_min_messages = warning;
DROP DATABASE :"own" WITH (FORCE);
