-- Which days need a partition. Days are UTC days, given by their first instant. pg_partman's own
-- maintenance is not asked: it only counts on from the newest partition, so one partition far in the
-- future stops it, and one row in the default partition for a day to be made fails its whole run.

CREATE FUNCTION changes.premake_end()
RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    partman record;
    premake integer;
BEGIN
    partman := changes.partman();
    EXECUTE format('SELECT premake FROM %I.part_config WHERE parent_table = ''public.changes''', partman.schema)
       INTO premake;
    IF premake IS NULL THEN
        RAISE EXCEPTION 'table "public.changes" is not known to pg_partman'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Call changes.setup() again.';
    END IF;
    RETURN date_trunc('day', now()) + make_interval(days => premake + 1);
END
$$;

COMMENT ON FUNCTION changes.premake_end() IS
'Internal. Returns the first instant that needs no partition yet: premake days (pg_partman''s
part_config) after the end of this UTC day. Errors: 55000 where pg_partman does not know the table.
Example: SELECT changes.premake_end();';

-- Days of rows in the default partition. Rows beyond the days made ahead stay there until their time
-- comes: a partition for each wrong clock is no gain. Rows past their retention stay for drop_expired().
-- The newest days come first; a run takes no more than days_max.
CREATE FUNCTION changes.default_days()
RETURNS SETOF timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    days_max CONSTANT integer := 100;
    default_partition regclass;
BEGIN
    SELECT p.partition INTO default_partition FROM changes.partitions() AS p WHERE p.is_default;
    IF default_partition IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format(
        'SELECT DISTINCT date_trunc(''day'', d.committed_at) AS day
           FROM ONLY %s AS d
          WHERE d.committed_at < $1 AND d.committed_at >= $2 AND isfinite(d.committed_at)
          ORDER BY day DESC
          LIMIT $3', default_partition)
      USING changes.premake_end(),
            coalesce(date_trunc('day', changes.retention_cutoff()), '-infinity'),
            days_max;
END
$$;

COMMENT ON FUNCTION changes.default_days() IS
'Internal. Returns the UTC days, newest first and at most 100, whose rows are to leave the default
partition. Errors: those of changes.premake_end(). Example: SELECT changes.default_days();';

-- Days from four back (a writer that lags) to premake ahead that no partition holds yet.
CREATE FUNCTION changes.missing_days()
RETURNS SETOF timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    days_back CONSTANT integer := 4;
BEGIN
    RETURN QUERY
    SELECT d.day
      FROM generate_series(date_trunc('day', now()) - make_interval(days => days_back),
                           changes.premake_end() - interval '1 day',
                           interval '1 day') AS d (day)
     WHERE d.day >= coalesce(date_trunc('day', changes.retention_cutoff()), '-infinity')
       AND NOT EXISTS (
               SELECT FROM changes.partitions() AS p
                WHERE p.lower_bound < d.day + interval '1 day' AND p.upper_bound > d.day)
     ORDER BY d.day;
END
$$;

COMMENT ON FUNCTION changes.missing_days() IS
'Internal. Returns the UTC days from four days ago to premake days ahead that have no partition.
Errors: those of changes.premake_end(). Example: SELECT changes.missing_days();';
