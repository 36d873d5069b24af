-- Which ranges [from, to) of time need a partition. pg_partman's own maintenance is not asked: it only counts on from the newest partition, so one
-- partition far in the future stops it, and one row in the default partition for a range to be made fails its whole run.
--
-- Time is cut into periods of the partition interval. A period that no partition touches is one range. Where partitions hold some of
-- it, made when another interval was in force or by hand, each run of time that is left is a range: what is made never overlaps what
-- is there, and leaves no hole. (One range for a run and not one for each day: partitions are what planning pays for.)

CREATE FUNCTION changes.free_ranges(wanted tstzmultirange)
RETURNS SETOF tstzrange
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    step CONSTANT interval := changes.partition_interval();
    taken tstzmultirange;
BEGIN
    SELECT coalesce(range_agg(tstzrange(p.lower_bound, p.upper_bound)), '{}') INTO taken
      FROM changes.partition_bounds() AS p WHERE NOT p.is_default;
    RETURN QUERY
    SELECT DISTINCT free.range
      FROM unnest(wanted) AS w (range)
     CROSS JOIN LATERAL generate_series(
               changes.period_start(lower(w.range), step), upper(w.range) - interval '1 microsecond', step) AS p (start)
     CROSS JOIN LATERAL unnest(tstzmultirange(tstzrange(p.start, p.start + step)) - taken) AS free (range)
     WHERE free.range && w.range
       AND upper(free.range) > coalesce(date_trunc('day', changes.retention_cutoff()), '-infinity');
END
$$;

COMMENT ON FUNCTION changes.free_ranges(tstzmultirange) IS
'Internal. Returns the ranges for which partitions are to be made, so that every instant of the wanted ranges that is not past the retention has one.
Errors: 42P01 before changes.setup(). Example: SELECT changes.free_ranges(tstzmultirange(tstzrange(now(), now() + interval ''10 days'')));';

CREATE FUNCTION changes.premake_end()
RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    step CONSTANT interval := changes.partition_interval();
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
    RETURN changes.period_start(now(), step) + (premake + 1) * step;
END
$$;

COMMENT ON FUNCTION changes.premake_end() IS
'Internal. Returns the first instant that needs no partition yet: premake periods (pg_partman''s part_config) after the end of
the present one. Errors: 55000 where pg_partman does not know the table; 42P01 before changes.setup().
Example: SELECT changes.premake_end();';

-- Ranges of rows in the default partition. Rows beyond what is made ahead stay there until their time
-- comes: a partition for each wrong clock is no gain. Rows past their retention stay for drop_expired().
-- The newest come first; a run takes no more than periods_max periods.
CREATE FUNCTION changes.default_ranges()
RETURNS SETOF tstzrange
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    periods_max CONSTANT integer := 100;
    step CONSTANT interval := changes.partition_interval();
    kept_from CONSTANT timestamptz := coalesce(date_trunc('day', changes.retention_cutoff()), '-infinity');
    made_until CONSTANT timestamptz := changes.premake_end();
    default_partition regclass;
    periods tstzmultirange;
    candidate tstzrange;
    has_rows boolean;
BEGIN
    SELECT p.partition INTO default_partition FROM changes.partition_bounds() AS p WHERE p.is_default;
    IF default_partition IS NULL THEN
        RETURN;
    END IF;
    EXECUTE format(
        'SELECT range_agg(tstzrange(d.start, d.start + $4))
           FROM (SELECT DISTINCT changes.period_start(s.day, $4) AS start
                   FROM (SELECT DISTINCT date_trunc(''day'', c.committed_at) AS day FROM ONLY %s AS c
                          WHERE c.committed_at < $1 AND c.committed_at >= $2 AND isfinite(c.committed_at)) AS s
                  ORDER BY start DESC
                  LIMIT $3) AS d', default_partition)
       INTO periods USING made_until, kept_from, periods_max, step;
    FOR candidate IN SELECT r FROM changes.free_ranges(periods) AS r ORDER BY lower(r) DESC LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM ONLY %s WHERE committed_at >= $1 AND committed_at < $2)', default_partition)
           INTO has_rows USING greatest(lower(candidate), kept_from), upper(candidate);
        IF has_rows THEN
            RETURN NEXT candidate;
        END IF;
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.default_ranges() IS
'Internal. Returns the ranges, newest first and of at most 100 periods, for which partitions are to be made because the default
partition has rows of them. Errors: those of changes.premake_end(). Example: SELECT changes.default_ranges();';

-- Ranges without a partition
--  * from four days back (a writer that lags) to what is made ahead;
--  * from each source's newest applied commit to now: apply calls maintain() before its first batch, and after a pause of months what it writes next
--    is as old as the pause. No more than periods_max periods of it: this server's clock may be years ahead for a moment.
CREATE FUNCTION changes.missing_ranges()
RETURNS SETOF tstzrange
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    days_back CONSTANT integer := 4;
    periods_max CONSTANT integer := 100;
    step CONSTANT interval := changes.partition_interval();
    wanted tstzmultirange := tstzmultirange(tstzrange(now() - make_interval(days => days_back), changes.premake_end()));
BEGIN
    SELECT wanted + coalesce(range_agg(tstzrange(s.newest, least(now(), s.newest + periods_max * step))), '{}')
      INTO wanted
      FROM (SELECT greatest(max(a.last_committed_at), changes.retention_cutoff()) AS newest
              FROM changes.applied AS a WHERE a.last_committed_at IS NOT NULL GROUP BY a.source_id) AS s
     WHERE s.newest < now();
    RETURN QUERY
    SELECT r FROM changes.free_ranges(wanted) AS r
     ORDER BY upper(r) <= now(), lower(r);
END
$$;

COMMENT ON FUNCTION changes.missing_ranges() IS
'Internal. Returns the ranges that need a partition and have none: from four days ago to premake periods ahead, which come first, and from each
source''s newest applied commit to now, at most 100 periods. Errors: those of changes.premake_end(). Example: SELECT changes.missing_ranges();';
