-- What an on-call person sees: each thing that is wrong is one row that says so, and what to do.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(37);
SELECT throws_ok('SELECT changes.health()', '42P01', NULL, 'before setup() there is nothing to look at');
SELECT changes.setup('3 days');
CREATE FUNCTION pg_temp.status_of(what text) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(h.status, ',') FROM changes.health() AS h WHERE h."check" = what $$;
CREATE FUNCTION pg_temp.not_ok() RETURNS text LANGUAGE sql AS $$ SELECT coalesce(string_agg(h."check" || ' ' || h.status, ', ' ORDER BY h."check"), '') FROM changes.health() AS h WHERE h.status <> 'ok' $$;
SELECT is(pg_temp.not_ok(), 'sources warning', 'a new trail lacks a source');
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name) VALUES (1, 'shop', 1, 1, 'shop', 's');
SELECT is(pg_temp.not_ok(), 'lag of shop warning', 'then a commit');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at) VALUES (1, '0/100', '0/200', 1, clock_timestamp());
SELECT is(pg_temp.not_ok(), '', 'then all is well');
SELECT is_empty($$SELECT * FROM changes.health() WHERE detail IS NULL OR status = 'ok' AND hint IS NOT NULL AND "check" <> 'marked values'$$, 'what is well needs no hint');

UPDATE changes.applied SET last_committed_at = clock_timestamp() - interval '2 minutes', source_time = clock_timestamp() - interval '1 day';
SELECT is(pg_temp.status_of('lag of shop'), 'warning', 'two minutes behind');
UPDATE changes.applied SET last_committed_at = clock_timestamp() - interval '1 hour';
SELECT is(pg_temp.status_of('lag of shop'), 'error', 'an hour behind');
UPDATE changes.applied SET source_time = clock_timestamp();
SELECT is(pg_temp.status_of('lag of shop'), 'ok', 'a source that was idle for that hour is not behind');

-- A source that tells no time: that apply was there is what is known.
UPDATE changes.applied SET source_time = NULL, recorded_at = clock_timestamp();
SELECT is(pg_temp.status_of('lag of shop'), 'ok', 'a source that tells no time is not behind while apply records');
SELECT ok(h.detail LIKE '%the source tells no time%', 'it is said that nothing else is known') FROM changes.health() AS h WHERE h."check" = 'lag of shop';
UPDATE changes.applied SET recorded_at = clock_timestamp() - interval '1 hour';
SELECT is(pg_temp.status_of('lag of shop'), 'error', 'and is once apply does not');
-- On one server apply records the time every five minutes.
UPDATE changes.sources SET system_identifier = (SELECT c.system_identifier FROM pg_control_system() AS c);
UPDATE changes.applied SET source_time = clock_timestamp() - interval '5 minutes', recorded_at = clock_timestamp();
SELECT is(pg_temp.status_of('lag of shop'), 'ok', 'five minutes are nothing where source and destination are one server');
UPDATE changes.applied SET source_time = clock_timestamp() - interval '20 minutes';
SELECT is(pg_temp.status_of('lag of shop'), 'error', 'twenty are');
UPDATE changes.sources SET system_identifier = 1;
UPDATE changes.applied SET source_time = clock_timestamp() - interval '5 minutes';
SELECT is(pg_temp.status_of('lag of shop'), 'warning', 'between two servers five minutes are a delay');
UPDATE changes.applied SET source_time = clock_timestamp();

INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at) VALUES ('d', 's', 't', 'CREATE', 1, 1, '2999-01-01');
SELECT is(pg_temp.status_of('default partition'), 'warning', 'rows in the default partition');
INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) VALUES (1, '0/1', '0/2', 'lost');
SELECT is(pg_temp.status_of('gaps'), 'warning', 'a gap');
INSERT INTO changes.quarantine (id, source_id, commit_lsn, sequence, schema, "table", operation, sqlstate, error, frame)
VALUES (gen_random_uuid(), 1, '0/1', 0, 's', 't', 'CREATE', '23514', 'no', '');
SELECT is(pg_temp.status_of('quarantine'), 'warning', 'a change in quarantine');
UPDATE changes.applied SET marked = 3;
SELECT is(detail, '3 changes have a value that jsonb cannot hold as it is', 'marked values are told') FROM changes.health() WHERE "check" = 'marked values';
SELECT is(pg_temp.status_of('marked values'), 'ok', 'and no fault');
UPDATE pg_index SET indisvalid = false WHERE indexrelid = (SELECT min(indexrelid) FROM pg_index WHERE indrelid = 'public.changes_default'::regclass);
SELECT is(pg_temp.status_of('indexes'), 'error', 'an index that is not valid');

