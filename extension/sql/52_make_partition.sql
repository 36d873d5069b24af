-- Makes the partition of a range [from, to) and moves that range's rows into it out of the default partition,
-- which PostgreSQL would otherwise refuse. One transaction: no reader sees a row twice or not at all. For that, nobody may be reading the table while
-- rows are moved: a query has its list of partitions before it waits for the lock of the default one, and would look there, when it has it, for what
-- is in the new one. Without rows, the table's own lock is that of ATTACH, beside which all go on.
-- Locks are taken parent first, as ATTACH does, and before the rows are read, so that no row slips into
-- the default partition meanwhile. Nobody waits longer than lock_timeout for us to get the locks; where writers and readers never leave a gap, rows
-- stay in the default partition until they do.
--
-- pg_partman makes partitions of the length that part_config has: it is told the length of this range, and for a range of a part of a day a
-- name with the time in it, and told the former again, all within the transaction.
CREATE FUNCTION changes.make_partition(range tstzrange)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
SET intervalstyle = 'postgres'
SET client_min_messages = 'warning'
SET lock_timeout = '100ms'
AS $$
DECLARE
    partman record;
    config record;
    default_partition regclass;
    made regclass;
    has_rows boolean := false;
    is_expected boolean := false;
    has_rows_sql text;
    moved bigint := 0;
BEGIN
    partman := changes.partman();
    LOCK TABLE ONLY public.changes IN SHARE UPDATE EXCLUSIVE MODE;
    SELECT p.partition INTO default_partition FROM changes.partition_bounds() AS p WHERE p.is_default;
    has_rows_sql := format('SELECT EXISTS (SELECT FROM ONLY %s WHERE committed_at >= $1 AND committed_at < $2)', default_partition);
    IF default_partition IS NOT NULL THEN
        EXECUTE has_rows_sql INTO is_expected USING lower(range), upper(range);
    END IF;
    IF is_expected THEN
        LOCK TABLE ONLY public.changes IN ACCESS EXCLUSIVE MODE;
    END IF;
    IF default_partition IS NOT NULL THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', default_partition);
        EXECUTE has_rows_sql INTO has_rows USING lower(range), upper(range);
    END IF;
    IF has_rows AND NOT is_expected THEN
        RAISE EXCEPTION 'rows came into the default partition meanwhile' USING ERRCODE = 'lock_not_available';
    END IF;
    IF has_rows THEN
        PERFORM changes.permit_changes();
        CREATE TEMPORARY TABLE changes_moved (LIKE public.changes) ON COMMIT DROP;
        EXECUTE format(
            'WITH gone AS (DELETE FROM ONLY %s WHERE committed_at >= $1 AND committed_at < $2 RETURNING *)
             INSERT INTO pg_temp.changes_moved SELECT * FROM gone', default_partition)
          USING lower(range), upper(range);
        GET DIAGNOSTICS moved = ROW_COUNT;
        PERFORM changes.revoke_permit();
    END IF;
    EXECUTE format('SELECT partition_interval, datetime_string FROM %I.part_config WHERE parent_table = ''public.changes''',
                   partman.schema) INTO config;
    EXECUTE format(
        'UPDATE %I.part_config SET partition_interval = $1, datetime_string = $2 WHERE parent_table = ''public.changes''', partman.schema)
      USING (upper(range) - lower(range))::text,
            CASE WHEN lower(range) = date_trunc('day', lower(range)) AND upper(range) = date_trunc('day', upper(range))
                 THEN config.datetime_string ELSE 'YYYY_MM_DD_HH24MISS' END;
    EXECUTE format(
        CASE partman.major
            WHEN 4 THEN 'SELECT %I.create_partition_time(''public.changes'', ARRAY[$1], p_analyze := false)'
            ELSE 'SELECT %I.create_partition_time(''public.changes'', ARRAY[$1])'
        END, partman.schema)
      USING lower(range);
    EXECUTE format(
        'UPDATE %I.part_config SET partition_interval = $1, datetime_string = $2 WHERE parent_table = ''public.changes''', partman.schema)
      USING config.partition_interval, config.datetime_string;
    -- pg_partman says nothing where a table that is no partition has the name already.
    SELECT p.partition INTO made FROM changes.partition_bounds() AS p
     WHERE p.lower_bound = lower(range) AND p.upper_bound = upper(range);
    IF made IS NULL THEN
        RAISE EXCEPTION 'pg_partman made no partition for %', range
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Look for a table in schema "public" that has the partition''s name.';
    END IF;
    PERFORM changes.settle_partition(made);
    IF has_rows THEN
        INSERT INTO public.changes SELECT * FROM pg_temp.changes_moved;
        DROP TABLE pg_temp.changes_moved;
    END IF;
    RETURN moved;
END
$$;

COMMENT ON FUNCTION changes.make_partition(tstzrange) IS
'Internal. Makes the partition of the given range of time and returns the number of rows that moved into it from the default
partition. The range must be free. Leaves search_path changed for the session.
Errors: 55P03 where a lock was not had within 100 ms; 55000 where the name is taken; those of pg_partman.
Example: SELECT changes.make_partition(r) FROM changes.missing_ranges() AS r;';
