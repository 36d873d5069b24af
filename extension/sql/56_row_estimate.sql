-- How many rows a table has, without reading it: what VACUUM or ANALYZE counted, or what was counted of inserts and deletes since the statistics
-- began, whichever is more. The former lags behind a table that grows, the latter is lost in a crash.
CREATE FUNCTION changes.row_estimate(counted regclass)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT greatest(c.reltuples::bigint, pg_stat_get_live_tuples(c.oid), 0)
              FROM pg_catalog.pg_class AS c WHERE c.oid = counted);
END
$$;

COMMENT ON FUNCTION changes.row_estimate(regclass) IS
'Internal. Returns about how many rows a table has, from statistics; NULL where it is gone. Errors: none of its own.
Example: SELECT changes.row_estimate(''changes.held'');';
