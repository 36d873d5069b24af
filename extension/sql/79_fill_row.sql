-- An UPDATE that leaves a large value alone does not log it (TOAST): without the old row, `after` lacks the column. Its value is the one
-- of an earlier change of the same row, not of another one that had the key (changes.key_rows). The walk goes back over the row's changes, at its
-- key and at those that it came from, to where it was created.
CREATE FUNCTION changes.fill_row(
    place record, shapes jsonb, relation text, key text, of_change uuid, INOUT "row" jsonb, OUT missing text[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
#variable_conflict use_variable
DECLARE
    c changes.change;
    later changes.change;
    rows changes.change[];
    at_key text := key;
    name text;
BEGIN
    EXECUTE format('SELECT c.* FROM %s AS c WHERE c.id = $1', relation) INTO c USING of_change;
    missing := ARRAY(SELECT m FROM jsonb_array_elements_text(changes.shape_at(shapes, c.position)->'columns') AS m WHERE NOT "row" ? m);
    WHILE c.id IS NOT NULL LOOP
        FOREACH name IN ARRAY missing LOOP
            CONTINUE WHEN c.context #> '{_waltrail,erased}' ? name;  -- it is null here, and was not
            IF c.after ? name THEN
                "row" := "row" || jsonb_build_object(name, c.after->name);
            ELSIF c.before ? name THEN
                "row" := "row" || jsonb_build_object(name, c.before->name);
            END IF;
        END LOOP;
        missing := ARRAY(SELECT m FROM unnest(missing) AS m WHERE NOT "row" ? m);
        EXIT WHEN cardinality(missing) = 0 OR c.operation = 'CREATE';
        at_key := coalesce(changes.moved_from(c.before, c.after, changes.shape_at(shapes, c.position)), at_key);
        later := c;
        EXECUTE format(
            'SELECT c.* FROM %s AS c WHERE c.database = %L AND c.schema = %L AND c."table" = %L AND c.primary_key = %L AND c.position < %s
              ORDER BY c.position DESC LIMIT 1',
            relation, place.database, place.schema, place."table", at_key, later.position) INTO c;
        -- Of another transaction, committed before, it is the same row's, unless that row had left.
        IF c.operation = 'DELETE' OR c.transaction_id = later.transaction_id OR changes.came_later(
               c.transaction_id, changes.commit_time(c.id), later.transaction_id, changes.commit_time(later.id)) THEN
            rows := changes.same_row(place, shapes, relation, at_key, later.id);
            c := rows[array_position(ARRAY(SELECT r.id FROM unnest(rows) AS r), later.id) - 1];
        END IF;
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.fill_row(record, jsonb, text, text, uuid, jsonb) IS
'Internal. Returns the row that a change left, with what the change did not log taken from earlier ones, and the columns that stay unknown.
Errors: none of its own.
Example: SELECT f.* FROM changes.find_table(''users'', NULL, NULL) AS t, changes.fill_row(t, ''[]'', ''public.changes'', ''7'', NULL, ''{}'') AS f;';