SELECT format('DROP TABLE %s', p.partition) FROM changes.partition_bounds() AS p WHERE p.lower_bound > now() ORDER BY p.lower_bound LIMIT 1 \gexec
SELECT ok(h.status = 'warning' AND h.hint IS NOT NULL AND h.detail LIKE '%hole%', 'a hole is told, and what to do') FROM changes.health() AS h WHERE h."check" = 'partitions ahead';

-- What stands open, at the root, in one partition, beside the trail.
SELECT is(pg_temp.status_of('append-only'), 'ok', 'all is append-only');
CREATE FUNCTION pg_temp.is_open(commands text, opened text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE commands;
    RETURN QUERY SELECT is(h.status || ' ' || h.detail, 'error changes could be altered or deleted in ' || opened, commands) FROM changes.health() AS h WHERE h."check" = 'append-only';
    PERFORM changes.setup();
    RETURN QUERY SELECT is(pg_temp.status_of('append-only'), 'ok', 'setup() mends it');
END
$$;
SELECT pg_temp.is_open('ALTER TABLE public.changes_default DISABLE TRIGGER waltrail_append_only', '1 of the tables: public.changes_default');
SELECT pg_temp.is_open('DROP TRIGGER waltrail_append_only_truncate ON public.changes', '1 of the tables: public.changes');
SELECT pg_temp.is_open('ALTER TABLE changes.held DISABLE TRIGGER ALL; ALTER TABLE changes.holds ENABLE REPLICA TRIGGER waltrail_append_only', '2 of the tables: changes.held, changes.holds');
ALTER TABLE public.changes DISABLE TRIGGER ALL;
SELECT matches(h.detail, '^changes could be altered or deleted in [0-9]+ of the tables: public.changes, (public\.changes_[a-z0-9_]+, ){3}public\.changes_[a-z0-9_]+, …$', 'of many, five are named')
  FROM changes.health() AS h WHERE h."check" = 'append-only';
SELECT changes.setup();

-- A partition that ended days ago, with rows, that nobody seals. It needs no rows of its own in the statistics to be counted: VACUUM's will do.
SELECT is(pg_temp.status_of('sealing'), 'ok', 'empty partitions need no seal');
UPDATE pg_class SET reltuples = 10 WHERE oid = (SELECT p.partition FROM changes.partition_bounds() AS p ORDER BY p.lower_bound LIMIT 1);
UPDATE changes.applied SET last_committed_at = clock_timestamp();
SELECT is(h.status || ' ' || h.detail, 'warning 1 partitions ended more than a day ago and had no last VACUUM', 'one with rows does') FROM changes.health() AS h WHERE h."check" = 'sealing';
SELECT matches(h.hint, 'vacuum_commands', 'by these commands') FROM changes.health() AS h WHERE h."check" = 'sealing';
INSERT INTO changes.seals (partition, name) SELECT p.partition, 'public.' || p.partition FROM changes.partition_bounds() AS p ORDER BY p.lower_bound LIMIT 1;
SELECT is(pg_temp.status_of('sealing'), 'ok', 'and then is well');
UPDATE pg_class SET reltuples = 10 WHERE oid = (SELECT p.partition FROM changes.partition_bounds() AS p WHERE p.upper_bound < now() ORDER BY p.lower_bound DESC LIMIT 1);
SELECT is(pg_temp.status_of('sealing'), 'ok', 'that of yesterday has time until tomorrow');

DO $$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN SELECT p.partition FROM changes.partitions() AS p WHERE p.lower_bound > now() LOOP
        EXECUTE format('DROP TABLE %s', partition);
    END LOOP;
END
$$;
SELECT is(pg_temp.status_of('partitions ahead'), 'warning', 'no partition for tomorrow');
SELECT changes.setup('1 hour');
UPDATE changes.settings SET value = '1 hour';
UPDATE changes.applied SET last_committed_at = clock_timestamp();
SELECT is(pg_temp.status_of('retention'), 'warning', 'partitions that should be gone');
DO $$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN SELECT p.partition FROM changes.partitions() AS p LOOP
        EXECUTE format('DROP TABLE %s', partition);
    END LOOP;
END
$$;
SELECT is(pg_temp.status_of('partitions ahead'), 'error', 'no partition at all');
SELECT * FROM finish();
ROLLBACK;
