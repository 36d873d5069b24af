-- How far the trail of a source reaches without a hole: the ranges of changes.applied, chained from the
-- lowest start for as long as each begins where the ones before it end. Ranges do not overlap by
-- contract; should they, the chain is not broken by it.
CREATE FUNCTION changes.horizon(source_label text)
RETURNS pg_lsn
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    recorded_end pg_lsn;
    next_range record;
BEGIN
    FOR next_range IN
        SELECT a.start_lsn, a.end_lsn
          FROM changes.applied AS a
          JOIN changes.sources AS s ON s.id = a.source_id
         WHERE s.label = source_label
         ORDER BY a.start_lsn
    LOOP
        EXIT WHEN next_range.start_lsn > recorded_end;
        recorded_end := greatest(recorded_end, next_range.end_lsn);
    END LOOP;
    RETURN recorded_end;
END
$$;

COMMENT ON FUNCTION changes.horizon(text) IS
'Returns the recorded end of a source: everything that it committed before this LSN, from where the trail
begins, is in the trail. NULL for a label that is unknown or has nothing recorded yet.
Errors: 42P01 before changes.setup(). Example: SELECT changes.horizon(''postgres'');';
