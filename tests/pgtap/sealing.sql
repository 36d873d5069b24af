-- Partitions whose time is past get their last VACUUM once; pending lists are cleaned beside the writers. VACUUM runs outside transactions, so this
-- file works in a database of its own; other sessions come through dblink.
\set home :DBNAME
\set own :DBNAME _sealing
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
SELECT plan(33);
SELECT throws_ok('SELECT changes.vacuum_commands()', '42P01', NULL, 'without a trail there is nothing to vacuum');
SELECT throws_ok('SELECT changes.clean_pending()', '42P01', NULL, 'or to clean');
SELECT changes.setup('20 days');
CREATE FUNCTION day(days_ahead integer) RETURNS timestamptz LANGUAGE sql STABLE SET timezone = 'UTC'
    AS 'SELECT date_trunc(''day'', now()) + make_interval(days => days_ahead)';
CREATE VIEW past AS
    SELECT partition FROM changes.partition_bounds() WHERE upper_bound <= now() - interval '1 hour';
CREATE VIEW pending AS
    SELECT i.indexrelid::regclass AS index, i.indrelid::regclass AS partition
      FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'gin'
     WHERE c.relkind = 'i';
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at, before, after, context)
SELECT 'd', 's', 't', 'UPDATE', 1, g, day(0) - g * interval '1 hour', jsonb_build_object('k', g), jsonb_build_object('k', g + 1), '{"who": "me"}'
  FROM generate_series(0, 100) AS g;

SELECT is_empty('SELECT changes.vacuum_commands()', 'while nothing was applied, no time is past');
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name)
VALUES (1, 'one', 1, 1, 'one', 's');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at) VALUES (1, '0/1', '0/2', 1, day(-2) + interval '59 minutes');
SELECT is(max(upper_bound), day(-3), 'a partition is past an hour after its end, by what was applied')
  FROM changes.sealable_partitions() AS s JOIN changes.partition_bounds() AS p ON p.partition = s;
UPDATE changes.applied SET source_time = day(-1) + interval '61 minutes';
SELECT is(max(upper_bound), day(-1), 'a source that is quiet, but tells its time, has its partitions sealed')
  FROM changes.sealable_partitions() AS s JOIN changes.partition_bounds() AS p ON p.partition = s;
UPDATE changes.applied SET last_committed_at = day(10), source_time = NULL;
SELECT set_eq('SELECT changes.sealable_partitions()', 'TABLE past', 'and by this server''s clock, where that of the source is ahead');
SELECT is(count(*), 2 * (SELECT count(*) FROM past), 'each has two commands') FROM changes.vacuum_commands();
SELECT is((SELECT c FROM changes.vacuum_commands() AS c LIMIT 1),
    (SELECT 'VACUUM (FREEZE, ANALYZE) public.' || partition FROM changes.partition_bounds() ORDER BY lower_bound LIMIT 1), 'the oldest first');
SELECT throws_ok((SELECT c FROM changes.vacuum_commands() AS c OFFSET 1 LIMIT 1), '55000',
    (SELECT format('table public.%s was not vacuumed', partition) FROM changes.partition_bounds() ORDER BY lower_bound LIMIT 1),
    'a partition that was not vacuumed is not sealed');
SELECT throws_ok('SELECT changes.record_seal(''changes.held'')', '55000', NULL, 'nor what is no partition');

-- Pending lists, beside the writers.
SELECT set_eq('SELECT index FROM changes.clean_pending()',
    $$SELECT p.index FROM pending AS p JOIN changes.partition_bounds() AS b USING (partition) WHERE b.lower_bound BETWEEN day(-4) AND day(0) OR b.is_default$$,
    'the lists of all partitions that were written to are cleaned');
SELECT is_empty('SELECT * FROM changes.clean_pending()', 'once');
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at, after)
SELECT 'd', 's', 't', 'UPDATE', 1, 7, at, '{"k": 7}' FROM unnest(ARRAY[day(0), day(-2)]) AS at;
SELECT dblink_connect('other', format('dbname=%L host=%s port=%s user=%s', current_database(),
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user));
SELECT dblink_exec('other', 'BEGIN');
SELECT is(n, 6::bigint, 'another session cleans') FROM dblink('other', 'SELECT count(*) FROM changes.clean_pending()') AS t (n bigint);
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position) VALUES ('d', 's', 't', 'CREATE', 1, 8);
SELECT is_empty('SELECT * FROM changes.clean_pending()', 'nobody waits for it');
SELECT dblink_exec('other', 'COMMIT');
SELECT is(count(*)::integer, 3, 'what came later is cleaned later') FROM changes.clean_pending();

