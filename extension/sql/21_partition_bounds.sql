-- The partitions as the catalog has them. Bounds are read from the catalog, never from pg_partman's
-- names, so partitions of any version, and ones made by hand, are understood alike. No lock is taken and no
-- file is looked at: changes.partitions() adds the sizes for people.
CREATE FUNCTION changes.partition_bounds(
    wanted regclass DEFAULT NULL,
    OUT partition regclass,
    OUT lower_bound timestamptz,
    OUT upper_bound timestamptz,
    OUT is_default boolean)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
BEGIN
    RETURN QUERY
    SELECT c.oid::regclass,
           CASE WHEN b.bound <> 'DEFAULT'
                THEN coalesce(substring(b.bound FROM $re$FROM \('([^']+)'\)$re$), '-infinity')::timestamptz
           END,
           CASE WHEN b.bound <> 'DEFAULT'
                THEN coalesce(substring(b.bound FROM $re$TO \('([^']+)'\)$re$), 'infinity')::timestamptz
           END,
           b.bound = 'DEFAULT'
      FROM pg_catalog.pg_inherits AS i
      JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
     CROSS JOIN LATERAL (SELECT pg_get_expr(c.relpartbound, c.oid)) AS b (bound)
     WHERE i.inhparent = to_regclass('public.changes') AND (wanted IS NULL OR c.oid = wanted)
     ORDER BY 2 NULLS LAST;
END
$$;

COMMENT ON FUNCTION changes.partition_bounds(regclass) IS
'Internal. Returns the partitions of public.changes in the order of their bounds, the default partition last:
the lower bound belongs to the partition, the upper one does not; both are NULL for the default
partition. Of one partition, if it is named. No rows before changes.setup(). Writers may call it. Errors: none of its own.
Example: SELECT * FROM changes.partition_bounds();';
