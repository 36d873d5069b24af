-- maintain() commits, so it cannot run in a test's transaction: this file works in a database of its own and
-- drops it at the end. A second session, to hold locks, comes through dblink.
\set home :DBNAME
\set own :DBNAME _maintain
SET client_min_messages = warning;
DROP DATABASE IF EXISTS :"own" WITH (FORCE);
CREATE DATABASE :"own" TEMPLATE template0;
\c :"own"
SET client_min_messages = warning;
CREATE EXTENSION pgtap;
CREATE EXTENSION dblink;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(34);

SET timezone = 'Asia/Kolkata';
SELECT throws_ok('CALL changes.maintain()', '42P01', 'there is no trail in this database', 'before setup() it says so');
SELECT changes.setup('10 days');
CREATE FUNCTION day(days_ahead integer) RETURNS timestamptz LANGUAGE sql STABLE SET timezone = 'UTC'
    AS 'SELECT date_trunc(''day'', now()) + make_interval(days => days_ahead)';
CREATE VIEW place AS
    SELECT c.position AS days_ahead, c.tableoid = 'public.changes_default'::regclass AS is_default FROM public.changes AS c;

-- A row for each day from 40 days ago to 40 days ahead, numbered by its day, at the day's last second.
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
SELECT 'd', 's', 't', 'CREATE', 1, g, day(g + 1) - interval '1 second' FROM generate_series(-40, 40) AS g;
SELECT results_eq('SELECT array_agg(days_ahead ORDER BY 1) FROM place WHERE NOT is_default',
    'SELECT array_agg(g::bigint) FROM generate_series(-4, 4) AS g', 'rows of other days land in the default partition');

-- Nothing was applied yet: no reference to count the retention from.
UPDATE partman.part_config SET premake = 7;
CALL changes.maintain();
SELECT is(count(*)::integer, 81, 'no row is lost, for nothing was applied yet') FROM public.changes;
SELECT results_eq('SELECT array_agg(days_ahead ORDER BY 1) FROM place WHERE is_default',
    'SELECT array_agg(g::bigint) FROM generate_series(8, 40) AS g', 'only rows beyond the days ahead stay in the default partition');
SELECT is(max(upper_bound), day(8), 'the days ahead are made, in UTC') FROM changes.partitions();
SELECT is_empty('SELECT FROM changes.missing_ranges()', 'nothing is missing');
SELECT is(current_setting('timezone') || current_setting('search_path'), 'Asia/Kolkata"$user", public',
    'the session keeps its settings');
SELECT is_empty($$SELECT FROM pg_locks WHERE locktype = 'advisory'$$, 'no advisory lock stays behind');

-- The retention counts back from the newest applied time, where that is earlier than now.
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name)
VALUES (1, 'one', 1, 1, 'one', 's');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at)
VALUES (1, '0/1', '0/2', 1, now() - interval '20 days');
CALL changes.maintain();
SELECT is(min(days_ahead)::integer, -30, 'of a source that stopped 20 days ago, ten days are kept') FROM place;
UPDATE changes.applied SET last_committed_at = now() + interval '90 days';
CALL changes.maintain();
SELECT is(min(days_ahead)::integer, -10, 'a source whose clock is ahead drops nothing early') FROM place;
SELECT is(count(*)::integer, 51, 'newer rows are all there') FROM public.changes;
SELECT is(min(lower_bound), day(-10), 'the partitions are gone with their rows') FROM changes.partitions();
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
VALUES ('d', 's', 't', 'CREATE', 1, -11, day(-11)), ('d', 's', 't', 'CREATE', 1, -99, '1970-01-01'),
       ('d', 's', 't', 'CREATE', 1, 99, '2999-01-01');
CALL changes.maintain();
SELECT is(min(days_ahead)::integer, -10, 'late rows past the retention leave the default partition too') FROM place;
SELECT is(count(*)::integer, 19, 'the far future made no partitions') FROM changes.partitions();

SELECT changes.setup('unlimited', '1 day');
CREATE TEMPORARY TABLE partitions_before AS SELECT * FROM changes.partition_bounds();
CALL changes.maintain();
SELECT results_eq('SELECT * FROM changes.partition_bounds()', 'SELECT * FROM partitions_before', 'unlimited drops nothing');
SELECT changes.setup('5 days');

-- A reader holds everything: each step gives up, warns and lets the next one try; nobody waits long.
SELECT dblink_connect('reader', format('dbname=%L host=%s port=%s user=%s', current_database(),
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user));
SELECT dblink_exec('reader', 'BEGIN');
SELECT is(n, 52::bigint, 'a reader reads all') FROM dblink('reader', 'SELECT count(*) FROM public.changes') AS t (n bigint);
UPDATE partman.part_config SET premake = 8;
CREATE TEMPORARY TABLE clock AS SELECT clock_timestamp() AS started;
SET client_min_messages = error;
CALL changes.maintain();
SET client_min_messages = warning;
SELECT cmp_ok(clock_timestamp() - started, '<', interval '40 seconds', 'a locked trail does not hold maintain() up') FROM clock;
SELECT results_eq('SELECT * FROM changes.partition_bounds()', 'SELECT * FROM partitions_before', 'nothing is made or dropped behind a reader');
SELECT is(count(*)::integer, 52, 'no row is lost') FROM public.changes;
SELECT dblink_exec('reader', 'COMMIT');
CALL changes.maintain();
SELECT is(min(lower_bound)::text || max(upper_bound)::text, day(-5)::text || day(9)::text, 'the next run does all of it') FROM changes.partitions();

