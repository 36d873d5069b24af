-- A record is followed across changes of its key, which the trail has as UPDATEs whose `before` holds another key than `after`. Of the
-- key that is asked for, everything is told, also of rows that had it one after the other; at the keys that these came from or went to
-- only the life of the row that moved (changes.key_rows): from where it came to that key to where it left it or ended. Where it came to it from
-- a further key, or went to one, that is followed as well. A change is followed to each of its keys once, so the walk ends.
CREATE FUNCTION changes.record_walk(place record, shapes jsonb, relation text, asked_key text, in_time text)
RETURNS changes.change[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    collected changes.change[] := '{}';
    rows changes.change[] := changes.key_changes(place, shapes, relation, asked_key, place.partitions, in_time);
    c changes.change;
    key text := asked_key;
    old_key text;
    step_keys text[] := '{}';
    step_ids uuid[] := '{}';
    next_key text;
    step integer := 0;
BEGIN
    LOOP
        FOREACH c IN ARRAY coalesce(rows, '{}') LOOP
            old_key := CASE WHEN c.operation = 'UPDATE' THEN changes.moved_from(c.before, c.after, changes.shape_at(shapes, c.position)) END;
            -- What only looked like the key, as JSON.
            CONTINUE WHEN c.operation = 'UPDATE' AND c.primary_key IS DISTINCT FROM key AND old_key IS DISTINCT FROM key;
            collected := collected || c;
            next_key := CASE WHEN old_key = key THEN c.primary_key ELSE old_key END;
            -- A key too long to be in primary_key is NULL; to where the row has come from, the change was followed.
            IF next_key <> asked_key AND (step = 0 OR c.id <> step_ids[step]) THEN
                step_keys := step_keys || next_key;
                step_ids := step_ids || c.id;
            END IF;
        END LOOP;
        step := step + 1;
        EXIT WHEN step > cardinality(step_ids);
        key := step_keys[step];
        rows := changes.same_row(place, shapes, relation, key, step_ids[step], in_time);
    END LOOP;
    RETURN ARRAY(SELECT ROW(f.*)::changes.change FROM (SELECT DISTINCT ON (u.position, u.id) u.* FROM unnest(collected) AS u ORDER BY u.position, u.id) AS f
                  ORDER BY f.position, f.id);
END
$$;

COMMENT ON FUNCTION changes.record_walk(record, jsonb, text, text, text) IS
'Internal. Returns what happened to a record, as changes.history() does: the changes of the key, those of its rows under other keys, and TRUNCATEs, as far as they
meet the condition on c. Errors: none of its own.
Example: SELECT changes.record_walk(t, ''[]'', ''public.changes'', ''7'', '''') FROM changes.find_table(''users'', NULL, NULL) AS t;';

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
    shapes jsonb;
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
    IF changes.had_other_key(place, shapes) THEN
        RAISE NOTICE 'the primary key of table "%" was another before: what happened to the record under that is not told', place."table"
            USING HINT = 'changes.find("table" => …, after => …) finds it by its values.';
    END IF;
    primary_key := changes.canonical_key(primary_key, shapes);
    IF length(primary_key) > 255 THEN
        RAISE EXCEPTION 'a key of more than 255 characters has no history of its own' USING ERRCODE = 'feature_not_supported',
            DETAIL = 'The trail has no primary_key for changes of such a key.',
            HINT = 'They are found by their values: changes.find("table" => …, before => …) and after => …; changes.as_of() finds the record.';
    END IF;
    PERFORM changes.tell_missing(place.database, place.schema, place."table", since, until);
    RETURN QUERY SELECT w.* FROM unnest(changes.record_walk(place, shapes, changes.readable(), primary_key, changes.time_condition(since, until))) AS w;
END
$$;

COMMENT ON FUNCTION changes.history(text, text, text, text, timestamptz, timestamptz) IS
'Returns everything that happened to a record, in order: the changes of the given primary key, those of the record under the keys that it had
before and later, and TRUNCATEs of its table. primary_key is the key''s value as text; ROW(a,b)::text for several columns. schema and
database (the source''s label) are needed where several tables have the name. since is included, until is not; a key that changed outside of them is
not followed. Errors: 22004 for a table or key that is NULL; 42P01 for a table without changes; 42P08 where several tables are meant; 0A000 for a table
without a primary key, or a key of more than 255 characters. A NOTICE where the primary key was of other columns before.
Example: SELECT operation, before, after, context, committed_at FROM changes.history(''users'', ''2'');';
