-- Gives a partition the triggers that it has not from its root, and takes from it what it must not keep of its making: what default privileges granted, and, in a database that is a source too, the
-- REPLICA IDENTITY FULL of the event trigger of `waltrail init`. pg_partman makes a table first and attaches it then, so the trigger cannot
-- know it for a partition of the trail; every row that leaves it would be logged whole, and nobody reads that.
CREATE FUNCTION changes.settle_partition(partition regclass)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('REVOKE ALL ON TABLE %s FROM PUBLIC', partition);
    IF EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = partition AND c.relreplident = 'f') THEN
        EXECUTE format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', partition);
    END IF;
    PERFORM changes.guard_table(partition);
END
$$;

COMMENT ON FUNCTION changes.settle_partition(regclass) IS
'Internal. Takes from a partition of public.changes what PUBLIC may do with it, and REPLICA IDENTITY FULL; puts the
append-only triggers on it. Returns nothing. Errors: 42501 where the partition is not the caller''s.
Example: SELECT changes.settle_partition(p.partition) FROM changes.partitions() AS p;';