-- One step that cannot succeed stops no other: a table has the name of the next day's partition,
-- and a view depends on the oldest one.
SELECT substring(max(partition::text) FROM '^(changes_p)') AS partition_prefix FROM changes.partitions() WHERE NOT is_default \gset
SELECT format('CREATE TABLE public.%I (id integer)', :'partition_prefix'
              || to_char(day(9) AT TIME ZONE 'UTC',
                         (SELECT datetime_string FROM partman.part_config WHERE parent_table = 'public.changes'))) \gexec
SELECT format('CREATE VIEW public.oldest AS SELECT * FROM %s', partition) FROM changes.partitions() LIMIT 1 \gexec
UPDATE partman.part_config SET premake = 10;
SELECT changes.setup('3 days');
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
VALUES ('d', 's', 't', 'UPDATE', 1, 9, day(9));
SET client_min_messages = error;  -- the warnings are expected, here and below
CALL changes.maintain();
SELECT set_eq('SELECT days_ahead FROM place WHERE is_default AND days_ahead < 12', ARRAY[9, 11]::bigint[],
    'rows of a day that cannot be made stay where they are');
SELECT is(count(*)::integer, 2, 'all of them') FROM place WHERE days_ahead = 9;
SELECT is(max(upper_bound), day(11), 'the day after it is made') FROM changes.partitions();
SELECT is(array_agg(lower_bound ORDER BY 1), ARRAY[day(-5), day(-3)], 'one partition stays, the one after it is dropped')
  FROM changes.partitions() WHERE lower_bound < day(-2);
DROP VIEW public.oldest;
CALL changes.maintain();
SELECT is(min(lower_bound), day(-3), 'once nothing depends on it, it goes') FROM changes.partitions();

-- Two at a time: the second steps back.
SELECT dblink_exec('reader', 'BEGIN');
SELECT is(locked, true, 'another session maintains') FROM dblink('reader', 'SELECT changes.lock_trail(false)') AS t (locked boolean);
SELECT is(changes.maintenance_tasks('premake'), NULL, 'there is nothing to do then');
SELECT is(changes.run_task('premake', tstzrange(day(20), day(21))::text, false), false, 'a task is put off');
CALL changes.maintain();
SELECT dblink_exec('reader', 'ROLLBACK');  -- its lock would outlive a mere disconnect by a moment
SELECT dblink_disconnect('reader');

-- After an upgrade, before setup() has made what is new.
ALTER TABLE changes.held RENAME TO held_later;
ALTER TABLE changes.holds RENAME TO holds_later;
UPDATE partman.part_config SET premake = 11;
CALL changes.maintain();
SELECT is(max(upper_bound), day(12), 'without the tables of a later version partitions are made all the same') FROM changes.partition_bounds();
ALTER TABLE changes.held_later RENAME TO held;
ALTER TABLE changes.holds_later RENAME TO holds;

-- A transaction block has no place for commits.
BEGIN;
SELECT throws_ok('CALL changes.maintain()', '2D000', NULL, 'inside a transaction block it is refused');
ROLLBACK;

-- A hostile search_path.
CREATE SCHEMA evil;
CREATE TABLE evil.called (name text);
CREATE FUNCTION evil.equal(integer, integer) RETURNS boolean LANGUAGE plpgsql
    AS 'BEGIN INSERT INTO evil.called VALUES (''=''); RETURN true; END';
CREATE OPERATOR evil.= (FUNCTION = evil.equal, LEFTARG = integer, RIGHTARG = integer);
CREATE FUNCTION evil.run_task(text, text, boolean) RETURNS boolean LANGUAGE plpgsql
    AS 'BEGIN INSERT INTO evil.called VALUES (''run_task''); RETURN true; END';
CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql
    AS 'BEGIN INSERT INTO evil.called VALUES (''now''); RETURN NULL; END';
UPDATE partman.part_config SET premake = 12;
SET search_path = evil, pg_catalog, public;
CALL changes.maintain();
SET search_path = public;
SELECT is(max(upper_bound), day(13), 'under a hostile search_path maintain() works') FROM changes.partitions();
SELECT is_empty('SELECT FROM evil.called', 'and calls nothing of it');

-- A role whose transactions are of another isolation level by default: an event trigger tells in which level the partition was made.
CREATE FUNCTION public.note_isolation() RETURNS event_trigger LANGUAGE plpgsql
    AS 'BEGIN INSERT INTO evil.called VALUES (current_setting(''transaction_isolation'')); END';
CREATE EVENT TRIGGER note_isolation ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION public.note_isolation();
UPDATE partman.part_config SET premake = 13;
SET default_transaction_isolation = 'serializable';
CALL changes.maintain();
RESET default_transaction_isolation;
DROP EVENT TRIGGER note_isolation;
SELECT is(max(upper_bound), day(14), 'under another isolation level it works, too') FROM changes.partition_bounds();
SELECT results_eq('SELECT DISTINCT name FROM evil.called', ARRAY['read committed'], 'in its own');

SELECT * FROM finish();
\c :"home"
SET client_min_messages = warning;
DROP DATABASE :"own" WITH (FORCE);
