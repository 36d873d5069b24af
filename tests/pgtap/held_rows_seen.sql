-- While held rows move and partitions go, readers of changes.trail count a held table over and over: one by single statements, one by transactions with one
-- snapshot that they use early and late. Neither may ever see a row less, or one twice. maintain() commits, so this file works in a database of its own.
\set home :DBNAME
\set own :DBNAME _seen
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
SELECT plan(8);
SELECT changes.setup('unlimited', '1 day');
CREATE FUNCTION day(days_ahead integer) RETURNS timestamptz LANGUAGE sql STABLE SET timezone = 'UTC'
    AS 'SELECT date_trunc(''day'', now()) + make_interval(days => days_ahead)';
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
SELECT 'd', 's', CASE h % 2 WHEN 0 THEN 'kept' ELSE 'gone' END, 'CREATE', 1, g, day(g) FROM generate_series(-20, -1) AS g, generate_series(1, 100) AS h;
CALL changes.maintain();
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name) VALUES (1, 'one', 1, 1, 'one', 's');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at) VALUES (1, '0/1', '0/2', 1, now());
SELECT changes.hold('s', 'kept', reason => 'test');
SELECT changes.set_retention('10 days', '1 day');

CREATE TABLE public.seen (reader text, rows bigint, ids bigint, times bigint, PRIMARY KEY (reader, rows, ids));
CREATE PROCEDURE public.look(reader text) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.seen AS s
    SELECT reader, count(*), count(DISTINCT t.id), 1 FROM changes.trail AS t WHERE t."table" = 'kept'
        ON CONFLICT ON CONSTRAINT seen_pkey DO UPDATE SET times = s.times + 1;
END
$$;
CREATE PROCEDURE public.look_by_statements(lasting interval) LANGUAGE plpgsql AS $$
DECLARE
    started CONSTANT timestamptz := clock_timestamp();
BEGIN
    WHILE clock_timestamp() < started + lasting LOOP
        CALL public.look('statements');
        COMMIT;
        PERFORM pg_sleep(0.005);
        COMMIT;
    END LOOP;
END
$$;
-- A snapshot of a second; changes.holds is read first, and the trail, whose partitions are then locked, at the end.
CREATE PROCEDURE public.look_by_snapshots(lasting interval) LANGUAGE plpgsql AS $$
DECLARE
    started CONSTANT timestamptz := clock_timestamp();
BEGIN
    WHILE clock_timestamp() < started + lasting LOOP
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;
        PERFORM FROM changes.holds;
        PERFORM pg_sleep(1);
        CALL public.look('snapshots');
        COMMIT;
        PERFORM pg_sleep(0.05);
    END LOOP;
END
$$;
SELECT dblink_connect(name, format('dbname=%L host=%s port=%s user=%s', current_database(),
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user))
  FROM unnest(ARRAY['statements', 'snapshots']) AS name;
SELECT is(dblink_send_query(name, format('CALL public.look_by_%s(''20 s'')', name)), 1, 'a reader by ' || name)
  FROM unnest(ARRAY['statements', 'snapshots']) AS name;
SELECT pg_sleep(0.5);
SET client_min_messages = error;  -- the warnings of locks that are not had
CALL changes.maintain();
CALL changes.maintain();
CALL changes.maintain();
SET client_min_messages = warning;
CREATE FUNCTION public.result_of(name text) RETURNS text LANGUAGE sql AS
    'SELECT max(status) FROM dblink_get_result(name, false) AS t (status text)';
SELECT is(public.result_of(name), 'CALL', name || ' went through') FROM unnest(ARRAY['statements', 'snapshots']) AS name;
SELECT dblink_disconnect(name) FROM unnest(ARRAY['statements', 'snapshots']) AS name;

CALL changes.maintain();
SELECT is(min(lower_bound), day(-10), 'all that is past the retention has gone') FROM changes.partition_bounds();
SELECT is(count(*)::integer, 500, 'the held rows are held') FROM changes.held;
SELECT results_eq('SELECT reader, rows, ids FROM public.seen ORDER BY reader',
    $$VALUES ('snapshots', 1000::bigint, 1000::bigint), ('statements', 1000, 1000)$$, 'and each reader saw each of them once, each time');
SELECT cmp_ok(min(times), '>=', 10::bigint, 'many times') FROM public.seen;

SELECT * FROM finish();
\c :"home"
SET client_min_messages = warning;
DROP DATABASE :"own" WITH (FORCE);
