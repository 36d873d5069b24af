-- A record is followed across changes of its key, which the trail has as UPDATEs whose `before` holds another key than `after`. Of the
-- key that is asked for, everything is told, also of rows that had it one after the other; on the way to an earlier or a later
-- key only the life of the row that moved: back to where it came to that key, on to where it leaves it or ends.
--
--   at the key asked for          | an UPDATE brought the row from key A  | A is followed, backwards from there
--                                 | an UPDATE took it to key B            | B is followed, forwards from there
--   backwards at A, the newest of | CREATE                                | is told, and the walk ends
--                                 | an UPDATE that brought it from A'     | is told, and A' is followed
--                                 | DELETE, an UPDATE that took it away   | is another row's: the walk ends before it
--   forwards at B, the oldest of  | DELETE                                | is told, and the walk ends
--                                 | an UPDATE that took it to B'          | is told, and B' is followed
-- Each step goes one way in position, so the walk ends, whatever keys come again.
CREATE FUNCTION changes.history(
    "table" text, primary_key text, schema text DEFAULT NULL, database text DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL)
RETURNS SETOF changes.change
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    place record;
    relation CONSTANT text := changes.readable();
    shapes record;
    in_time CONSTANT text := changes.time_condition(since, until);
    steps jsonb[];
    step jsonb;
    key text;
    bounds text;
    c changes.change;
    shape integer;
    old_key text;
    told uuid[] := '{}';
    found changes.change[] := '{}';
BEGIN
    IF primary_key IS NULL THEN
        RAISE EXCEPTION 'the primary key must not be NULL' USING ERRCODE = 'null_value_not_allowed',
            HINT = 'Changes of a table without a key are found by their values: changes.find("table" => …, before => …).';
    END IF;
    place := changes.find_table("table", schema, database);
    SELECT coalesce(array_agg(s.from_position ORDER BY s.from_position), '{}') AS starts,
           coalesce(jsonb_agg(jsonb_build_array(s.key_columns, s.key_types) ORDER BY s.from_position), '[]') AS keys
      INTO shapes FROM changes.shapes(place.source_id, place.schema, place."table") AS s;
    steps := ARRAY[jsonb_build_object('key', primary_key)];
    WHILE cardinality(steps) > 0 LOOP
        step := steps[1];
        steps := steps[2:];
        key := step->>'key';
        bounds := concat(format(' AND c.position < %s', step->>'before'), format(' AND c.position > %s', step->>'after'));
        FOR c IN EXECUTE format(
            'SELECT c.* FROM %s AS c WHERE (%s OR %s)%s%s ORDER BY c.position %s, c.id', relation,
            changes.record_condition(place.database, place.schema, place."table", key, changes.keys_json(key, shapes.keys)),
            changes.truncate_condition(place.database, place.schema, place."table", place.partitions),
            bounds, in_time, CASE WHEN step ? 'before' THEN 'DESC' END)
        LOOP
            old_key := NULL;
            IF c.operation = 'UPDATE' THEN
                shape := greatest(width_bucket(c.position, shapes.starts), 1) - 1;
                old_key := changes.moved_from(c.before, c.after, shapes.keys->shape);
                CONTINUE WHEN c.primary_key IS DISTINCT FROM key AND old_key IS DISTINCT FROM key;
            END IF;
            -- Another row's, on the way back.
            EXIT WHEN step ? 'before' AND (c.operation IN ('DELETE', 'TRUNCATE') OR old_key = key);
            EXIT WHEN step ? 'after' AND c.operation IN ('CREATE', 'TRUNCATE');
            IF NOT c.id = ANY (told) THEN
                told := told || c.id;
                found := found || c;
            END IF;
            IF old_key = key AND c.primary_key IS NOT NULL THEN
                steps := steps || jsonb_build_object('key', c.primary_key, 'after', c.position);
            ELSIF old_key IS NOT NULL AND NOT step ? 'after' THEN
                steps := steps || jsonb_build_object('key', old_key, 'before', c.position);
            END IF;
            EXIT WHEN step ? 'before' AND (c.operation = 'CREATE' OR old_key IS NOT NULL);
            EXIT WHEN step ? 'after' AND (c.operation = 'DELETE' OR old_key = key);
        END LOOP;
    END LOOP;
    RETURN QUERY SELECT f.* FROM unnest(found) AS f ORDER BY f.position, f.id;
END
$$;

COMMENT ON FUNCTION changes.history(text, text, text, text, timestamptz, timestamptz) IS
'Returns everything that happened to a record, in order: the changes of the given primary key, those of the record under the keys that it had
before and later, and TRUNCATEs of its table. primary_key is the key''s value as text; ROW(a,b)::text for several columns. schema and
database (the source''s label) are needed where several tables have the name. since is included, until is not; a key that changed outside of them is
not followed. Errors: 22004 for a table or key that is NULL; 42P01 for a table without changes; 42P08 where several tables are meant.
Example: SELECT operation, before, after, context, committed_at FROM changes.history(''users'', ''2'');';

-- The key as JSON, for each set of key columns that the table has had.
CREATE FUNCTION changes.keys_json(key text, shape_keys jsonb)
RETURNS jsonb[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(
        SELECT DISTINCT k.json FROM jsonb_array_elements(shape_keys) AS s
         CROSS JOIN LATERAL changes.key_json(
                  key, ARRAY(SELECT jsonb_array_elements_text(s->0)), ARRAY(SELECT jsonb_array_elements_text(s->1))) AS k (json)
         WHERE k.json IS NOT NULL);
END
$$;

COMMENT ON FUNCTION changes.keys_json(text, jsonb) IS
'Internal. Returns a key as JSON, once for each of the given arrays [key columns, their types]. Errors: none.
Example: SELECT changes.keys_json(''7'', ''[[["id"], ["integer"]]]'');';

CREATE FUNCTION changes.moved_from(before jsonb, after jsonb, shape_key jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key_columns text[];
BEGIN
    IF shape_key IS NULL OR before = '{}' THEN
        RETURN NULL;
    END IF;
    key_columns := ARRAY(SELECT jsonb_array_elements_text(shape_key->0));
    IF cardinality(key_columns) = 0 OR NOT before ?& key_columns
       OR NOT EXISTS (SELECT FROM unnest(key_columns) AS k WHERE (before->k)::text IS DISTINCT FROM (after->k)::text) THEN
        RETURN NULL;
    END IF;
    RETURN changes.key_text(before, key_columns, ARRAY(SELECT jsonb_array_elements_text(shape_key->1)));
END
$$;

COMMENT ON FUNCTION changes.moved_from(jsonb, jsonb, jsonb) IS
'Internal. Returns the key that a row had before an UPDATE that changed it; NULL where the key is the same or the old one is not known. The
key is given as an array [key columns, their types]. Errors: none.
Example: SELECT changes.moved_from(''{"id": 1}'', ''{"id": 2, "name": "Ada"}'', ''[["id"], ["integer"]]'');';
