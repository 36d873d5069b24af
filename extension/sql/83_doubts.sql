-- What makes the past of a table uncertain. Each is a position: a row whose last known change lies before it may have changed since
-- without a trace.
--
--  * A gap: a range of WAL that an operator went on without. It counts unless it is known to lie after the moment, because a
--    change before the gap was committed later than that.
--  * A change in quarantine: it is kept, but as a frame that SQL does not read.
--  * A partition truncated by itself: which rows were in it is not known.
--  * A change whose key is not known (no replica identity, a key past 255 characters that the row does not hold).
CREATE FUNCTION changes.doubts(place record, at timestamptz, since_position bigint DEFAULT 0)
RETURNS TABLE (until_position bigint, doubt text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    relation CONSTANT text := changes.readable();
    g record;
    is_later boolean;
    keyless bigint;
    upto CONSTANT text := changes.time_condition(NULL, at + interval '1 microsecond');
BEGIN
    IF changes.may_read('gaps') THEN
        FOR g IN SELECT (x.start_lsn - '0/0'::pg_lsn)::bigint AS start_position, (x.end_lsn - '0/0'::pg_lsn)::bigint AS end_position, x.reason
                   FROM changes.gaps AS x
                  WHERE x.source_id = place.source_id AND (x.end_lsn - '0/0'::pg_lsn)::bigint > since_position
        LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM %s AS c WHERE c.database = %L AND c.position < %s%s)',
                           relation, place.database, g.start_position, changes.time_condition(at + interval '1 microsecond', NULL))
               INTO is_later;
            IF NOT is_later THEN
                RETURN QUERY SELECT g.end_position, format('changes are missing: %s', g.reason);
            END IF;
        END LOOP;
    END IF;
    IF changes.may_read('quarantine') THEN
        RETURN QUERY
        SELECT max((q.commit_lsn - '0/0'::pg_lsn)::bigint), 'a change of the table is in changes.quarantine'
          FROM changes.quarantine AS q
         WHERE q.source_id = place.source_id AND q.schema = place.schema AND q."table" = place."table"
           AND (q.commit_lsn - '0/0'::pg_lsn)::bigint > since_position
           AND coalesce(changes.commit_time(q.id) <= at, true)
        HAVING count(*) > 0;
    END IF;
    IF cardinality(place.partitions) > 0 THEN
        RETURN QUERY EXECUTE format(
            'SELECT max(c.position), format(''partition "%%s" was truncated by itself'', c."table") FROM %s AS c
              WHERE %s AND (c.schema, c."table") <> (%L, %L) AND c.position > %s%s GROUP BY c."table"',
            relation, changes.truncate_condition(place.database, place.schema, place."table", place.partitions),
            place.schema, place."table", since_position, upto);
    END IF;
    IF relation = 'public.changes' THEN
        keyless := changes.newest_keyless_delete(place.database, place.schema, place."table", since_position, at + interval '1 microsecond');
    ELSE
        EXECUTE format(
            'SELECT max(c.position) FROM %s AS c
              WHERE c.database = %L AND c.schema = %L AND c."table" = %L AND c.primary_key IS NULL AND c.operation = ''DELETE''
                AND c.before = ''{}'' AND c.position > %s%s',
            relation, place.database, place.schema, place."table", since_position, upto) INTO keyless;
    END IF;
    IF keyless IS NOT NULL THEN
        RETURN QUERY SELECT keyless, 'a row was deleted whose key was not logged';
    END IF;
END
$$;

COMMENT ON FUNCTION changes.doubts(record, timestamptz, bigint) IS
'Internal. Returns what may have changed rows of a table until the time without a trace after the position, and until which position it
may. Errors: those of changes.readable().
Example: SELECT d.* FROM changes.find_table(''users'', NULL, NULL) AS t, changes.doubts(t, now()) AS d;';

-- A mark in the context says that a value is not what to_jsonb gives (docs/values.md, "Marks").
CREATE FUNCTION changes.marks(context jsonb, side text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT string_agg(format('marked %s: %s', m.key, m.value), '; ' ORDER BY m.key)
          FROM jsonb_each(CASE jsonb_typeof(context #> ARRAY['_waltrail', side])
                          WHEN 'object' THEN context #> ARRAY['_waltrail', side] ELSE '{}' END) AS m);
END
$$;

COMMENT ON FUNCTION changes.marks(jsonb, text) IS
'Internal. Returns a text that names the marked values of "before" or "after" of a change, from its context; NULL where there are none.
Errors: none. Example: SELECT changes.marks(context, ''after'') FROM public.changes LIMIT 10;';

CREATE FUNCTION changes.tell_masked(place record, shapes jsonb)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    masked text;
BEGIN
    SELECT string_agg(DISTINCT format('"%s"', m), ', ') INTO masked
      FROM jsonb_array_elements(shapes) AS s, jsonb_array_elements_text(s->'masked') AS m;
    IF masked IS NOT NULL THEN
        RAISE NOTICE 'masked columns of table "%", of which the trail has hashes: %', place."table", masked;
    END IF;
END
$$;

COMMENT ON FUNCTION changes.tell_masked(record, jsonb) IS
'Internal. Raises a NOTICE that names the masked columns of a table, where there are any. Returns nothing. Errors: none.
Example: SELECT changes.tell_masked(t, ''[]'') FROM changes.find_table(''users'', NULL, NULL) AS t;';
