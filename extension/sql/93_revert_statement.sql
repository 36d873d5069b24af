-- The statements of a revert script. Each is a DO block, so that it can say that it found no row; values travel as JSON and become
-- the source's own types there (jsonb_populate_record). Names and values are quoted; `t.*` means the row whatever its columns are called.

-- A quotation in dollars whose tag the text does not hold.
CREATE FUNCTION changes.dollar_quoted(body text)
RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tag text := 'revert';
BEGIN
    WHILE position('$' || tag IN body) > 0 LOOP
        tag := tag || '_';
    END LOOP;
    RETURN format('$%s$%s$%s$', tag, body, tag);
END
$$;

COMMENT ON FUNCTION changes.dollar_quoted(text) IS
'Internal. Returns the text quoted in dollars. Errors: none. Example: SELECT changes.dollar_quoted(''it''''s $revert$'');';

-- That a row t of the source is what the change left. Compared as JSON text, made by the source of its own row and of the values of
-- the trail: a json column keeps white space and doubled members that the trail has lost, and is the same value all the same. A type that is not
-- the server's own may have a cast to json that says less than the value (PostGIS rounds): those columns are compared as text, too.
CREATE FUNCTION changes.row_condition(target text, state jsonb, shape jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key_columns CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(shape->'key'));
    foreign_types CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(shape->'foreign_types'));
BEGIN
    RETURN concat(
        (SELECT string_agg(
                    CASE WHEN k = ANY (foreign_types)
                         THEN format('t.%1$I::pg_catalog.text = (pg_catalog.jsonb_populate_record(NULL::%2$s, %3$L)).%1$I::pg_catalog.text',
                                     k, target, jsonb_build_object(k, state->k))
                         ELSE format('t.%1$I = (pg_catalog.jsonb_populate_record(NULL::%2$s, %3$L)).%1$I', k, target, jsonb_build_object(k, state->k))
                    END || E'\n       AND ', '' ORDER BY n)
           FROM unnest(key_columns) WITH ORDINALITY AS x (k, n)),
        format('pg_catalog.to_jsonb(t.*)::pg_catalog.text = pg_catalog.to_jsonb(pg_catalog.jsonb_populate_record(t.*, %L))::pg_catalog.text', state),
        (SELECT string_agg(
                    format(E'\n       AND t.%1$I::pg_catalog.text IS NOT DISTINCT FROM (pg_catalog.jsonb_populate_record(t.*, %2$L)).%1$I::pg_catalog.text',
                           f, jsonb_build_object(f, state->f)), '' ORDER BY f)
           FROM unnest(foreign_types) AS f));
END
$$;

COMMENT ON FUNCTION changes.row_condition(text, jsonb, jsonb) IS
'Internal. Returns the condition that the row t of a table of the source is the given one. Errors: none.
Example: SELECT changes.row_condition(''public.users'', ''{"id": 7}'', ''{"key": ["id"], "foreign_types": []}'');';

CREATE FUNCTION changes.revert_statement(c changes.change, shape jsonb, skips_conflicts boolean)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    target CONSTANT text := format('%I.%I', c.schema, c."table");
    of_target CONSTANT text := CASE WHEN jsonb_typeof(shape->'oid') = 'null' THEN '' ELSE 'ONLY ' END || target;
    generated CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(shape->'generated'));
    names text;
    statement text;
    conflict text;
BEGIN
    IF c.operation = 'DELETE' THEN
        SELECT string_agg(quote_ident(k), ', ' ORDER BY k) INTO names
          FROM jsonb_object_keys(c.before) AS k WHERE k <> ALL (generated);
        statement := CASE WHEN names IS NULL
            THEN format('INSERT INTO %s DEFAULT VALUES', target)
            ELSE format(E'INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE\n    SELECT %s FROM pg_catalog.jsonb_populate_record(NULL::%s, %L)\n        ON CONFLICT DO NOTHING',
                        target, names, names, target, c.before) END;
        conflict := 'a row in the place of the one that was deleted is there';
    ELSE
        SELECT string_agg(quote_ident(d.key), ', ' ORDER BY d.key) INTO names
          FROM jsonb_each(c.before) AS d
         WHERE d.key <> ALL (generated) AND d.value::text IS DISTINCT FROM (c.after->d.key)::text;
        IF c.operation = 'UPDATE' AND names IS NULL THEN
            RETURN format('-- change %s changed nothing', c.id);
        END IF;
        statement := CASE c.operation
            WHEN 'CREATE' THEN format('DELETE FROM %s AS t', of_target)
            ELSE format(E'UPDATE %s AS t SET (%s) = (\n        SELECT %s FROM pg_catalog.jsonb_populate_record(t.*, %L))', of_target, names,
                        (SELECT string_agg('x.' || quote_ident(d.key), ', ' ORDER BY d.key) FROM jsonb_each(c.before) AS d
                          WHERE d.key <> ALL (generated) AND d.value::text IS DISTINCT FROM (c.after->d.key)::text),
                        (SELECT jsonb_object_agg(d.key, d.value) FROM jsonb_each(c.before) AS d
                          WHERE d.key <> ALL (generated) AND d.value::text IS DISTINCT FROM (c.after->d.key)::text)) END;
        statement := regexp_replace(statement, '\)\)$', ') AS x)');
        statement := statement || E'\n     WHERE ' || CASE WHEN jsonb_array_length(shape->'key') > 0
            THEN changes.row_condition(target, c.after, shape)
            -- Of equal rows, one.
            ELSE format(E'(t.tableoid, t.ctid) = (SELECT t.tableoid, t.ctid FROM %s AS t WHERE %s LIMIT 1 FOR UPDATE)', of_target,
                        changes.row_condition(target, c.after, shape)) END;
        conflict := 'its row is no longer as it was left';
    END IF;
    RETURN format('DO %s;', changes.dollar_quoted(concat(
        E'\nBEGIN\n    ', statement, E';\n    IF NOT FOUND THEN\n        ',
        format('RAISE %s USING ERRCODE = ''object_not_in_prerequisite_state'', MESSAGE = %L, DETAIL = %L;',
               CASE WHEN skips_conflicts THEN 'WARNING' ELSE 'EXCEPTION' END,
               format('could not revert change %s of table %s: %s', c.id, target, conflict),
               format('The change was %s %s, transaction %s.', CASE c.operation WHEN 'UPDATE' THEN 'an' ELSE 'a' END, c.operation, c.transaction_id)),
        E'\n    END IF;',
        CASE WHEN skips_conflicts THEN format(
            E'\nEXCEPTION WHEN integrity_constraint_violation THEN\n    RAISE WARNING USING ERRCODE = SQLSTATE, MESSAGE = %L, DETAIL = SQLERRM;',
            format('could not revert change %s of table %s', c.id, target)) END,
        E'\nEND\n')));
END
$$;

COMMENT ON FUNCTION changes.revert_statement(changes.change, jsonb, boolean) IS
'Internal. Returns the statement that takes a change back on the source, given what its table looked like. Errors: none.
Example: SELECT changes.revert_statement(ROW(c.*)::changes.change, ''{"key": ["id"], "oid": 1, "generated": [], "foreign_types": []}'', false) FROM public.changes AS c LIMIT 1;';
