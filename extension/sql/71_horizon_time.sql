-- How far a trail reaches in the time of its source. The newest recorded commit says so while there are any; on an idle source
-- apply stores a moment of the source's clock with the position that holds everything committed until then (source_time).
--
-- The newest is what the last range has, not the greatest: where a clock was set back, times that it had told before may lie ahead of it.
--
-- A second is taken off. A transaction takes its commit time before its commit record goes into the WAL
-- (RecordTransactionCommit), so commits may stand there slightly out of the order of their times, and one with an earlier time may
-- still be to come. Between the two there is no wait but for room in the WAL: microseconds, under bad load milliseconds.
CREATE FUNCTION changes.horizon_time(source_label text)
RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    margin CONSTANT interval := '1 second';
    recorded_end CONSTANT pg_lsn := changes.horizon(source_label);
BEGIN
    RETURN (
        SELECT greatest((array_agg(a.last_committed_at ORDER BY a.end_lsn DESC) FILTER (WHERE a.last_committed_at IS NOT NULL))[1],
                        (array_agg(a.source_time ORDER BY a.end_lsn DESC) FILTER (WHERE a.source_time IS NOT NULL))[1]) - margin
          FROM changes.applied AS a
          JOIN changes.sources AS s ON s.id = a.source_id
         WHERE s.label = source_label AND a.end_lsn <= recorded_end);
END
$$;

COMMENT ON FUNCTION changes.horizon_time(text) IS
'Returns the time, by the clock of the source, up to which the trail of a source is complete: everything committed before it is in
the trail. NULL for a label that is unknown or has no commit recorded yet. Errors: 42P01 before changes.setup().
Example: SELECT label, changes.horizon_time(label) FROM changes.sources;';
