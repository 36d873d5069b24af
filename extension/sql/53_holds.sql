-- Holds: who may not lose what, in spite of the retention. Several may stand for one table, each for its own reason, and each ends by itself;
-- that of one case must not end with another's. None is ever deleted: changes.holds says what was held, when, and why.
-- hold() and release() wait for the task that maintain() is at, which takes the same lock before it looks at the holds. A hold is placed when it
-- has the lock, not when its transaction began: what was dropped meanwhile it has not kept (changes.held_since).

CREATE FUNCTION changes.hold(
    schema text,
    "table" text DEFAULT NULL,
    retention text DEFAULT 'unlimited',
    database text DEFAULT NULL,
    reason text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres'
AS $$
DECLARE
    kept CONSTANT text := coalesce(changes.parse_retention(hold.retention)::text, 'unlimited');
    hold_id bigint;
BEGIN
    IF hold.schema IS NULL THEN
        RAISE EXCEPTION 'a hold needs a schema' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF coalesce(btrim(hold.reason), '') = '' THEN
        RAISE EXCEPTION 'a hold needs a reason'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Say for whom or what the changes are kept: reason => ''case 4711''.';
    END IF;
    PERFORM changes.lock_trail(wait => true);
    INSERT INTO changes.holds (database, schema, "table", retention, reason, placed_at)
    VALUES (hold.database, hold.schema, hold."table", kept, hold.reason, clock_timestamp())
    RETURNING id INTO hold_id;
    IF NOT EXISTS (SELECT FROM changes.relations AS r
                     JOIN changes.sources AS s ON s.id = r.source_id
                    WHERE s.label = coalesce(hold.database, s.label)
                      AND r.schema = hold.schema AND r."table" = coalesce(hold."table", r."table")) THEN
        RAISE WARNING 'hold % keeps nothing yet: no change of % is known', hold_id,
            concat_ws(', ', CASE WHEN hold."table" IS NULL THEN format('schema %I', hold.schema) ELSE format('table %I.%I', hold.schema, hold."table") END,
                      'source ' || quote_ident(hold.database))
            USING HINT = format('It counts from the first change on. If a name is wrong, of schema, table or source: SELECT changes.release(%s).', hold_id);
    END IF;
    RETURN hold_id;
END
$$;

COMMENT ON FUNCTION changes.hold(text, text, text, text, text) IS
'Keeps the changes of a table, or without one of a whole schema, for longer than the retention: ''unlimited'' or an interval; of one source by
its label, or of all. When their partition goes, its held rows go into changes.held; the view changes.trail has both. What is gone
already does not come back. A name is that which the table had when it was changed; that of a partitioned table stands for its partitions. Returns the hold''s number, for changes.release(). A table of which the trail knows no change is no error, but a WARNING.
Errors: 22023 without a reason or for another retention; 22004 without a schema; 22001 for a name past 255 characters; 42P01 before changes.setup().
Example: SELECT changes.hold(''public'', ''orders'', reason => ''case 4711'');';

CREATE FUNCTION changes.release(hold bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM changes.lock_trail(wait => true);
    UPDATE changes.holds AS h SET released_at = now(), released_by = current_user
     WHERE h.id = release.hold AND h.released_at IS NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no hold % in force', coalesce(hold::text, 'NULL')
            USING ERRCODE = 'undefined_object', HINT = 'Table changes.holds lists all of them.';
    END IF;
END
$$;

COMMENT ON FUNCTION changes.release(bigint) IS
'Ends a hold, by its number. What nothing else holds goes with the next changes.maintain(), if it is past the retention. Returns nothing.
Errors: 42704 where no such hold is in force; 42P01 before changes.setup().
Example: SELECT changes.release(h.id) FROM changes.holds AS h WHERE h.reason = ''case 4711'' AND h.released_at IS NULL;';

CREATE FUNCTION changes.active_holds(
    OUT database varchar,
    OUT schema varchar,
    OUT "table" varchar,
    OUT kept_from timestamptz)
RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 10
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    reference CONSTANT timestamptz := changes.retention_reference();
BEGIN
    RETURN QUERY
    SELECT h.database, h.schema, h."table", coalesce(reference - changes.parse_retention(h.retention), '-infinity')
      FROM changes.holds AS h WHERE h.released_at IS NULL;
END
$$;

COMMENT ON FUNCTION changes.active_holds() IS
'Internal. Returns the holds in force, each with the time from which on it keeps changes. Errors: 42P01 before changes.setup().
Example: SELECT * FROM changes.active_holds();';
