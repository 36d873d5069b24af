-- Makes the partition of one UTC day and moves that day's rows into it out of the default partition,
-- which PostgreSQL would otherwise refuse. One transaction: no reader sees a row twice or not at all.
-- Locks are taken parent first, as ATTACH does, and before the rows are read, so that no row slips into
-- the default partition meanwhile. Whoever needs the default partition waits while rows are moved;
-- nobody waits longer than lock_timeout for us to get the locks.
CREATE FUNCTION changes.make_partition(day timestamptz)
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
    default_partition regclass;
    made regclass;
    moved bigint := 0;
BEGIN
    partman := changes.partman();
    LOCK TABLE ONLY public.changes IN SHARE UPDATE EXCLUSIVE MODE;
    SELECT p.partition INTO default_partition FROM changes.partitions() AS p WHERE p.is_default;
    IF default_partition IS NOT NULL THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', default_partition);
        PERFORM changes.permit_changes();
        CREATE TEMPORARY TABLE changes_moved (LIKE public.changes) ON COMMIT DROP;
        EXECUTE format(
            'WITH gone AS (DELETE FROM ONLY %s WHERE committed_at >= $1 AND committed_at < $2 RETURNING *)
             INSERT INTO pg_temp.changes_moved SELECT * FROM gone', default_partition)
          USING day, day + interval '1 day';
        GET DIAGNOSTICS moved = ROW_COUNT;
        PERFORM changes.revoke_permit();
    END IF;
    EXECUTE format(
        CASE partman.major
            WHEN 4 THEN 'SELECT %I.create_partition_time(''public.changes'', ARRAY[$1], p_analyze := false)'
            ELSE 'SELECT %I.create_partition_time(''public.changes'', ARRAY[$1])'
        END, partman.schema)
      USING day;
    -- pg_partman says nothing where a table that is no partition has the name already.
    SELECT p.partition INTO made FROM changes.partitions() AS p
     WHERE p.lower_bound = day AND p.upper_bound = day + interval '1 day';
    IF made IS NULL THEN
        RAISE EXCEPTION 'pg_partman made no partition for %', day
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Look for a table in schema "public" that has the partition''s name.';
    END IF;
    PERFORM changes.settle_partition(made);
    IF default_partition IS NOT NULL THEN
        INSERT INTO public.changes SELECT * FROM pg_temp.changes_moved;
        DROP TABLE pg_temp.changes_moved;
    END IF;
    RETURN moved;
END
$$;

COMMENT ON FUNCTION changes.make_partition(timestamptz) IS
'Internal. Makes the partition of the UTC day that starts at the given instant and returns the number of
rows that moved into it from the default partition. Leaves search_path changed for the session.
Errors: 55P03 where a lock was not had within 100 ms; 55000 where the name is taken; those of pg_partman.
Example: SELECT changes.make_partition(''2026-01-31 00:00:00+00'');';
