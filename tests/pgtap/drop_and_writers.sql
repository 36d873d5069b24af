-- A drop that waits behind a long reader must not make writers wait with it. A writer commits row after row and notes its longest statement, while maintain()
-- tries to drop a hundred partitions. The limit here is loose, for slow machines; docs/operations.md says how to see the figure.
\set home :DBNAME
\set own :DBNAME _writers
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
SELECT plan(15);
SELECT changes.setup('unlimited', '1 day');
CREATE FUNCTION day(days_ahead integer) RETURNS timestamptz LANGUAGE sql STABLE SET timezone = 'UTC'
    AS 'SELECT date_trunc(''day'', now()) + make_interval(days => days_ahead)';
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
SELECT 'd', 's', 't', 'CREATE', 1, g, day(g) FROM generate_series(-99, -1) AS g;
CALL changes.maintain();
SELECT is(count(*)::integer, 105, 'there are a hundred partitions') FROM changes.partition_bounds();
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name)
VALUES (1, 'one', 1, 1, 'one', 's');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at) VALUES (1, '0/1', '0/2', 1, now());
SELECT changes.set_retention('60 days', '1 day');

CREATE TABLE public.waits (run text, longest interval, statements bigint);
CREATE PROCEDURE public.write_rows(run text, lasting interval) LANGUAGE plpgsql AS $$
DECLARE
    started CONSTANT timestamptz := clock_timestamp();
    statement_started timestamptz;
    longest interval := '0';
    statements bigint := 0;
BEGIN
    WHILE clock_timestamp() < started + lasting LOOP
        statement_started := clock_timestamp();
        INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position)
        VALUES ('d', 's', 'written', 'CREATE', 1, statements);
        COMMIT;
        longest := greatest(longest, clock_timestamp() - statement_started);
        statements := statements + 1;
        PERFORM pg_sleep(0.002);
    END LOOP;
    INSERT INTO public.waits VALUES (run, longest, statements);
END
$$;
SELECT dblink_connect(name, format('dbname=%L host=%s port=%s user=%s', current_database(),
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user))
  FROM unnest(ARRAY['reader', 'writer']) AS name;
CREATE FUNCTION public.result_of(name text) RETURNS text LANGUAGE sql AS
    'SELECT max(status) FROM dblink_get_result(name, false) AS t (status text)';
SET client_min_messages = error;  -- the warnings of locks that are not had

-- A reader of everything holds the partitions that are to go.
SELECT dblink_exec('reader', 'BEGIN');
SELECT is(n > 98, true, 'a reader of the whole trail') FROM dblink('reader', 'SELECT count(*) FROM public.changes') AS t (n bigint);
SELECT is(dblink_send_query('writer', $$CALL public.write_rows('reader of all', '12 s')$$), 1, 'and a writer');
CALL changes.maintain();
SELECT is(count(*)::integer, 105, 'nothing is dropped') FROM changes.partition_bounds();
SELECT public.result_of('writer');
SELECT public.result_of('writer');
SELECT cmp_ok(longest, '<=', interval '1 second', 'no writer waited long') FROM public.waits WHERE run = 'reader of all';
SELECT cmp_ok(statements, '>', 500::bigint, 'it wrote all the time') FROM public.waits WHERE run = 'reader of all';

-- A reader of today holds the parent alone, for which DROP TABLE waits.
SELECT dblink_exec('reader', 'COMMIT');
SELECT dblink_exec('reader', 'BEGIN');
SELECT is(n > 0, true, 'a reader of today') FROM dblink('reader', format('SELECT count(*) FROM public.changes WHERE committed_at >= %L AND committed_at < %L', day(0), day(1))) AS t (n bigint);
SELECT is_empty($$SELECT FROM pg_locks AS l JOIN dblink('reader', 'SELECT pg_backend_pid()') AS r (pid integer) USING (pid)
    WHERE l.relation = ANY (ARRAY(SELECT changes.expired_partitions()) || 'public.changes_default'::regclass)$$, 'holds no partition that is to go');
SELECT is(dblink_send_query('writer', $$CALL public.write_rows('reader of today', '12 s')$$), 1, 'and a writer');
CALL changes.maintain();
SELECT is(count(*)::integer, 105, 'nothing is dropped behind him') FROM changes.partition_bounds();
SELECT is_empty('SELECT FROM changes.drops', 'or said to be');
SELECT public.result_of('writer');
SELECT public.result_of('writer');
SELECT cmp_ok(longest, '<=', interval '1 second', 'no writer waited long') FROM public.waits WHERE run = 'reader of today';

-- Without readers the drops go through, beside the writer.
SELECT dblink_exec('reader', 'COMMIT');
SELECT is(dblink_send_query('writer', $$CALL public.write_rows('none', '3 s')$$), 1, 'a writer alone');
CALL changes.maintain();
SET client_min_messages = warning;
SELECT is(min(lower_bound), day(-60), 'what is past the retention is dropped') FROM changes.partition_bounds();
SELECT public.result_of('writer');
SELECT public.result_of('writer');
SELECT cmp_ok(longest, '<=', interval '1 second', 'no writer waited long') FROM public.waits WHERE run = 'none';
SELECT diag(format('longest statement beside maintain(), %s: %s ms', run, round(1000 * extract(epoch FROM longest)))) FROM public.waits;

SELECT dblink_disconnect(name) FROM unnest(ARRAY['reader', 'writer']) AS name;
SELECT * FROM finish();
\c :"home"
SET client_min_messages = warning;
DROP DATABASE :"own" WITH (FORCE);
