-- What is past the retention, and dropping it. A partition goes when all of its range is past; rows
-- of the default partition go by the same days. DROP TABLE needs ACCESS EXCLUSIVE on the parent too: a
-- wait for it behind a long reader would stop every writer, hence the short lock_timeout.

CREATE FUNCTION changes.expired_partitions()
RETURNS SETOF regclass
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    cutoff CONSTANT timestamptz := changes.retention_cutoff();
    default_partition regclass;
    has_expired boolean;
BEGIN
    RETURN QUERY
    SELECT p.partition FROM changes.partitions() AS p
     WHERE p.upper_bound <= cutoff ORDER BY p.upper_bound;
    SELECT p.partition INTO default_partition FROM changes.partitions() AS p WHERE p.is_default;
    IF default_partition IS NOT NULL AND cutoff IS NOT NULL THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s WHERE committed_at < $1)', default_partition)
           INTO has_expired USING date_trunc('day', cutoff);
        IF has_expired THEN
            RETURN NEXT default_partition;
        END IF;
    END IF;
END
$$;

COMMENT ON FUNCTION changes.expired_partitions() IS
'Internal. Returns the partitions all of whose range is past the retention, oldest first, and last the
default partition where it holds rows that are. Errors: those of changes.retention_cutoff().
Example: SELECT changes.expired_partitions();';

CREATE FUNCTION changes.drop_expired(expired regclass)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '100ms'
AS $$
DECLARE
    cutoff CONSTANT timestamptz := changes.retention_cutoff();
    target record;
BEGIN
    LOCK TABLE ONLY public.changes IN SHARE UPDATE EXCLUSIVE MODE;
    SELECT p.* INTO target FROM changes.partitions() AS p WHERE p.partition = expired;
    IF target.is_default THEN
        PERFORM changes.permit_changes();
        EXECUTE format('DELETE FROM ONLY %s WHERE committed_at < $1', expired)
          USING date_trunc('day', cutoff);
        PERFORM changes.revoke_permit();
    ELSIF target.upper_bound <= cutoff THEN
        EXECUTE format('DROP TABLE %s', expired);
    END IF;
END
$$;

COMMENT ON FUNCTION changes.drop_expired(regclass) IS
'Internal. Drops the given partition of public.changes, for the default partition its rows, if past the
retention; otherwise does nothing. Returns nothing. Errors: 55P03 where a lock was not had
within 100 ms; 2BP01 where something depends on the partition.
Example: SELECT changes.drop_expired(p) FROM changes.expired_partitions() AS p;';
