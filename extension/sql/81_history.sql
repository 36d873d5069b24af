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
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    place record;
    relation CONSTANT text := changes.readable();
    shapes jsonb;
    in_time CONSTANT text := changes.time_condition(since, until);
    steps jsonb[];
    step jsonb;
    key text;
    keys_json jsonb[];
    c changes.change;
    old_key text;
    rows changes.change[];
    collected changes.change[] := '{}';
BEGIN
    IF primary_key IS NULL THEN
        RAISE EXCEPTION 'the primary key must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    place := changes.find_table("table", schema, database);
    shapes := changes.shapes_json(place.source_id, place.schema, place."table");
    IF jsonb_array_length(shapes) > 0 AND jsonb_path_match(shapes, 'exists($[*].key[0])') = false THEN
        RAISE EXCEPTION 'table "%" has no primary key', "table" USING ERRCODE = 'feature_not_supported',
            HINT = 'Changes of a table without a key are found by their values: changes.find("table" => …, before => …).';
    END IF;
    PERFORM changes.tell_missing(place.database, place.schema, place."table", since, until);
    steps := ARRAY[jsonb_build_object('key', changes.canonical_key(primary_key, shapes))];
    WHILE cardinality(steps) > 0 LOOP
        step := steps[1];
        steps := steps[2:];
        key := step->>'key';
        CONTINUE WHEN key IS NULL;  -- too long to be in primary_key
        keys_json := changes.keys_json(key, shapes);
        IF NOT (step ? 'before' OR step ? 'after') AND in_time = '' AND relation = 'public.changes' AND cardinality(keys_json) <= 1 THEN
            rows := changes.record_rows(place.database, place.schema, place."table", key, keys_json[1], place.partitions);
        ELSE
            EXECUTE format(
                'SELECT coalesce(array_agg(ROW(c.*)::changes.change ORDER BY c.position %s, c.id), ''{}'')
                   FROM %s AS c WHERE (%s OR %s)%s%s%s',
                CASE WHEN step ? 'before' THEN 'DESC' END, relation,
                changes.record_condition(place.database, place.schema, place."table", key, keys_json),
                changes.truncate_condition(place.database, place.schema, place."table", place.partitions),
                ' AND c.position < ' || (step->>'before'), ' AND c.position > ' || (step->>'after'), in_time)
               INTO rows;
        END IF;
        FOREACH c IN ARRAY coalesce(rows, '{}') LOOP
            old_key := NULL;
            IF c.operation = 'UPDATE' THEN
                old_key := changes.moved_from(c.before, c.after, changes.shape_at(shapes, c.position));
                CONTINUE WHEN c.primary_key IS DISTINCT FROM key AND old_key IS DISTINCT FROM key;
            END IF;
            IF step ? 'before' OR step ? 'after' THEN
                CONTINUE WHEN c.operation = 'TRUNCATE' AND (c.schema, c."table") <> (place.schema, place."table");
                EXIT WHEN c.operation = 'TRUNCATE';
                -- Who came to the key later, or had left it before, whatever the positions (changes.came_later).
                CONTINUE WHEN c.transaction_id <> (step->>'xid')::bigint AND CASE WHEN step ? 'before'
                    THEN (c.operation = 'CREATE' OR old_key <> key) AND changes.commit_time(c.id) > (step->>'time')::timestamptz
                    ELSE (c.operation = 'DELETE' OR old_key = key) AND changes.commit_time(c.id) < (step->>'time')::timestamptz END;
                EXIT WHEN step ? 'before' AND (c.operation = 'DELETE' OR old_key = key);
                EXIT WHEN step ? 'after' AND c.operation = 'CREATE';
            END IF;
            collected := collected || c;
            IF old_key = key THEN
                steps := steps || jsonb_build_object('key', c.primary_key, 'after', c.position, 'xid', c.transaction_id, 'time', changes.commit_time(c.id));
            ELSIF old_key IS NOT NULL AND NOT step ? 'after' THEN
                steps := steps || jsonb_build_object('key', old_key, 'before', c.position, 'xid', c.transaction_id, 'time', changes.commit_time(c.id));
            END IF;
            EXIT WHEN step ? 'before' AND (c.operation = 'CREATE' OR old_key IS NOT NULL);
            EXIT WHEN step ? 'after' AND (c.operation = 'DELETE' OR old_key = key);
        END LOOP;
    END LOOP;
    RETURN QUERY SELECT DISTINCT ON (f.position, f.id) f.* FROM unnest(collected) AS f ORDER BY f.position, f.id;
END
$$;

COMMENT ON FUNCTION changes.history(text, text, text, text, timestamptz, timestamptz) IS
'Returns everything that happened to a record, in order: the changes of the given primary key, those of the record under the keys that it had
before and later, and TRUNCATEs of its table. primary_key is the key''s value as text; ROW(a,b)::text for several columns. schema and
database (the source''s label) are needed where several tables have the name. since is included, until is not; a key that changed outside of them is
not followed. Errors: 22004 for a table or key that is NULL; 42P01 for a table without changes; 42P08 where several tables are meant; 0A000 for a table
without a primary key.
Example: SELECT operation, before, after, context, committed_at FROM changes.history(''users'', ''2'');';
