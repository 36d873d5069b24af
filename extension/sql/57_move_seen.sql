-- A partition whose held rows were moved must outlive every snapshot that is older than the move: DROP TABLE is not rolled back for those who look from
-- before it, so such a reader (a long report, a dump, a function with several queries) would find these rows neither in the
-- partition nor in changes.held.
--
-- Snapshots are not shown to every role, running transactions are: each holds a lock on its virtual transaction id. Those that run when the move is first found committed
-- are written down, and awaited. The list outlives a run of maintain(), or a database that is never without a long
-- transaction would never drop.
--
-- A list is known by its partition's oid and name, as a seal is: in a copy restored from a dump the oids are others, and nobody there has to be awaited.
CREATE FUNCTION changes.running_transactions()
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT l.virtualxid
      FROM pg_catalog.pg_locks AS l
      JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
     WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted
       AND a.datid = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = current_database())
       AND a.backend_type IS DISTINCT FROM 'autovacuum worker'
       AND l.pid <> pg_backend_pid();
END
$$;

COMMENT ON FUNCTION changes.running_transactions() IS
'Internal. Returns the virtual transaction ids of the other transactions that run in this database. Errors: none of its own.
Example: SELECT changes.running_transactions();';

CREATE FUNCTION changes.is_move_seen(source regclass)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM changes.moves AS m
     WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = m.partition AND c.oid::regclass::text = m.name);
    INSERT INTO changes.moves (partition, name, awaited)
    VALUES (source, source::text, ARRAY(SELECT r FROM changes.running_transactions() AS r))
        ON CONFLICT (partition) DO NOTHING;
    RETURN NOT EXISTS (
        SELECT FROM changes.moves AS m
         WHERE m.partition = source
           AND m.awaited && ARRAY(SELECT r FROM changes.running_transactions() AS r));
END
$$;

COMMENT ON FUNCTION changes.is_move_seen(regclass) IS
'Internal. Returns whether every transaction of this database sees what has been moved out of a partition into changes.held; to be asked in a transaction after
that of the move, again and again. Errors: 42P01 before changes.setup(). Example: SELECT changes.is_move_seen(p) FROM changes.expired_partitions() AS p;';
