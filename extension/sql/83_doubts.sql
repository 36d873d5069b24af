-- What makes the past of a table uncertain. Each is a span of positions: a row whose last known change lies before its end may have changed
-- since without a trace, and so may one that is known only from a later change, if that lies behind its start.
--
--  * A gap: a range of WAL that an operator went on without. It counts as one of before the moment unless it is known to lie after it, because a
--    change before the gap was committed later than that.
--  * A change in quarantine: it is kept, but as a frame that SQL does not read. Its own position is not known: it is before its commit, and
--    may be before other changes of its transaction.
--  * A partition truncated by itself: which rows were in it is not known.
--  * A change whose key is not known (no replica identity, a key past 255 characters that the row does not hold).
--  * A table that has its name again, after another one had it (two that were swapped, and swapped back): its rows of before are not followed.
--  * An erased key: nobody can tell whose changes these are, only that they are of none of the rows that still have one.
--
--   what              | rows with a change | rows known from  | that there was
--                     | until the moment   | a later change   | no such row
--   ------------------+--------------------+------------------+---------------
--   gap, quarantine   | before or at it    | also after it    | also after it
--   partition, delete | before or at it    | before or at it  | also after it
--   name again        |                    |                  | after it
--   erased key        |                    |                  | whenever
CREATE FUNCTION changes.doubts(place record, at timestamptz, since_position bigint DEFAULT 0, known_until bigint DEFAULT NULL)
RETURNS TABLE (from_position bigint, until_position bigint, doubt text, is_of_rows boolean)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    relation CONSTANT text := changes.readable();
    g record;
    is_later boolean;
    keyless bigint;
    partition_truncated CONSTANT text := format('%s AND (c.schema, c."table") <> (%L, %L) AND c.position > %s',
        changes.truncate_condition(place.database, place.schema, place."table", place.partitions), place.schema, place."table", since_position);
    keyless_delete CONSTANT text := format(
        'c.database = %L AND c.schema = %L AND c."table" = %L AND c.primary_key IS NULL AND c.operation = ''DELETE'' AND c.before = ''{}'' AND c.position > %s',
        place.database, place.schema, place."table", since_position);
    upto CONSTANT text := changes.time_condition(NULL, at + interval '1 microsecond');
    after_it CONSTANT text := changes.time_condition(at + interval '1 microsecond', NULL) || format(' AND c.position < %s', known_until);
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
                RETURN QUERY SELECT -1::bigint, g.end_position, format('changes are missing: %s', g.reason), true;
            ELSIF g.start_position < known_until THEN
                RETURN QUERY SELECT g.start_position, -1::bigint, format('changes are missing: %s', g.reason), true;
            END IF;
        END LOOP;
    END IF;
    IF changes.may_read('quarantine') THEN
        RETURN QUERY
        SELECT -1::bigint, max((q.commit_lsn - '0/0'::pg_lsn)::bigint), 'a change of the table is in changes.quarantine', true
          FROM changes.quarantine AS q
         WHERE q.source_id = place.source_id AND q.schema = place.schema AND q."table" = place."table"
           AND (q.commit_lsn - '0/0'::pg_lsn)::bigint > since_position
           AND coalesce(changes.commit_time(q.id) <= at, true)
        HAVING count(*) > 0;
        -- Nearly always there is none, and planning the question takes longer than any answer.
        IF known_until IS NOT NULL AND EXISTS (SELECT FROM changes.quarantine AS q
                                                WHERE q.source_id = place.source_id AND q.schema = place.schema AND q."table" = place."table") THEN
            RETURN QUERY EXECUTE format(
                'SELECT x.start, -1::bigint, ''a change of the table is in changes.quarantine'', true
                   FROM (SELECT min(least((q.commit_lsn - ''0/0''::pg_lsn)::bigint, (
                                    SELECT min(c.position) - 1 FROM %s AS c
                                     WHERE c.database = %L AND c.committed_at = date_trunc(''second'', changes.commit_time(q.id))
                                       AND changes.commit_time(c.id) = changes.commit_time(q.id)))) AS start
                           FROM changes.quarantine AS q
                          WHERE q.source_id = $1 AND q.schema = $2 AND q."table" = $3 AND changes.commit_time(q.id) > $4) AS x
                  WHERE x.start < $5', relation, place.database)
                USING place.source_id, place.schema, place."table", at, known_until;
        END IF;
    END IF;
    IF cardinality(place.partitions) > 0 THEN
        RETURN QUERY EXECUTE format(
            'SELECT -1::bigint, max(c.position), format(''partition "%%s" was truncated by itself'', c."table"), true FROM %s AS c WHERE %s%s GROUP BY c."table"',
            relation, partition_truncated, upto);
        IF known_until IS NOT NULL THEN
            RETURN QUERY EXECUTE format(
                'SELECT min(c.position), -1::bigint, format(''partition "%%s" was truncated by itself'', c."table"), false FROM %s AS c WHERE %s%s GROUP BY c."table"',
                relation, partition_truncated, after_it);
        END IF;
    END IF;
    IF relation = 'public.changes' THEN
        keyless := changes.newest_keyless_delete(place.database, place.schema, place."table", since_position, at + interval '1 microsecond');
    ELSE
        EXECUTE format('SELECT max(c.position) FROM %s AS c WHERE %s%s', relation, keyless_delete, upto) INTO keyless;
    END IF;
    IF keyless IS NOT NULL THEN
        RETURN QUERY SELECT -1::bigint, keyless, 'a row was deleted whose key was not logged', true;
    ELSIF known_until IS NOT NULL THEN
        IF relation = 'public.changes' THEN
            keyless := changes.oldest_keyless_delete(place.database, place.schema, place."table", since_position, at + interval '1 microsecond', known_until);
        ELSE
            EXECUTE format('SELECT min(c.position) FROM %s AS c WHERE %s%s', relation, keyless_delete, after_it) INTO keyless;
        END IF;
        IF keyless IS NOT NULL THEN
            RETURN QUERY SELECT keyless, -1::bigint, 'a row was deleted whose key was not logged', false;
        END IF;
    END IF;
    RETURN QUERY SELECT -1::bigint, a, 'another table had its name for a time', false
                   FROM changes.named_again(place, since_position, at) AS a WHERE a IS NOT NULL;
    RETURN QUERY SELECT -1::bigint, e, 'the keys of some rows were erased', false
                   FROM changes.newest_erased_key(place, since_position) AS e WHERE e IS NOT NULL;
END
$$;

COMMENT ON FUNCTION changes.doubts(record, timestamptz, bigint, bigint) IS
'Internal. Returns what may have changed rows of a table without a trace after the position and until the time, and what may have after the time and
before the position known_until, if that is given: between which positions it may (-1 for the side on which it always counts), and whether it concerns
rows that are known, or only that others are not there. Errors: those of changes.readable().
Example: SELECT d.* FROM changes.find_table(''users'', NULL, NULL) AS t, changes.doubts(t, now()) AS d;';

CREATE FUNCTION changes.named_again(place record, since_position bigint, at timestamptz)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    again bigint;
    is_then boolean;
BEGIN
    IF NOT changes.may_read('relations') THEN
        RETURN NULL;
    END IF;
    FOR again IN
        SELECT s.from_position
          FROM (SELECT r.from_position, r.relation_oid, lag(r.relation_oid) OVER (ORDER BY r.from_position) AS previous,
                       min(r.from_position) OVER (PARTITION BY r.relation_oid) AS first
                  FROM changes.relations AS r
                 WHERE r.source_id = place.source_id AND r.schema = place.schema AND r."table" = place."table"
                   AND (r.leaf_schema, r.leaf_table) = (r.schema, r."table")) AS s
         WHERE s.relation_oid <> s.previous AND s.first < s.from_position AND s.from_position >= since_position
         ORDER BY s.from_position DESC
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS c WHERE c.database = %L AND c.schema = %L AND c."table" = %L AND c.position >= %s%s)',
                       changes.readable(), place.database, place.schema, place."table", again,
                       changes.time_condition(NULL, at + interval '1 microsecond'))
           INTO is_then;
        IF is_then THEN
            RETURN again;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION changes.named_again(record, bigint, timestamptz) IS
