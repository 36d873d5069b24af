-- A table as it was: for each key the newest event until then, and where there is none, what the first later one says of before. An event
-- is a change at its key, or an UPDATE of the key, at the old one. The expressions on the key follow the shape that the table had at
-- each position; changes made under another key are taken under the one of the moment, if they tell it (changes.change_expressions).
CREATE FUNCTION changes.as_of("table" text, at timestamptz, schema text, database text)
RETURNS SETOF changes.past_row
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    place record;
    shapes jsonb;
    current_shape jsonb;
    since_position bigint;
    until_position bigint;
    result changes.past_row;
    missing text[];
    c record;
    doubts record;
    reasons text[];
    later_reasons text[];
BEGIN
    place := changes.find_table("table", schema, database);
    PERFORM changes.check_moment(place.source_id, place.database, place.schema, place."table", at);
    shapes := changes.shapes_json(place.source_id, place.schema, place."table");
    IF shapes = '[]' THEN
        RAISE EXCEPTION 'what table "%" looked like is not known', place."table"
            USING ERRCODE = 'feature_not_supported', HINT = 'The question needs SELECT on changes.relations.';
    END IF;
    SELECT f.since_position, f.until_position INTO since_position, until_position FROM changes.filled_between(place, shapes, at) AS f;
    SELECT coalesce(array_agg(d.from_position ORDER BY n), '{}') AS begins, coalesce(array_agg(d.until_position ORDER BY n), '{}') AS ends,
           coalesce(array_agg(d.doubt ORDER BY n), '{}') AS texts, coalesce(array_agg(d.is_of_rows ORDER BY n), '{}') AS of_rows,
           string_agg(DISTINCT d.doubt, '; ') AS all_texts
      INTO doubts
      FROM changes.doubts(place, at, since_position, CASE WHEN since_position < 0 THEN until_position END) WITH ORDINALITY
           AS d (from_position, until_position, doubt, is_of_rows, n);
    PERFORM changes.tell_masked(place, shapes);
    IF doubts.all_texts IS NOT NULL THEN
        RAISE WARNING 'rows of table "%" may be missing or changed: %', place."table", doubts.all_texts;
    END IF;
    IF since_position < 0 THEN
        RAISE NOTICE 'rows of table "%" that have not changed since % are not in the trail', place."table", changes.known_since(place.source_id, place.schema, place."table");
    END IF;
    current_shape := changes.shape_then(place, shapes, at);
    IF jsonb_array_length(current_shape->'key') = 0 THEN
        reasons := ARRAY(SELECT t FROM unnest(doubts.texts, doubts.ends, doubts.of_rows) AS d (t, ends, of_rows) WHERE of_rows AND ends >= 0);
        later_reasons := ARRAY(SELECT DISTINCT t FROM unnest(doubts.texts, doubts.of_rows) AS d (t, of_rows) WHERE of_rows ORDER BY t);
        -- A row is known by its content, which other columns make another one.
        IF EXISTS (SELECT FROM jsonb_array_elements(shapes) AS s
                    WHERE (s->>'until')::bigint BETWEEN since_position AND (current_shape->>'from')::bigint AND s->'columns' <> current_shape->'columns') THEN
            reasons := reasons || 'the table had other columns, and rows no key';
            later_reasons := later_reasons || 'the table had other columns, and rows no key';
        END IF;
        RETURN QUERY SELECT * FROM changes.bag_as_of(
            place, shapes, at, since_position, least(until_position, (current_shape->>'until')::bigint), reasons, later_reasons);
        RETURN;
    END IF;
    FOR c IN EXECUTE changes.keyed_query(place, shapes, current_shape, at, since_position, until_position) LOOP
        result := ROW(c.key, c.content, c.changed_at, c.id, nullif(c.doubt, ''));
        IF c.is_partial THEN
            IF c.id IS NOT NULL THEN
                SELECT f."row", f.missing INTO result."row", missing
                  FROM changes.fill_row(place, shapes, changes.readable(), c.key, c.id, c.content) AS f;
            ELSE
                missing := ARRAY(SELECT m FROM jsonb_array_elements_text(current_shape->'columns') AS m WHERE NOT c.content ? m);
            END IF;
            IF cardinality(missing) > 0 THEN
                result.doubt := concat_ws('; ', result.doubt, 'not logged whole: ' || array_to_string(missing, ', '));
            END IF;
        END IF;
        reasons := '{}';
        FOR i IN 1..cardinality(doubts.texts) LOOP
            IF doubts.of_rows[i] AND doubts.texts[i] <> ALL (reasons)
               AND (doubts.begins[i] < c.known_from OR c.position < doubts.ends[i]) THEN
                reasons := reasons || doubts.texts[i];
            END IF;
        END LOOP;
        result.doubt := nullif(concat_ws('; ', result.doubt, nullif(array_to_string(reasons, '; '), '')), '');
        RETURN NEXT result;
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.as_of(text, timestamptz, text, text) IS
'Returns a table as it was at a time, as changes.as_of(table, time) does; schema and database (the source''s label) say which table is meant, NULL
leaves that open. Errors: as there.
Example: SELECT * FROM changes.as_of(''users'', at => now() - interval ''1 hour'', schema => ''public'', database => NULL);';

CREATE FUNCTION changes.as_of("table" text, at timestamptz)
RETURNS SETOF changes.past_row
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM changes.as_of("table", at, NULL, NULL);
END
$$;

COMMENT ON FUNCTION changes.as_of(text, timestamptz) IS
'Returns the rows that a table had at a time, to the microsecond of the source''s clock: the key, the row as JSON, when and by which change
it became so (NULL where that was before the trail begins). Where a row is not certain, doubt says why, and is NULL elsewhere: not
logged whole, a gap, a change in quarantine, a partition truncated by itself, two rows that may have had the key in one transaction, another primary key, marked (docs/values.md) or erased values. Rows that have never changed
since the trail began are not in it, which a NOTICE says, nor rows whose key was erased, which a WARNING does; neither do rows of a partition that was dropped or detached end. Into typed
rows: SELECT r.* FROM changes.as_of(''users'', …) AS p, jsonb_populate_record(NULL::users, p."row") AS r.
Errors: 22004 for a NULL; 42P01 for a table without changes; 42P08 where several tables are meant; 55000 for a time before the trail
begins or past its horizon, and for a table without a primary key and without REPLICA IDENTITY FULL.
Example: SELECT primary_key, "row", doubt FROM changes.as_of(''users'', now() - interval ''1 hour'');';
