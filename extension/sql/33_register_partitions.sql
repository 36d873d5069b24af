-- Puts public.changes under pg_partman, which makes its partitions and does nothing else here. The row in part_config is written by hand:
-- create_parent() would make partitions of one interval, as many back as ahead, under names that depend on the interval, and stumbles over a
-- default partition that is there.
--
--  * Only maintain() drops: pg_partman's own retention stays NULL, its automatic maintenance off.
--  * infinite_time_partitions and ignore_default_data: should somebody run pg_partman's maintenance
--    all the same, an idle source still gets its partitions, and a row dated in the year 2999
--    does not make it create partitions until then.
--  * premake, the number of periods made ahead of the present one, is an operator's to change. It begins with what is at least four days, and
--    does so again when the interval changes: four days ahead must not become four years.
--  * A partition is called after the day it begins, whatever its length: two never begin at once, so names do not collide, and pg_partman
--    can read all of them by one datetime_string.
CREATE FUNCTION changes.register_partitions()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres'
SET client_min_messages = 'warning'
AS $$
DECLARE
    partman record;
    step CONSTANT interval := changes.partition_interval();
BEGIN
    partman := changes.partman();
    IF NOT EXISTS (SELECT FROM changes.partition_bounds()) THEN
        -- A row that is there is of a table that is gone.
        EXECUTE format('DELETE FROM %I.part_config WHERE parent_table = ''public.changes''', partman.schema);
    END IF;
    IF NOT EXISTS (SELECT FROM changes.partition_bounds() AS p WHERE p.is_default) THEN
        CREATE TABLE public.changes_default PARTITION OF public.changes DEFAULT;
    END IF;
    EXECUTE format(
        'INSERT INTO %I.part_config AS c (parent_table, control, partition_type, partition_interval, datetime_string, premake)
         VALUES (''public.changes'', ''committed_at'', $1, $2::text, $3, $4)
             ON CONFLICT (parent_table) DO UPDATE
            SET premake = CASE c.partition_interval::interval::text WHEN $2::text THEN c.premake ELSE $4 END,
                partition_interval = $2::text, datetime_string = $3', partman.schema)
      USING CASE partman.major WHEN 4 THEN 'native' ELSE 'range' END,
            step,
            CASE partman.major WHEN 4 THEN 'YYYY_MM_DD' ELSE 'YYYYMMDD' END,
            CASE step WHEN interval '1 day' THEN 4 ELSE 1 END;
    EXECUTE format(
        'UPDATE %I.part_config
            SET retention = NULL, automatic_maintenance = ''off'', jobmon = false,
                infinite_time_partitions = true, ignore_default_data = true
          WHERE parent_table = ''public.changes''', partman.schema);
END
$$;

COMMENT ON FUNCTION changes.register_partitions() IS
'Internal. Puts public.changes under pg_partman, with the partition interval that is in force, and makes a default partition
where there is none. Returns nothing. Errors: those of changes.partman(); 42P01 before changes.setup().
Example: SELECT changes.register_partitions();';
