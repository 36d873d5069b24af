-- Rows that a hold keeps, on their way into changes.held and out of it. A row moves in one transaction, so that changes.trail has it exactly once
-- in every snapshot.

-- The condition is a text and not a function: per row, a function would cost more than all the rest.
CREATE FUNCTION changes.hold_condition()
RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN 'EXISTS (SELECT FROM changes.active_holds() AS h
                     WHERE h.schema = c.schema
                       AND (h."table" = c."table" OR h."table" IS NULL)
                       AND (h.database = c.database OR h.database IS NULL)
                       AND c.committed_at >= h.kept_from)';
END
$$;

COMMENT ON FUNCTION changes.hold_condition() IS
'Internal. Returns the SQL condition that a row "c" of the trail is kept by a hold. Errors: none of its own.
Example: SELECT changes.hold_condition();';

-- A row that is in changes.held already (an id is a change's own) is not written again.
CREATE FUNCTION changes.hold_rows(partition regclass, before timestamptz)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    columns CONSTANT text := 'id, database, schema, "table", primary_key, operation, before, after, context,'
                             ' committed_at, queued_at, created_at, transaction_id, position';
    held bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM changes.active_holds() AS h WHERE h.kept_from < hold_rows.before) THEN
        RETURN 0;
    END IF;
    PERFORM changes.permit_changes();
    EXECUTE format(
        'WITH gone AS (DELETE FROM ONLY %1$s AS c WHERE c.committed_at < $1 AND %2$s RETURNING c.*),
              kept AS (INSERT INTO changes.held (%3$s) SELECT %3$s FROM gone ON CONFLICT DO NOTHING)
         SELECT count(*) FROM gone', partition, changes.hold_condition(), columns)
       INTO held USING before;
    PERFORM changes.revoke_permit();
    RETURN held;
END
$$;

COMMENT ON FUNCTION changes.hold_rows(regclass, timestamptz) IS
'Internal. Moves the rows of a partition that were committed before the given time and that a hold keeps into changes.held; returns their number.
Errors: 42P01 before changes.setup(). Example: SELECT changes.hold_rows(p.partition, changes.retention_cutoff()) FROM changes.partition_bounds() AS p WHERE p.is_default;';

CREATE FUNCTION changes.has_unheld()
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    found_one boolean;
BEGIN
    EXECUTE 'SELECT EXISTS (SELECT FROM changes.held AS c WHERE c.committed_at < $1 AND NOT ' || changes.hold_condition() || ')'
       INTO found_one USING date_trunc('day', changes.retention_cutoff());
    RETURN found_one;
END
$$;

COMMENT ON FUNCTION changes.has_unheld() IS
'Internal. Returns whether changes.held has rows that no hold keeps any more and that are past the retention. Errors: 42P01 before changes.setup().
Example: SELECT changes.has_unheld();';

CREATE FUNCTION changes.drop_unheld()
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    gone bigint;
    first_at timestamptz;
    last_at timestamptz;
BEGIN
    PERFORM changes.permit_changes();
    EXECUTE
        'WITH gone AS (DELETE FROM changes.held AS c WHERE c.committed_at < $1 AND NOT ' || changes.hold_condition() || ' RETURNING c.committed_at)
         SELECT count(*), min(committed_at), max(committed_at) FROM gone'
       INTO gone, first_at, last_at USING date_trunc('day', changes.retention_cutoff());
    PERFORM changes.revoke_permit();
    IF gone > 0 THEN
        PERFORM changes.record_drop('changes.held', first_at, last_at + interval '1 second', gone, NULL, 0);
    END IF;
    RETURN gone;
END
$$;

COMMENT ON FUNCTION changes.drop_unheld() IS
'Internal. Deletes from changes.held what no hold keeps any more and is past the retention, records that in changes.drops, and returns how
many rows it was. Errors: 42P01 before changes.setup(). Example: SELECT changes.drop_unheld();';
