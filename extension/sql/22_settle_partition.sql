-- What a partition, or changes.held, still lacks, as commands. None is given where there is nothing to do, so that asking costs no lock.
--
--  * REPLICA IDENTITY FULL comes, in a database that is a source too, from the event trigger of `waltrail init`: pg_partman makes a table
--    first and attaches it then, so the trigger cannot know it for a partition of the trail. Every row that leaves it would be
--    logged whole, and nobody reads that.
--  * lz4 where the server was built with it: it costs the writer a third of pglz's time for documents of some kB. Rows that are there keep
--    theirs; a partition whose time is past is left alone. What an operator chose for a column stays.
--  * Autovacuum comes for inserted rows when a fifth of a table is new. Each time it reads all three GIN indexes whole, though nothing is
--    dead: so rather when the table has doubled. Pending lists do not wait for it (changes.clean_pending), nor does freezing (changes.vacuum_commands).
--    fillfactor stays as it is: heap pages are filled whole already, since no row is updated.
--  * Earlier versions gave each GIN index a limit of its own for its pending list, and a trail that they made gives it to every partition:
--    the option of an index that is partitioned cannot be taken back.
--  * An append-only trigger that it has not from its root (changes.protection_commands).
CREATE FUNCTION changes.settling_commands(partition regclass)
RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    insert_scale CONSTANT text := 'autovacuum_vacuum_insert_scale_factor';
    upper_bound timestamptz;
BEGIN
    RETURN QUERY
    SELECT format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', c.oid::regclass)
      FROM pg_catalog.pg_class AS c WHERE c.oid = partition AND c.relreplident = 'f';
    RETURN QUERY
    SELECT format('ALTER TABLE %s SET (%s = 1.0)', c.oid::regclass, insert_scale)
      FROM pg_catalog.pg_class AS c
     WHERE c.oid = partition
       AND NOT EXISTS (SELECT FROM unnest(c.reloptions) AS o (option) WHERE o.option LIKE insert_scale || '=%');
    SELECT p.upper_bound INTO upper_bound FROM changes.partition_bounds(partition) AS p;
    IF upper_bound > now() OR upper_bound IS NULL THEN
        RETURN QUERY
        SELECT format('ALTER TABLE %s %s', a.attrelid::regclass,
                      string_agg(format('ALTER COLUMN %I SET COMPRESSION lz4', a.attname), ', ' ORDER BY a.attnum))
          FROM pg_catalog.pg_attribute AS a
         WHERE a.attrelid = partition AND a.attname IN ('before', 'after', 'context') AND a.attcompression = ''
           AND EXISTS (SELECT FROM pg_catalog.pg_settings AS s
                        WHERE s.name = 'default_toast_compression' AND 'lz4' = ANY (s.enumvals))
         GROUP BY a.attrelid;
    END IF;
    RETURN QUERY
    SELECT format('ALTER INDEX %s RESET (gin_pending_list_limit)', c.oid::regclass)
      FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
     WHERE i.indrelid = partition
       AND EXISTS (SELECT FROM unnest(c.reloptions) AS o (option) WHERE o.option = 'gin_pending_list_limit=4096');
    RETURN QUERY SELECT changes.protection_commands(partition);
END
$$;

COMMENT ON FUNCTION changes.settling_commands(regclass) IS
'Internal. Returns the ALTER TABLE and ALTER INDEX commands that a partition of public.changes still needs, none where it needs none.
Errors: none of its own. Example: SELECT changes.settling_commands(p.partition) FROM changes.partition_bounds() AS p;';

-- Every partition goes through here once it is attached, whoever made it; later ones that lack something (made by an earlier version, by
-- hand) are found by maintain(). What else each partition must have and does not inherit belongs here, too.
CREATE FUNCTION changes.settle_partition(partition regclass)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
AS $$
DECLARE
    command text;
BEGIN
    EXECUTE format('REVOKE ALL ON TABLE %s FROM PUBLIC', partition);
    FOR command IN SELECT c FROM changes.settling_commands(partition) AS c LOOP
        EXECUTE command;
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.settle_partition(regclass) IS
'Internal. Takes from a partition of public.changes what PUBLIC may do with it, and runs changes.settling_commands().
Returns nothing. Errors: 42501 where the partition is not the caller''s; 55P03 where a lock was not had within 100 ms.
Example: SELECT changes.settle_partition(p.partition) FROM changes.partition_bounds() AS p;';

-- setup() completes a trail in one transaction, which must not wait behind readers: a partition in use is left to maintain().
CREATE FUNCTION changes.settle_partitions()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target regclass;
BEGIN
    FOR target IN SELECT p.partition FROM changes.partition_bounds() AS p UNION ALL SELECT 'changes.held'::regclass LOOP
        BEGIN
            PERFORM changes.settle_partition(target);
        EXCEPTION WHEN lock_not_available THEN
            RAISE NOTICE 'table % is in use: changes.maintain() completes it', target;
        END;
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.settle_partitions() IS
'Internal. Settles each partition of public.changes, and changes.held; leaves out, with a NOTICE, those in use. Returns nothing.
Errors: 42P01 before changes.setup(); 42501 where one is not the caller''s. Example: SELECT changes.settle_partitions();';
