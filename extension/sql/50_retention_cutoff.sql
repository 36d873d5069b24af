-- The time before which changes are past their retention. It is counted back from the time that the trail has come to, where that
-- is older than now: while nothing is applied, because the source is away or because this server's clock ran ahead, the trail does not
-- melt. A source that only is quiet tells its time (source_time), and its days pass. Truth table, of the newest commit or time of any source:
--
--   retention  | applied time known | cutoff
--   -----------+--------------------+-------------------------------------------
--   unlimited  | any                | NULL
--   interval   | no                 | NULL: there is nothing to count from
--   interval   | yes                | least(now, newest of them) - interval
CREATE FUNCTION changes.retention_reference()
RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    newest timestamptz;
BEGIN
    -- A trail that an upgrade has not completed yet has no column source_time.
    SELECT greatest(max(a.last_committed_at), max((to_jsonb(a) ->> 'source_time')::timestamptz)) INTO newest FROM changes.applied AS a;
    RETURN CASE WHEN newest IS NOT NULL THEN least(now(), newest) END;
END
$$;

COMMENT ON FUNCTION changes.retention_reference() IS
'Internal. Returns the time from which retentions are counted back: now or the newest that was applied, a commit or a time that a source told, whichever is earlier;
NULL where nothing was applied yet. Errors: 42P01 before changes.setup(). Example: SELECT changes.retention_reference();';

CREATE FUNCTION changes.retention_cutoff()
RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    kept interval;
BEGIN
    SELECT changes.parse_retention(s.value) INTO kept
      FROM changes.settings AS s WHERE s.name = 'retention';
    RETURN changes.retention_reference() - kept;
END
$$;

COMMENT ON FUNCTION changes.retention_cutoff() IS
'Returns the time before which changes are past their retention: the retention, counted back from now or
from the newest applied commit or source time, whichever is earlier. NULL where nothing is: the retention is unlimited,
or nothing was applied yet. Errors: 42P01 before changes.setup().
Example: SELECT changes.retention_cutoff();';