-- A role that owns nothing may clean, if it may call the function.
CREATE ROLE waltrail_test_cleaner;
GRANT USAGE ON SCHEMA changes TO waltrail_test_cleaner;
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position) VALUES ('d', 's', 't', 'CREATE', 1, 9);
SET ROLE waltrail_test_cleaner;
SELECT throws_ok('SELECT changes.clean_pending()', '42501', NULL, 'not everybody may clean');
RESET ROLE;
GRANT EXECUTE ON FUNCTION changes.clean_pending() TO waltrail_test_cleaner;
SET ROLE waltrail_test_cleaner;
CREATE TEMPORARY TABLE cleaned AS SELECT bytes FROM changes.clean_pending();
RESET ROLE;
SELECT results_eq('SELECT count(*), min(bytes) FROM cleaned', 'VALUES (3::bigint, 8192::bigint)', 'who was given the right may, with no other right');
DROP TABLE cleaned;
DROP OWNED BY waltrail_test_cleaner;
DROP ROLE waltrail_test_cleaner;

-- Sealing.
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
SELECT 'd', 's', 't', 'CREATE', 1, 10, lower_bound FROM changes.partition_bounds() WHERE upper_bound <= now();
SELECT changes.vacuum_commands() \gexec
SELECT is_empty('SELECT changes.vacuum_commands()', 'sealing is done once');
SELECT set_eq('SELECT partition::regclass FROM changes.seals', 'TABLE past', 'and recorded');
SELECT set_eq('SELECT partition FROM changes.partitions() WHERE is_sealed', 'TABLE past', 'partitions() tells');
SELECT is_empty('SELECT FROM past JOIN pending USING (partition) WHERE gin_clean_pending_list(index) > 0', 'no list of a sealed partition has anything pending');
SELECT is_empty('SELECT FROM past JOIN pg_class AS c ON c.oid = partition WHERE relallvisible < relpages OR age(relfrozenxid) > 50', 'all rows are frozen');
SELECT is_empty('SELECT FROM past JOIN pg_class AS c ON c.oid = partition WHERE reltuples < 1', 'and counted');
SELECT count(*) FROM changes.clean_pending();  -- of what is not sealed
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
SELECT 'd', 's', 't', 'CREATE', 1, 11, lower_bound FROM changes.partition_bounds() WHERE upper_bound <= now() - interval '1 hour';
SELECT is_empty('SELECT changes.vacuum_commands()', 'a late row does not make it be sealed again');
SELECT pg_stat_force_next_flush();
SELECT set_eq('SELECT index FROM changes.clean_pending()', 'SELECT index FROM pending JOIN past USING (partition)', 'but its lists are cleaned again');

-- A seal that came with a dump: the oid has become another table's.
UPDATE changes.seals SET name = 'public.another' WHERE partition = (SELECT partition FROM past LIMIT 1);
SELECT is(count(*)::integer, 2, 'a seal of another table with that oid is none') FROM changes.vacuum_commands();
SELECT changes.vacuum_commands() \gexec
SELECT set_eq('SELECT partition FROM changes.partitions() WHERE is_sealed', 'TABLE past', 'and is replaced');
-- A partition that is made anew, under the same name, is another.
SELECT partition AS oldest, lower_bound AS oldest_lower FROM changes.partition_bounds() LIMIT 1 \gset
DROP TABLE :oldest;
SELECT changes.make_partition(tstzrange(:'oldest_lower'::timestamptz, :'oldest_lower'::timestamptz + interval '1 day'));
RESET search_path;
SELECT is(count(*)::integer, 2, 'a partition that was made anew is not sealed') FROM changes.vacuum_commands();
SELECT changes.vacuum_commands() \gexec
SELECT changes.set_retention('2 days');
UPDATE changes.applied SET last_committed_at = now();
CALL changes.maintain();
SELECT is_empty('SELECT FROM changes.seals AS s JOIN changes.drops AS d ON d.partition = s.name AND d.dropped_at > s.sealed_at', 'a dropped partition is no longer sealed');
SELECT isnt_empty('SELECT FROM changes.drops', 'some were dropped');

-- setup() and a partition in use: what it lacks waits for maintain().
SELECT is_empty($$SELECT changes.maintenance_tasks('settle') EXCEPT SELECT ARRAY[]::text[]$$, 'no partition lacks anything');
ALTER TABLE public.changes_default RESET (autovacuum_vacuum_insert_scale_factor);
SELECT dblink_exec('other', 'BEGIN; LOCK TABLE public.changes_default IN SHARE UPDATE EXCLUSIVE MODE');
SELECT changes.setup();
SELECT results_eq($$SELECT changes.maintenance_tasks('settle')$$, $$SELECT ARRAY['public.changes_default'::regclass::oid::text]$$,
    'setup() leaves a partition in use to maintain()');
SELECT dblink_exec('other', 'COMMIT');
CALL changes.maintain();
SELECT is_empty($$SELECT changes.maintenance_tasks('settle') EXCEPT SELECT ARRAY[]::text[]$$, 'which completes it');

SELECT dblink_disconnect('other');
SELECT * FROM finish();
\c :"home"
SET client_min_messages = warning;
DROP DATABASE :"own" WITH (FORCE);
