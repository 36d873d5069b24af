-- Puts public.changes under pg_partman, which makes partitions and does nothing else here.
--
--   partitions | row in part_config | what is done
--   -----------+--------------------+----------------------------------------------------------------
--   no         | no                 | create_parent()
--   no         | yes                | the row is of a table that is gone: deleted, then create_parent()
--   yes        | no                 | pg_partman was made anew: the row is written, since create_parent()
--              |                    | would stumble over the default partition
--   yes        | yes                | nothing
--
--  * Only maintain() drops: pg_partman's own retention stays NULL, its automatic maintenance off.
--  * infinite_time_partitions and ignore_default_data: should somebody run pg_partman's maintenance
--    all the same, an idle source still gets its partitions, and a row dated in the year 2999
--    does not make it create partitions until then.
CREATE FUNCTION changes.register_partitions()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
SET intervalstyle = 'postgres'
SET client_min_messages = 'warning'
AS $$
DECLARE
    partman record;
    is_known boolean;
BEGIN
    partman := changes.partman();
    IF NOT EXISTS (SELECT FROM changes.partitions()) THEN
        EXECUTE format('DELETE FROM %I.part_config WHERE parent_table = ''public.changes''', partman.schema);
        EXECUTE format(
            'SELECT %I.create_parent(p_parent_table := ''public.changes'', p_control := ''committed_at'',
                                     p_type := $1, p_interval := $2, p_premake := 4, p_jobmon := false)',
            partman.schema)
          USING CASE partman.major WHEN 4 THEN 'native' ELSE 'range' END,
                CASE partman.major WHEN 4 THEN 'daily' ELSE '1 day' END;
    END IF;
    IF NOT EXISTS (SELECT FROM changes.partitions() AS p WHERE p.is_default) THEN
        CREATE TABLE public.changes_default PARTITION OF public.changes DEFAULT;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %I.part_config WHERE parent_table = ''public.changes'')',
                   partman.schema)
       INTO is_known;
    IF NOT is_known THEN
        EXECUTE format(
            'INSERT INTO %I.part_config (parent_table, control, partition_type, partition_interval, datetime_string)
             VALUES (''public.changes'', ''committed_at'', $1, ''1 day'', $2)', partman.schema)
          USING CASE partman.major WHEN 4 THEN 'native' ELSE 'range' END,
                CASE partman.major WHEN 4 THEN 'YYYY_MM_DD' ELSE 'YYYYMMDD' END;
    END IF;
    EXECUTE format(
        'UPDATE %I.part_config
            SET retention = NULL, automatic_maintenance = ''off'', jobmon = false,
                infinite_time_partitions = true, ignore_default_data = true
          WHERE parent_table = ''public.changes''', partman.schema);
END
$$;

COMMENT ON FUNCTION changes.register_partitions() IS
'Internal. Puts public.changes under pg_partman, with daily partitions from four days ago to four
days ahead and a default partition where there are none. Returns nothing. Leaves search_path changed
for the session (see changes.partman): its callers put it back.
Errors: those of changes.partman() and of pg_partman. Example: SELECT changes.register_partitions();';
