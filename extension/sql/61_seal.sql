-- A partition is sealed once its time is past: one VACUUM cleans the pending lists of its GIN indexes, freezes its rows, so that it need never be
-- read whole again, and counts them. Late rows may still come; autovacuum and changes.clean_pending() are there for them.
-- VACUUM cannot run in a function: what is to be run is given as commands, for psql (\gexec) and for waltrail apply.
--
-- A seal is known by oid and name: in a copy restored from a dump the oids are others, or another table's, and nothing has been vacuumed.
-- "Past" has a margin: the newest applied commit, or time that a source told, must be an hour past the partition's end, since sources are not equally far.

CREATE FUNCTION changes.sealable_partitions()
RETURNS SETOF regclass
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    margin CONSTANT interval := interval '1 hour';
BEGIN
    RETURN QUERY
    SELECT p.partition FROM changes.partition_bounds() AS p
     WHERE p.upper_bound <= changes.retention_reference() - margin
       AND NOT EXISTS (SELECT FROM changes.seals AS s WHERE s.partition = p.partition AND s.name = p.partition::text)
     ORDER BY p.upper_bound;
END
$$;

COMMENT ON FUNCTION changes.sealable_partitions() IS
'Internal. Returns the partitions whose time is past by an hour and that are not sealed yet, oldest first. Errors: 42P01 before changes.setup().
Example: SELECT changes.sealable_partitions();';

CREATE FUNCTION changes.vacuum_commands()
RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT c.command
      FROM changes.sealable_partitions() WITH ORDINALITY AS s (partition, place)
     CROSS JOIN LATERAL (VALUES
               (1, format('VACUUM (FREEZE, ANALYZE) %s', s.partition)),
               (2, format('SELECT changes.record_seal(%L)', s.partition::text))) AS c (place, command)
     ORDER BY s.place, c.place;
END
$$;

COMMENT ON FUNCTION changes.vacuum_commands() IS
'Returns the commands that seal the partitions whose time is past, to be run one after the other outside a transaction block: in psql by
\gexec; waltrail apply runs them. Each partition is vacuumed once, and then recorded in changes.seals. Errors: 42P01 before changes.setup().
Example: SELECT changes.vacuum_commands();';

-- A VACUUM that failed must not be recorded: psql goes on after an error. Without track_counts nothing is known of it.
CREATE FUNCTION changes.record_seal(partition regclass)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ended_at timestamptz;
BEGIN
    SELECT p.upper_bound INTO ended_at FROM changes.partition_bounds(partition) AS p;
    IF ended_at IS NULL
       OR current_setting('track_counts')::boolean
          AND coalesce(pg_stat_get_last_vacuum_time(partition) < greatest(ended_at, now() - interval '1 hour'), true) THEN
        RAISE EXCEPTION 'table % was not vacuumed', partition
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'Run the command before this one of changes.vacuum_commands().';
    END IF;
    -- Partitions that were dropped by hand, and those of the database that this one was restored from.
    DELETE FROM changes.seals AS s
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = s.partition AND c.oid::regclass::text = s.name);
    INSERT INTO changes.seals (partition, name) VALUES (record_seal.partition, record_seal.partition::text)
        ON CONFLICT ON CONSTRAINT seals_pkey DO UPDATE SET name = excluded.name, sealed_at = excluded.sealed_at;
END
$$;

COMMENT ON FUNCTION changes.record_seal(regclass) IS
'Records in changes.seals that a partition had its last VACUUM. Returns nothing. Errors: 55000 where none ended within the last hour.
Example: SELECT changes.record_seal(p) FROM changes.sealable_partitions() AS p
WHERE pg_stat_get_last_vacuum_time(p) > now() - interval ''5 minutes'';';
