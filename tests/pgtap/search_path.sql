-- A caller's search_path must not decide what runs: masks of everything the functions use lie in wait in
-- a schema that comes before pg_catalog, and in pg_temp. None may be called, and all must work.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(9);

CREATE SCHEMA evil;
CREATE TABLE evil.called (name text);
DO $do$
DECLARE
    mask text[];
BEGIN
    FOREACH mask SLICE 1 IN ARRAY ARRAY[
        ['lower', 'text', 'text'], ['btrim', 'text', 'text'], ['to_regclass', 'text', 'regclass'],
        ['current_setting', 'text', 'text'], ['set_config', 'text, text, boolean', 'text'],
        ['date_trunc', 'text, timestamptz', 'timestamptz'], ['now', '', 'timestamptz'],
        ['format', 'text, text', 'text'], ['format', 'text, text, text', 'text'],
        ['isfinite', 'timestamptz', 'boolean'], ['split_part', 'text, text, integer', 'text'],
        ['to_char', 'timestamptz, text', 'text'], ['pg_get_expr', 'pg_node_tree, oid', 'text'],
        ['hashtextextended', 'text, bigint', 'bigint'], ['pg_sleep', 'float8', 'void'],
        ['setup_pinned', 'text, text', 'void'], ['period_start', 'timestamptz, interval', 'timestamptz'], ['lock_trail', 'boolean', 'boolean'], ['partition_bounds', '', 'void'],
        ['create_partition_time', 'text, timestamptz[]', 'boolean']]
    LOOP
        EXECUTE format(
            $$CREATE FUNCTION evil.%I(%s) RETURNS %s LANGUAGE plpgsql AS
              $f$BEGIN INSERT INTO evil.called VALUES (%L); RETURN%s; END$f$ $$,
            mask[1], mask[2], mask[3], mask[1], CASE mask[3] WHEN 'void' THEN '' ELSE ' NULL' END);
    END LOOP;
    FOREACH mask SLICE 1 IN ARRAY ARRAY[
        ['=', 'text', 'text'], ['=', 'name', 'name'], ['=', 'oid', 'oid'], ['=', 'integer', 'integer'],
        ['=', 'timestamptz', 'timestamptz'], ['<', 'timestamptz', 'timestamptz'], ['<>', 'text', 'text'],
        ['>', 'pg_lsn', 'pg_lsn'], ['>', 'interval', 'interval'], ['+', 'timestamptz', 'interval'],
        ['-', 'timestamptz', 'interval'], ['||', 'text', 'text'], ['!~', 'text', 'text']]
    LOOP
        EXECUTE format(
            $$CREATE OR REPLACE FUNCTION evil.mask(%s, %s) RETURNS boolean LANGUAGE plpgsql AS
              'BEGIN INSERT INTO evil.called VALUES (''an operator''); RETURN NULL; END'$$,
            mask[2], mask[3]);
        EXECUTE format('CREATE OPERATOR evil.%s (FUNCTION = evil.mask, LEFTARG = %s, RIGHTARG = %s)',
                       mask[1], mask[2], mask[3]);
    END LOOP;
END
$do$;
CREATE TABLE evil.changes (id integer);
CREATE TABLE evil.settings (name text, value text);
CREATE TABLE evil.part_config (parent_table text, premake integer);
CREATE TEMPORARY TABLE changes (id integer);
CREATE TEMPORARY TABLE changes_default (id integer);
CREATE TEMPORARY TABLE pg_class (oid oid);

SET LOCAL search_path = evil, pg_temp, pg_catalog, public;
SELECT changes.setup('20 days');
SELECT changes.setup();
CREATE TEMPORARY TABLE path_after AS SELECT pg_catalog.current_setting('search_path') AS path;
SET search_path = public;
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name)
VALUES (1, 'one', 1, 1, 'one', 's');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at)
VALUES (1, '0/1', '0/2', 1, now()), (1, '0/2', '0/3', 1, now());
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
VALUES ('d', 's', 't', 'CREATE', 1, 1, date_trunc('second', now() + interval '6 days'));
UPDATE partman.part_config SET premake = 6 WHERE parent_table = 'public.changes';

SET search_path = evil, pg_temp, pg_catalog, public;
CREATE TEMPORARY TABLE horizon AS SELECT changes.horizon('one') AS lsn;
CREATE TEMPORARY TABLE cutoff AS SELECT changes.retention_cutoff() AS at;
CREATE TEMPORARY TABLE tasks AS
    SELECT step, changes.maintenance_tasks(step) AS tasks
      FROM pg_catalog.unnest(ARRAY['default', 'premake', 'retention']) AS step;
CREATE TEMPORARY TABLE ran AS SELECT changes.run_task('default', tasks[1], true) FROM tasks LIMIT 1;
SET search_path = public;

SELECT is_empty('SELECT DISTINCT name FROM evil.called', 'nothing of the hostile schema was called');
SELECT is(path, 'evil, pg_temp, pg_catalog, public', 'setup() puts the search_path back') FROM path_after;
SELECT is(changes.trail_problem(), NULL, 'the trail is the right table');
SELECT is(count(*)::integer, 11, 'it has its partitions') FROM changes.partitions();
SELECT is(value, '20 days', 'and its retention') FROM changes.settings WHERE name = 'retention';
SELECT is(lsn, '0/3'::pg_lsn, 'horizon() is right') FROM horizon;
SELECT is(at, now() - interval '20 days', 'retention_cutoff() is right') FROM cutoff;
SELECT is(array_agg(cardinality(tasks) ORDER BY step), ARRAY[1, 2, 0], 'maintenance finds its tasks') FROM tasks;
SELECT is(tableoid::regclass <> 'public.changes_default'::regclass, true, 'and does them') FROM public.changes;

SELECT * FROM finish();
ROLLBACK;