'Internal. Returns from which position on, not before the given one, a table last had its name again until the time, after another one had it; NULL where that was not.
Errors: those of changes.readable().
Example: SELECT changes.named_again(t, 0, now()) FROM changes.find_table(''users'', NULL, NULL) AS t;';

-- Of a row whose key was erased (changes.erase()), primary_key is NULL, and what is left of a key of several columns is no key.
CREATE FUNCTION changes.erased_key_condition(place record)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key_columns text[];
BEGIN
    IF changes.may_read('relations') THEN
        key_columns := ARRAY(
            SELECT DISTINCT k FROM changes.relations AS r, unnest(r.key_columns) AS k
             WHERE r.source_id = place.source_id AND r.schema = place.schema AND r."table" = place."table" ORDER BY k);
    END IF;
    RETURN CASE WHEN cardinality(key_columns) > 0 THEN
        format('(c.primary_key IS NULL AND coalesce(c.context #> ''{_waltrail,erased}'' ?| %L::pg_catalog.text[], false))', key_columns)
        ELSE 'false' END;
END
$$;

COMMENT ON FUNCTION changes.erased_key_condition(record) IS
'Internal. Returns the condition, on a row c of the trail, that the key of its record was erased. Errors: none.
Example: SELECT changes.erased_key_condition(t) FROM changes.find_table(''users'', NULL, NULL) AS t;';

