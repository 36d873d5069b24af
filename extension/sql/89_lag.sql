-- How far behind its source each trail is, as far as the destination can know: it does not see the source. What is behind may be
-- nothing: on an idle source, apply stores the source's time every some seconds.
CREATE FUNCTION changes.lag()
RETURNS TABLE (
    source text, recorded_end pg_lsn, newest_commit timestamptz, horizon_time timestamptz, seconds_behind numeric, recorded_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT s.label::text, h.lsn, max(a.last_committed_at), h.at,
           CASE WHEN h.at IS NOT NULL THEN round(greatest(extract(epoch FROM clock_timestamp() - h.at), 0), 1) END, max(a.recorded_at)
      FROM changes.sources AS s
     CROSS JOIN LATERAL (SELECT changes.horizon(s.label) AS lsn, changes.horizon_time(s.label) AS at) AS h
      LEFT JOIN changes.applied AS a ON a.source_id = s.id
     GROUP BY s.label, h.lsn, h.at
     ORDER BY s.label;
END
$$;

COMMENT ON FUNCTION changes.lag() IS
'Returns for each source: up to where its WAL is in the trail, the newest commit there, the time up to which the trail is complete, how many seconds
ago that is (clocks of source and destination compared; a second of margin is in it), and when apply last recorded progress. NULLs where
nothing is recorded yet. Errors: 42P01 before changes.setup(). Example: SELECT * FROM changes.lag();';
