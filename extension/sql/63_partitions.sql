-- For people: each partition and what it takes. Sizes are read from files, under a lock on each partition that only its drop conflicts with; what only
-- needs the bounds calls changes.partition_bounds(). What is pending in GIN indexes is not told: it is in no catalog, and to read an index's
-- meta page takes pageinspect or pgstattuple. changes.clean_pending() tells what it found.
CREATE FUNCTION changes.partitions(
    OUT partition regclass,
    OUT lower_bound timestamptz,
    OUT upper_bound timestamptz,
    OUT is_default boolean,
    OUT rows bigint,
    OUT heap_bytes bigint,
    OUT toast_bytes bigint,
    OUT index_bytes bigint,
    OUT total_bytes bigint,
    OUT bytes_per_change bigint,
    OUT is_sealed boolean)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT b.partition, b.lower_bound, b.upper_bound, b.is_default, e.rows,
           s.table_bytes - s.toast_bytes, s.toast_bytes, s.index_bytes, s.table_bytes + s.index_bytes,
           (s.table_bytes + s.index_bytes) / nullif(e.rows, 0),
           EXISTS (SELECT FROM changes.seals AS l WHERE l.partition = b.partition AND l.name = b.partition::text)
      FROM changes.partition_bounds() AS b
      JOIN pg_catalog.pg_class AS c ON c.oid = b.partition
     CROSS JOIN LATERAL (SELECT changes.row_estimate(b.partition)) AS e (rows)
     CROSS JOIN LATERAL (
               SELECT pg_table_size(b.partition),
                      coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0),
                      pg_indexes_size(b.partition)) AS s (table_bytes, toast_bytes, index_bytes)
     ORDER BY b.lower_bound NULLS LAST;
END
$$;

COMMENT ON FUNCTION changes.partitions() IS
'Returns the partitions of public.changes in the order of their bounds, the default partition last:
the lower bound belongs to the partition, the upper one does not; both are NULL for the default
partition. rows is an estimate from statistics; bytes are those of the table, of its long values (TOAST, with its index) and of its indexes;
bytes_per_change is all of that per row, NULL without rows. is_sealed: it had its last VACUUM. No rows before changes.setup() has made the trail.
Errors: 42P01 before changes.setup().
Example: SELECT * FROM changes.partitions();';
