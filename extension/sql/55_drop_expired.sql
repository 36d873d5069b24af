-- What is past the retention, and dropping it. A partition goes when all of its range is past; rows
-- of the default partition go by days.

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
    SELECT p.partition FROM changes.partition_bounds() AS p
     WHERE p.upper_bound <= cutoff ORDER BY p.upper_bound;
    SELECT p.partition INTO default_partition FROM changes.partition_bounds() AS p WHERE p.is_default;
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

CREATE FUNCTION changes.record_drop(
    partition text, lower_bound timestamptz, upper_bound timestamptz, rows bigint, bytes bigint, held bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO changes.drops (partition, lower_bound, upper_bound, rows, bytes, held, retention)
    SELECT record_drop.partition, record_drop.lower_bound, record_drop.upper_bound, record_drop.rows, record_drop.bytes, record_drop.held, s.value
      FROM changes.settings AS s WHERE s.name = 'retention';
END
$$;

COMMENT ON FUNCTION changes.record_drop(text, timestamptz, timestamptz, bigint, bigint, bigint) IS
'Internal. Writes into changes.drops what is about to go. Returns nothing. Errors: 42P01 before changes.setup().
Example: SELECT changes.record_drop(''changes.held'', now() - interval ''1 day'', now(), 10, NULL, 0);';

-- The rows of the default partition go by DELETE, the partition stays. Late ones of a held table are held as well.
CREATE FUNCTION changes.drop_expired_rows(default_partition regclass, cutoff timestamptz)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '100ms'
AS $$
DECLARE
    held bigint;
    gone bigint;
    first_at timestamptz;
    last_at timestamptz;
BEGIN
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', default_partition);
    EXECUTE format('SELECT min(committed_at), max(committed_at) FROM ONLY %s WHERE committed_at < $1', default_partition)
       INTO first_at, last_at USING cutoff;
    held := changes.hold_rows(default_partition, cutoff);
    PERFORM changes.permit_changes();
    EXECUTE format('DELETE FROM ONLY %s WHERE committed_at < $1', default_partition) USING cutoff;
    GET DIAGNOSTICS gone = ROW_COUNT;
    PERFORM changes.revoke_permit();
    IF held + gone > 0 THEN
        PERFORM changes.record_drop(default_partition::text, first_at, last_at + interval '1 second', held + gone, NULL, held);
    END IF;
END
$$;

COMMENT ON FUNCTION changes.drop_expired_rows(regclass, timestamptz) IS
'Internal. Deletes the rows of the default partition that were committed before the given time, but those that a hold keeps, which go into
changes.held; records it in changes.drops. Returns nothing. Errors: 42P01 before changes.setup(); 55P03 where a lock was not had within 100 ms.
Example: SELECT changes.drop_expired_rows(p.partition, changes.retention_cutoff()) FROM changes.partition_bounds() AS p WHERE p.is_default;';

-- DROP TABLE of a partition needs ACCESS EXCLUSIVE on the parent, for which every writer waits. So all else comes first:
--
--   lock                                       | who waits, and how long                   | meanwhile
--   -------------------------------------------+-------------------------------------------+------------------------------------
--   partition: SHARE ROW EXCLUSIVE             | writers of rows that are past the         | held rows are moved, then committed;
--                                              | retention                                 | or there are none, and it goes on
--   partition, default: ACCESS EXCLUSIVE       | readers of the whole trail                | record, locks of 100 ms at most
--   parent: ACCESS EXCLUSIVE, by DROP TABLE    | everybody, 75 ms at most                  | the drop itself
--
-- A reader of the whole trail already keeps us from the second line, and then has stopped no writer. The order is against that of others, parent
-- first; what could be a deadlock ends by lock_timeout, long before deadlock_timeout.
CREATE FUNCTION changes.drop_expired(expired regclass)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET lock_timeout = '100ms'
AS $$
DECLARE
    cutoff CONSTANT timestamptz := changes.retention_cutoff();
    target record;
    default_partition regclass;
    held bigint;
BEGIN
    SELECT p.* INTO target FROM changes.partition_bounds(expired) AS p;
    IF target.is_default THEN
        PERFORM changes.drop_expired_rows(expired, date_trunc('day', cutoff));
        RETURN true;
    END IF;
    IF target.upper_bound > cutoff OR target.upper_bound IS NULL OR cutoff IS NULL THEN
        RETURN true;
    END IF;
    EXECUTE format('LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE', expired);
    IF changes.hold_rows(expired, target.upper_bound) > 0 THEN
        DELETE FROM changes.moves AS m WHERE m.partition = expired;
        RETURN false;
    END IF;
    SELECT count(*) INTO held FROM changes.held AS h
     WHERE h.committed_at >= target.lower_bound AND h.committed_at < target.upper_bound;
    IF held > 0 AND NOT changes.is_move_seen(expired) THEN
        RETURN false;
    END IF;
    EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', expired);
    SELECT p.partition INTO default_partition FROM changes.partition_bounds() AS p WHERE p.is_default;
    IF default_partition IS NOT NULL THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', default_partition);
    END IF;
    PERFORM changes.record_drop(expired::text, target.lower_bound, target.upper_bound,
                                changes.row_estimate(expired), pg_total_relation_size(expired), held);
    DELETE FROM changes.seals AS s WHERE s.partition = expired;
    DELETE FROM changes.moves AS m WHERE m.partition = expired;
    -- Nobody should wait for us to hear from a synchronous standby. What is moved into changes.held was committed before, and waited for.
    PERFORM set_config('synchronous_commit', 'local', true);
    PERFORM set_config('lock_timeout', '75ms', true);
    EXECUTE format('DROP TABLE %s', expired);
    RETURN true;
END
$$;

COMMENT ON FUNCTION changes.drop_expired(regclass) IS
'Internal. Drops the given partition of public.changes, for the default partition its rows, if past the retention, and records it in changes.drops;
otherwise does nothing. Returns false where it had to move rows into changes.held first, or somebody may not see them there yet: commit, and call it again. Errors: 55P03 where
a lock was not had in time; 2BP01 where something depends on the partition.
Example: SELECT changes.drop_expired(p) FROM changes.expired_partitions() AS p;';
