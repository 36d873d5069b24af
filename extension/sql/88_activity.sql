-- A glance: how much of what happened when. Buckets are aligned to UTC's midnight, as partitions are.
CREATE FUNCTION changes.activity(
    since timestamptz DEFAULT now() - interval '24 hours', until timestamptz DEFAULT NULL, bucket interval DEFAULT '1 hour')
RETURNS TABLE (bucket_start timestamptz, database text, schema text, "table" text, operation text, changes bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    IF bucket IS NULL OR bucket <= interval '0' OR extract(month FROM bucket) <> 0 OR extract(year FROM bucket) <> 0 THEN
        RAISE EXCEPTION 'invalid bucket %', coalesce('"' || bucket || '"', 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Give a positive interval of days, hours, minutes or seconds.';
    END IF;
    PERFORM changes.tell_missing(NULL, NULL, NULL, since, until);
    RETURN QUERY EXECUTE format(
        'SELECT date_bin(%L, c.committed_at, ''2000-01-01 00:00:00+00''), c.database::text, c.schema::text, c."table"::text, c.operation, count(*)
           FROM %s AS c WHERE true%s
          GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5',
        bucket, changes.readable(), changes.time_condition(since, until));
END
$$;

COMMENT ON FUNCTION changes.activity(timestamptz, timestamptz, interval) IS
'Returns how many changes there were in each bucket of time, by database, schema, table and operation; without arguments of the last 24 hours,
hour by hour. since is included, until is not; NULL bounds nothing. Errors: 22023 for a bucket that is not positive, or has months.
Example: SELECT * FROM changes.activity(since => now() - interval ''7 days'', bucket => ''1 day'');';
