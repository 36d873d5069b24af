-- GIN collects new entries in a pending list, which every query reads whole; when it is full (what apply sets, or the server), the writer that fills it must clean it, and
-- its statement takes as long as that. Cleaned beside the writers it seldom fills.
--
--  * Only an index's owner may clean it, and a writer is not: hence SECURITY DEFINER. It names its indexes itself.
--  * Sealed partitions have had theirs cleaned, unless late rows came. Those past the retention are about to go: a lock on one of their indexes would hold up the drop
--    while it keeps everybody waiting.
--  * How much is pending cannot be asked without an extension; how much was can.
CREATE FUNCTION changes.clean_pending(
    OUT index regclass,
    OUT pages bigint,
    OUT bytes bigint)
RETURNS SETOF record
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    page_bytes CONSTANT bigint := current_setting('block_size');
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('waltrail: pending lists of public.changes', 0)) THEN
        RETURN;
    END IF;
    FOR index IN
        SELECT i.indexrelid
          FROM (SELECT p.partition FROM changes.partition_bounds() AS p
                 WHERE (pg_stat_get_ins_since_vacuum(p.partition) > 0
                        OR NOT EXISTS (SELECT FROM changes.seals AS s WHERE s.partition = p.partition AND s.name = p.partition::text))
                   AND coalesce(p.upper_bound > changes.retention_cutoff(), true)
                UNION ALL
                SELECT 'changes.held'::regclass) AS t (relation)
          JOIN pg_catalog.pg_index AS i ON i.indrelid = t.relation AND i.indisvalid
          JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
          JOIN pg_catalog.pg_am AS m ON m.oid = c.relam AND m.amname = 'gin'
         WHERE pg_has_role(c.relowner, 'USAGE')
    LOOP
        pages := gin_clean_pending_list(index);
        IF pages > 0 THEN
            bytes := pages * page_bytes;
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.clean_pending() IS
'Cleans the pending lists of the GIN indexes of public.changes and changes.held, beside the writers. Returns the indexes that had something pending,
with its pages and bytes; no rows while another session is at it. Writers may call it. Errors: 42P01 before changes.setup().
Example: SELECT * FROM changes.clean_pending();';
