-- Makes the trail, or completes what is missing of it: may be called again at any time and after every
-- upgrade, and keeps the data. Everything happens in the caller's transaction: all of it or nothing.
-- Indexes are made with the table only; one that an operator dropped on purpose stays away.

-- setup() itself has no SET search_path, because of pg_partman (see changes.partman): it does nothing
-- that a search_path could lead astray, and puts the caller's back.
CREATE FUNCTION changes.setup(retention text DEFAULT NULL, partition_interval text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    caller_search_path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
BEGIN
    PERFORM changes.setup_pinned(retention, partition_interval);
    PERFORM pg_catalog.set_config('search_path', caller_search_path, false);
END
$$;

COMMENT ON FUNCTION changes.setup(text, text) IS
'Makes the table public.changes with its partitions and the tables beside it, or completes them. Returns nothing; may be called
again, and keeps all data. retention is how long changes are kept: an interval, or ''unlimited''. partition_interval is how much
time a partition made from now on holds, in UTC: ''1 day'', ''1 week'', ''1 month'', ''3 months'', ''1 year'', or ''auto'', by which it follows
from the retention (a day up to 45 days, a week up to a year, else a month). Without them both stay as they are, 30 days and ''auto'' at first.
Errors: 22023 for another retention or interval; 42P07 where public.changes exists and is no trail, or schema "changes"
holds a relation with the name of one of waltrail''s; 42704 without pg_partman. Sets search_path to itself
for the session, even where it was set for the transaction.
Example: SELECT changes.setup(retention => ''30 days'');';

CREATE FUNCTION changes.setup_pinned(retention text, partition_interval text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_temp
AS $$
DECLARE
    problem text;
    is_new boolean;
BEGIN
    PERFORM changes.parse_retention(coalesce(retention, 'unlimited'));
    PERFORM changes.parse_partition_interval(coalesce(partition_interval, 'auto'));
    PERFORM changes.lock_trail(wait => true);
    IF to_regclass('public.changes') IS NULL THEN
        PERFORM changes.create_trail();
    END IF;
    problem := changes.trail_problem();
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'relation "public.changes" exists and is not a trail'
            USING ERRCODE = 'duplicate_table',
                  DETAIL = problem,
                  HINT = 'Rename or move that relation, then call changes.setup() again.';
    END IF;
    problem := changes.records_problem();
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'schema "changes" holds relations that are not of waltrail'
            USING ERRCODE = 'duplicate_table',
                  DETAIL = problem,
                  HINT = 'Rename or move that relation, then call changes.setup() again.';
    END IF;
    PERFORM changes.create_records();
    PERFORM changes.create_hold_tables();
    PERFORM changes.store_retention(retention, partition_interval);
    is_new := NOT EXISTS (SELECT FROM changes.partition_bounds());
    PERFORM changes.create_differences();
    PERFORM changes.register_partitions();
    PERFORM changes.create_erasures();
    PERFORM changes.create_protection();
    PERFORM changes.settle_partitions();
    IF is_new THEN
        PERFORM changes.make_partition(r) FROM changes.missing_ranges() AS r;
    END IF;
    PERFORM changes.create_rights();
    PERFORM changes.renew_grants();
END
$$;

COMMENT ON FUNCTION changes.setup_pinned(text, text) IS
'Internal. What changes.setup() does, under pinned settings; leaves search_path changed for the session.
Returns nothing. Errors: as changes.setup(). Example: SELECT changes.setup_pinned(''30 days'', NULL);';
