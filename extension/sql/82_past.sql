-- What as_of() returns, and when it refuses.
--
-- A trail tells the past only between two moments: it begins where apply began to follow the source, or with the oldest partition that
-- the retention has left, and it ends at the horizon. Within them, what it cannot know is never left out silently: for one record
-- it is an error, for a table the rows concerned say so in "doubt".
CREATE TYPE changes.past_row AS (
    primary_key text,
    "row"       jsonb,
    changed_at  timestamptz,
    change_id   uuid,
    doubt       text
);

REVOKE ALL ON TYPE changes.past_row FROM PUBLIC;
COMMENT ON TYPE changes.past_row IS 'A row as it was, as changes.as_of() returns it.';

-- The oldest partition that is left begins where the trail does, unless a longer retention has made partitions for times of which the changes
-- were dropped before.
--
-- A table that is held loses nothing to the retention: of it the trail tells since the oldest partition that has gone, if the hold had been placed
-- before. Only partitions that changes.drops has without a hole count: of others nobody knows whether held rows were kept.
CREATE FUNCTION changes.known_since(asked_source integer, asked_schema text DEFAULT NULL, asked_table text DEFAULT NULL)
RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
    kept_since timestamptz;
    held_since timestamptz;
    registered_at timestamptz;
    label text;
BEGIN
    SELECT s.registered_at, s.label INTO registered_at, label FROM changes.sources AS s WHERE s.id = asked_source;
    SELECT min(substring(pg_get_expr(c.relpartbound, c.oid) FROM $re$FROM \('([^']+)'\)$re$)::timestamptz) INTO kept_since
      FROM pg_catalog.pg_inherits AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.inhrelid
     WHERE i.inhparent = to_regclass('public.changes');
    IF changes.may_read('drops') THEN
        SELECT greatest(kept_since, max(d.upper_bound)) INTO kept_since FROM changes.drops AS d WHERE d.partition <> 'changes.held';
        IF asked_table IS NOT NULL AND changes.may_read('holds') AND kept_since > registered_at THEN
            SELECT min(changes.held_since(kept_since, h.placed_at, h.retention)) INTO held_since
              FROM changes.holds AS h
             WHERE h.released_at IS NULL AND h.schema = asked_schema AND coalesce(h."table", asked_table) = asked_table
               AND coalesce(h.database, label) = label;
        END IF;
    END IF;
    RETURN CASE WHEN registered_at IS NOT NULL THEN greatest(registered_at, least(kept_since, held_since)) END;
END
$$;

COMMENT ON FUNCTION changes.known_since(integer, text, text) IS
'Internal. Returns since when the trail tells of a source: when it was registered, or since what the retention has left; of a table that is held, since what the
hold has kept. NULL for an unknown source. Errors: 42P01 before changes.setup().
Example: SELECT label, changes.known_since(id) FROM changes.sources;';

CREATE FUNCTION changes.held_since(kept_since timestamptz, placed_at timestamptz, hold_retention text)
RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
BEGIN
    RETURN (
        WITH gone AS (
            SELECT coalesce(range_agg(tstzrange(d.lower_bound, d.upper_bound)) FILTER (WHERE d.dropped_at >= placed_at AND d.partition <> 'changes.held'), '{}')
                       + tstzmultirange(tstzrange(kept_since, NULL)) AS held,
                   max(d.upper_bound) FILTER (WHERE d.dropped_at < placed_at) AS lost_until
              FROM changes.drops AS d)
        SELECT greatest((SELECT lower(r) FROM unnest(g.held) AS r WHERE r @> kept_since), g.lost_until,
                        changes.retention_reference() - changes.parse_retention(hold_retention))
          FROM gone AS g);
END
$$;

COMMENT ON FUNCTION changes.held_since(timestamptz, timestamptz, text) IS
'Internal. Returns since when the trail tells of a table that is held, given since when it tells of others, when the hold was placed, and its retention.
Errors: 42P01 before changes.setup(). Example: SELECT changes.held_since(now(), now() - interval ''1 year'', ''unlimited'');';

CREATE FUNCTION changes.check_moment(source_id integer, database text, schema text, "table" text, at timestamptz)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known_since timestamptz;
    known_until timestamptz;
BEGIN
    IF at IS NULL THEN
        RAISE EXCEPTION 'the time must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    IF source_id IS NULL THEN
        RAISE EXCEPTION 'database "%" is not among the sources of the trail', database
            USING ERRCODE = 'undefined_object',
                  HINT = 'How far its changes reach is not known: changes.history() tells what there is of them.';
    END IF;
    known_since := changes.known_since(source_id, schema, "table");
    known_until := changes.horizon_time(database);
    IF at < known_since THEN
        RAISE EXCEPTION 'the trail of database "%" begins at %', database, known_since
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'What was before is not known: the source was not followed yet, or the retention has dropped it.';
    END IF;
    IF known_until IS NULL OR at > known_until THEN
        RAISE EXCEPTION 'the trail of database "%" reaches to %', database, coalesce(known_until::text, 'no commit yet')
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = format('Later changes may still be on their way: ask for changes.horizon_time(%L), the newest moment that is known, or see changes.lag().', database);
    END IF;
END
$$;

COMMENT ON FUNCTION changes.check_moment(integer, text, text, text, timestamptz) IS
'Internal. Returns nothing where the trail of a source can tell what a table was at that time. Errors: 22004 for NULL; 42704 for an unknown
source; 55000 before the trail begins or past its horizon.
Example: SELECT changes.check_moment(id, label, ''public'', ''users'', changes.horizon_time(label)) FROM changes.sources;';

-- Where a shape of the table begins that has another oid, the table was dropped and made anew, or another was given its name: what was
-- known of the rows before does not hold. Not for partitioned tables, whose partitions have oids of their own. Below: the positions
-- at which that had happened at the given time, or with the flag had not happened yet.
CREATE FUNCTION changes.new_table_positions(place record, shapes jsonb, at timestamptz, is_later boolean)
RETURNS bigint[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    positions bigint[];
BEGIN
    SELECT array_agg(s.position) INTO positions
      FROM (SELECT (e->>'from')::bigint AS position, e->>'oid' AS oid, lag(e->>'oid') OVER (ORDER BY n) AS previous
              FROM jsonb_array_elements(shapes) WITH ORDINALITY AS x (e, n)) AS s
     WHERE s.oid <> s.previous;
    IF positions IS NULL THEN
        RETURN '{}';
    END IF;
    -- The first change of the new table may be gone (changes.erase()): its time is that of the first which is left.
    EXECUTE format(
        'SELECT coalesce(array_agg(p), ''{}'') FROM unnest($1) AS p
          WHERE (SELECT coalesce(changes.commit_time(c.id), c.committed_at) FROM %s AS c
                  WHERE c.database = %L AND c.schema = %L AND c."table" = %L AND c.position >= p
                  ORDER BY c.position LIMIT 1) %s $2',
        changes.readable(), place.database, place.schema, place."table", CASE WHEN is_later THEN '>' ELSE '<=' END)
       INTO positions USING positions, at;
    RETURN positions;
END
$$;

COMMENT ON FUNCTION changes.new_table_positions(record, jsonb, timestamptz, boolean) IS
'Internal. Returns the positions from which on a table was another one under the same name: those of changes committed until the time, or after
it. Errors: those of changes.readable().
Example: SELECT changes.new_table_positions(t, ''[]'', now(), false) FROM changes.find_table(''users'', NULL, NULL) AS t;';
