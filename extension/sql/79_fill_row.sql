-- An UPDATE that leaves a large value alone does not log it (TOAST): without the old row, `after` lacks the column. Its value is the one
-- of an earlier change of the row, not of the next one that got the key (changes.came_later). The walk goes back over the record's changes, and over changes of its key, to where it was created.
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
    earlier changes.change;
    at_key text := key;
    old_key text;
    name text;
BEGIN
    EXECUTE format('SELECT c.* FROM %s AS c WHERE c.id = $1', relation) INTO c USING of_change;
    missing := ARRAY(SELECT m FROM jsonb_array_elements_text(changes.shape_at(shapes, c.position)->'columns') AS m WHERE NOT "row" ? m);
    LOOP
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
        old_key := changes.moved_from(c.before, c.after, changes.shape_at(shapes, c.position));
        at_key := coalesce(old_key, at_key);
        later := c;
        c := NULL;
        FOR earlier IN EXECUTE format(
            'SELECT c.* FROM %s AS c WHERE c.database = %L AND c.schema = %L AND c."table" = %L AND c.primary_key = %L AND c.position < %s
              ORDER BY c.position DESC LIMIT 2',
            relation, place.database, place.schema, place."table", at_key, later.position)
        LOOP
            IF c.id IS NULL THEN
                c := earlier;
                EXIT WHEN NOT (changes.is_arrival(c, shapes) AND changes.came_later(
                    c.transaction_id, changes.commit_time(c.id), later.transaction_id, changes.commit_time(later.id)));
            ELSIF earlier.operation IN ('CREATE', 'UPDATE') THEN
                -- Two rows cannot have come to the key one after the other: the second was not there yet. Without the first, a clock was set back.
                c := earlier;
            END IF;
        END LOOP;
        EXIT WHEN c.id IS NULL OR c.operation IN ('DELETE', 'TRUNCATE');
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.fill_row(record, jsonb, text, text, uuid, jsonb) IS
'Internal. Returns the row that a change left, with what the change did not log taken from earlier ones, and the columns that stay unknown.
Errors: none of its own.
Example: SELECT f.* FROM changes.find_table(''users'', NULL, NULL) AS t, changes.fill_row(t, ''[]'', ''public.changes'', ''7'', NULL, ''{}'') AS f;';
