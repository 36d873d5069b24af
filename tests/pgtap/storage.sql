-- How the rows lie on disk: lz4 where the server has it, autovacuum for tables that only grow; on partitions that are made later and those that were there before.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(14);
SELECT changes.setup('30 days');
CREATE FUNCTION pg_temp.has_lz4() RETURNS boolean LANGUAGE sql AS
    $$SELECT 'lz4' = ANY (enumvals) FROM pg_settings WHERE name = 'default_toast_compression'$$;
CREATE VIEW pg_temp.storage AS
    SELECT t.relation, c.reloptions,
           (SELECT string_agg(DISTINCT a.attcompression::text, '') FROM pg_attribute AS a
             WHERE a.attrelid = t.relation AND a.attname IN ('before', 'after', 'context')) AS compression
      FROM (SELECT partition FROM changes.partition_bounds() UNION ALL SELECT 'changes.held'::regclass) AS t (relation)
      JOIN pg_class AS c ON c.oid = t.relation;

-- '' and 'p' are the server's default and pglz.
CREATE FUNCTION pg_temp.wanted() RETURNS text LANGUAGE sql AS $$SELECT CASE WHEN pg_temp.has_lz4() THEN 'l' ELSE '' END$$;
SELECT is(count(*)::integer, 7, 'today and later, the default partition and changes.held compress by lz4, where the server can')
  FROM pg_temp.storage WHERE compression = pg_temp.wanted()
   AND (relation = ANY (ARRAY(SELECT partition FROM changes.partition_bounds() WHERE upper_bound > now() OR is_default)) OR relation = 'changes.held'::regclass);
SELECT is_empty($$SELECT FROM pg_temp.storage WHERE reloptions IS DISTINCT FROM ARRAY['autovacuum_vacuum_insert_scale_factor=1.0']$$,
    'autovacuum comes when a table has doubled');
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, before, after, context)
VALUES ('d', 's', 't', 'UPDATE', 1, 1, jsonb_build_object('v', repeat('x', 9000)), jsonb_build_object('v', repeat('y', 9000)), jsonb_build_object('v', repeat('z', 9000)));
SELECT is(ARRAY[pg_column_compression(before), pg_column_compression(after), pg_column_compression(context)],
    array_fill(CASE WHEN pg_temp.has_lz4() THEN 'lz4' ELSE current_setting('default_toast_compression') END, ARRAY[3]), 'a long value is') FROM public.changes;

-- A trail of an earlier version: setup() completes it, rows that are there stay as they are.
DO $$
DECLARE
    relation regclass;
BEGIN
    FOR relation IN SELECT partition FROM changes.partition_bounds() LOOP
        EXECUTE format('ALTER TABLE %s RESET (autovacuum_vacuum_insert_scale_factor), ALTER before SET COMPRESSION default,
            ALTER after SET COMPRESSION default, ALTER context SET COMPRESSION default', relation);
    END LOOP;
END
$$;
SELECT is(count(*)::integer, 10, 'an earlier version''s partitions lack something')
  FROM changes.partition_bounds() AS p WHERE EXISTS (SELECT FROM changes.settling_commands(p.partition));
SELECT is(cardinality(changes.maintenance_tasks('settle')), 10, 'maintain() would find them');
SELECT format('ALTER TABLE %s SET (autovacuum_vacuum_insert_scale_factor = 0.5), ALTER before SET COMPRESSION pglz', partition) AS chosen,
       partition AS chosen_partition FROM changes.partition_bounds() WHERE upper_bound > now() LIMIT 1 \gset
:chosen;
SELECT format('ALTER TABLE %s REPLICA IDENTITY FULL', partition) FROM changes.partition_bounds() LIMIT 1 \gexec
SELECT changes.setup();
SELECT is_empty('SELECT changes.settling_commands(partition) FROM changes.partition_bounds()', 'setup() completes them');
SELECT is_empty($$SELECT FROM pg_temp.storage AS s JOIN changes.partition_bounds() AS p ON p.partition = s.relation
    WHERE p.upper_bound <= now() AND compression <> ''$$, 'a partition whose time is past keeps its compression');
SELECT is(reloptions, ARRAY['autovacuum_vacuum_insert_scale_factor=0.5'], 'what an operator chose stays')
  FROM pg_temp.storage WHERE relation = :'chosen_partition'::regclass;
SELECT is(attcompression, 'p', 'also for a column') FROM pg_attribute WHERE attrelid = :'chosen_partition'::regclass AND attname = 'before';
SELECT is_empty($$SELECT FROM pg_class WHERE relreplident = 'f'$$, 'no partition keeps REPLICA IDENTITY FULL');

-- The view and the table of held rows.
SELECT is((SELECT array_agg(attname || format_type(atttypid, atttypmod) ORDER BY attnum) FROM pg_attribute WHERE attrelid = to_regclass('changes.' || name) AND attnum > 0),
    (SELECT array_agg(attname || format_type(atttypid, atttypmod) ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'public.changes'::regclass AND attnum > 0),
    format('changes.%s has the columns of public.changes', name)) FROM unnest(ARRAY['held', 'trail']) AS name;
SELECT is((SELECT array_agg(regexp_replace(indexdef, '^.* USING ', '') ORDER BY 1) FROM (SELECT regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', '') AS indexdef
              FROM pg_index WHERE indrelid = 'changes.held'::regclass) AS held),
    (SELECT array_agg(indexdef ORDER BY 1) FROM (SELECT regexp_replace(pg_get_indexdef(indexrelid), '^.* USING ', '') AS indexdef
              FROM pg_index WHERE indrelid = 'public.changes'::regclass) AS trail), 'changes.held has the indexes of public.changes');
SELECT is(count(*)::integer, 7, 'setup() has made a comment on each table and view') FROM pg_class AS c
 WHERE c.relnamespace = 'changes'::regnamespace AND c.relname IN ('holds', 'held', 'trail', 'drops', 'moves', 'seals', 'settings') AND obj_description(c.oid) IS NOT NULL;

SELECT * FROM finish();
ROLLBACK;