CREATE FUNCTION changes.newest_erased_key(place record, since_position bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    newest bigint;
BEGIN
    -- Where it is known that no column was erased, the trail need not be asked.
    IF changes.may_read('erasures') THEN
        IF NOT EXISTS (SELECT FROM changes.erasures AS e
                        WHERE e.action = 'columns' AND e.schema = place.schema AND e."table" = place."table"
                          AND coalesce(e.database, place.database) = place.database) THEN
            RETURN NULL;
        END IF;
    END IF;
    EXECUTE format('SELECT max(c.position) FROM %s AS c WHERE c.database = %L AND c.schema = %L AND c."table" = %L AND c.position > %s AND %s',
                   changes.readable(), place.database, place.schema, place."table", since_position, changes.erased_key_condition(place))
       INTO newest;
    RETURN newest;
END
$$;

COMMENT ON FUNCTION changes.newest_erased_key(record, bigint) IS
'Internal. Returns the position of the newest change of a table after the position whose key was erased; NULL where there is none.
Errors: those of changes.readable().
Example: SELECT changes.newest_erased_key(t, 0) FROM changes.find_table(''users'', NULL, NULL) AS t;';

-- A mark in the context says that a value is not what to_jsonb gives (docs/values.md, "Marks"), or was erased, on both sides.
CREATE FUNCTION changes.marks(context jsonb, side text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN nullif(concat_ws('; ',
        (SELECT string_agg(format('marked %s: %s', m.key, m.value), '; ' ORDER BY m.key)
           FROM jsonb_each(CASE jsonb_typeof(context #> ARRAY['_waltrail', side])
                           WHEN 'object' THEN context #> ARRAY['_waltrail', side] ELSE '{}' END) AS m),
        'erased: ' || (context #> '{_waltrail,erased}')::text), '');
END
$$;

COMMENT ON FUNCTION changes.marks(jsonb, text) IS
'Internal. Returns a text that names the marked and the erased values of "before" or "after" of a change, from its context; NULL where there are none.
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
