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
CREATE FUNCTION changes.row_condition(state jsonb, shape jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key_columns CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(shape->'key'));
    key_declared CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(shape->'key_declared'));
    foreign_types CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(shape->'foreign_types'));
BEGIN
    RETURN concat(
        -- Under an empty search_path an operator of such a type is not found: its text is compared.
        (SELECT string_agg(
                    format(CASE WHEN k.name = ANY (foreign_types) THEN 't.%I::pg_catalog.text = (SELECT x.k::pg_catalog.text FROM %s'
                                ELSE 't.%I = (SELECT x.k FROM %s' END, k.name,
                           format(E'pg_catalog.jsonb_to_record(%L) AS x (k %s))\n       AND ', jsonb_build_object('k', state->k.name), k.declared)),
                    '' ORDER BY k.place)
           FROM unnest(key_columns, key_declared) WITH ORDINALITY AS k (name, declared, place)),
        format('pg_catalog.to_jsonb(t.*)::pg_catalog.text = pg_catalog.to_jsonb(pg_catalog.jsonb_populate_record(t.*, %L))::pg_catalog.text', state),
        (SELECT string_agg(
                    format(E'\n       AND t.%1$I::pg_catalog.text IS NOT DISTINCT FROM (pg_catalog.jsonb_populate_record(t.*, %2$L)).%1$I::pg_catalog.text',
                           f, jsonb_build_object(f, state->f)), '' ORDER BY f)
           FROM unnest(foreign_types) AS f));
END
$$;

COMMENT ON FUNCTION changes.row_condition(jsonb, jsonb) IS
'Internal. Returns the condition that the row t of a table of the source is the given one. Errors: none.
Example: SELECT changes.row_condition(''{"id": 7}'', ''{"key": ["id"], "key_declared": ["integer"], "foreign_types": []}'');';

-- Takes an UPDATE back in the columns that it changed, and not in generated ones, which follow.
CREATE FUNCTION changes.revert_update(of_target text, c changes.change, generated text[])
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT format(E'UPDATE %s AS t SET (%s) = (\n        SELECT %s FROM pg_catalog.jsonb_populate_record(t.*, %L) AS x)', of_target,
                      string_agg(quote_ident(d.key), ', ' ORDER BY d.key),
                      string_agg('x.' || quote_ident(d.key), ', ' ORDER BY d.key),
                      jsonb_object_agg(d.key, d.value))
          FROM jsonb_each(c.before) AS d
         WHERE d.key <> ALL (generated) AND d.value::text IS DISTINCT FROM (c.after->d.key)::text
        HAVING count(*) > 0);
END
$$;

COMMENT ON FUNCTION changes.revert_update(text, changes.change, text[]) IS
'Internal. Returns the UPDATE, without its WHERE, that gives a row t back what an UPDATE has changed but generated columns; NULL where that
is nothing. Errors: none.
Example: SELECT changes.revert_update(''public.users'', ROW(c.*)::changes.change, ''{}'') FROM public.changes AS c LIMIT 1;';

CREATE FUNCTION changes.revert_delete(target text, c changes.change, generated text[])
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    names CONSTANT text := (SELECT string_agg(quote_ident(k), ', ' ORDER BY k) FROM jsonb_object_keys(c.before) AS k WHERE k <> ALL (generated));
    -- A column may be called as a variable of PL/pgSQL is.
    columns CONSTANT text := (SELECT string_agg('x.' || quote_ident(k), ', ' ORDER BY k) FROM jsonb_object_keys(c.before) AS k WHERE k <> ALL (generated));
BEGIN
    IF names IS NULL THEN
        RETURN format('INSERT INTO %s DEFAULT VALUES', target);
    END IF;
    RETURN format(E'INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE\n    SELECT %s FROM pg_catalog.jsonb_populate_record(NULL::%s, %L) AS x',
                  target, names, columns, target, c.before);
END
$$;

COMMENT ON FUNCTION changes.revert_delete(text, changes.change, text[]) IS
'Internal. Returns the INSERT that puts a deleted row back, but for its generated columns. Errors: none.
Example: SELECT changes.revert_delete(''public.users'', ROW(c.*)::changes.change, ''{}'') FROM public.changes AS c LIMIT 1;';

-- A column that the change does not have was excluded, or the table has got it since: the source cannot tell, and its default may not be what
-- the row had. Where a later shape of the trail has the column, it is taken for a new one.
CREATE FUNCTION changes.unknown_columns(c changes.change, shapes jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format(
        E'SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), '', '' ORDER BY a.attnum) FROM pg_catalog.pg_attribute AS a\n'
        '     WHERE a.attrelid = %L::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '''' AND a.attname::pg_catalog.text <> ALL (%L)',
        format('%I.%I', c.schema, c."table"),
        ARRAY(SELECT jsonb_object_keys(c.before)
              UNION SELECT e FROM jsonb_array_elements(shapes) AS s, jsonb_array_elements_text(s->'columns') AS e WHERE (s->>'from')::bigint > c.position
              ORDER BY 1));
END
$$;

COMMENT ON FUNCTION changes.unknown_columns(changes.change, jsonb) IS
'Internal. Returns the query that names, on the source, the columns that a deleted row may have had and its change has not, given the shapes of its
table. Errors: none.
Example: SELECT changes.unknown_columns(ROW(c.*)::changes.change, ''[]'') FROM public.changes AS c LIMIT 1;';

CREATE FUNCTION changes.revert_statement(c changes.change, shapes jsonb, skips_conflicts boolean)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    shape CONSTANT jsonb := changes.shape_at(shapes, c.position);
    target CONSTANT text := format('%I.%I', c.schema, c."table");
    -- A partitioned table has no oid of its own among the shapes, and ONLY would leave its partitions out.
    of_target CONSTANT text := CASE jsonb_typeof(shape->'oid') WHEN 'null' THEN '' ELSE 'ONLY ' END || target;
    generated CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(shape->'generated'));
    is_left CONSTANT text := changes.row_condition(c.after, shape);
    statement text;
BEGIN
    statement := CASE c.operation
        WHEN 'DELETE' THEN changes.revert_delete(target, c, generated)
        WHEN 'UPDATE' THEN changes.revert_update(of_target, c, generated)
        ELSE format('DELETE FROM %s AS t', of_target) END;
    IF statement IS NULL THEN
        RETURN format('-- change %s changed nothing', c.id);
    END IF;
    IF c.operation <> 'DELETE' THEN
        statement := statement || E'\n     WHERE ' || CASE WHEN jsonb_array_length(shape->'key') > 0 THEN is_left
            -- Of equal rows, one.
            ELSE format('(t.tableoid, t.ctid) = (SELECT t.tableoid, t.ctid FROM %s AS t WHERE %s LIMIT 1 FOR UPDATE)', of_target, is_left) END;
    END IF;
    RETURN changes.revert_block(c, statement, skips_conflicts, CASE c.operation WHEN 'DELETE' THEN changes.unknown_columns(c, shapes) END);
END
$$;

COMMENT ON FUNCTION changes.revert_statement(changes.change, jsonb, boolean) IS
'Internal. Returns the statement that takes a change back on the source, given the shapes of its table. Errors: none.
Example: SELECT changes.revert_statement(ROW(c.*)::changes.change, ''[{"from": 1, "key": ["id"], "key_declared": ["integer"], "oid": 1, "generated": [], "foreign_types": []}]'', false) FROM public.changes AS c LIMIT 1;';

-- The statement, and what is said when it finds no row. Messages name the change and not the row: logs must not hold data.
-- That a row is in the place of a deleted one is seen by the error of the INSERT: ON CONFLICT DO NOTHING is refused for every table with a deferrable constraint.
CREATE FUNCTION changes.revert_block(c changes.change, statement text, skips_conflicts boolean, unknown_columns text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    what CONSTANT text := format('could not revert change %s of table %I.%I', c.id, c.schema, c."table");
    opening CONSTANT text := format('RAISE %s USING ERRCODE = ''object_not_in_prerequisite_state''', CASE WHEN skips_conflicts THEN 'WARNING' ELSE 'EXCEPTION' END);
    report CONSTANT text := opening || format(
        ', MESSAGE = %L, DETAIL = %L;',
        what || CASE c.operation WHEN 'DELETE' THEN ': a row is in the place of the deleted one' ELSE ': its row is not as the change left it' END,
        format('Operation %s, transaction %s.', c.operation, c.transaction_id));
BEGIN
    RETURN format('DO %s;', changes.dollar_quoted(concat(
        E'\nDECLARE\n    missing pg_catalog.text := (\n    ' || unknown_columns || ');',
        E'\nBEGIN\n    ',
        CASE WHEN unknown_columns IS NOT NULL THEN format(
            E'IF missing IS NOT NULL THEN\n        %s, MESSAGE = %L || missing,\n            HINT = %L;\n    END IF;\n    ', opening,
            CASE WHEN skips_conflicts THEN format('the row of change %s of table %I.%I gets defaults in columns that the trail does not have: ', c.id, c.schema, c."table")
                 ELSE what || ': the trail does not have columns ' END,
            'They were excluded when the row was deleted, or added to the table since.'
            || CASE WHEN skips_conflicts THEN '' ELSE ' With on_conflict => ''skip'' the script gives them their defaults.' END) END,
        statement, E';\n    IF NOT FOUND THEN\n        ', report, E'\n    END IF;',
        CASE WHEN skips_conflicts OR c.operation = 'DELETE' THEN E'\nEXCEPTION' END,
        CASE WHEN c.operation = 'DELETE' THEN E'\n    WHEN unique_violation OR exclusion_violation THEN\n        ' || report END,
        CASE WHEN skips_conflicts THEN format(
            E'\n    WHEN integrity_constraint_violation THEN\n        RAISE WARNING USING ERRCODE = SQLSTATE, MESSAGE = %L, DETAIL = SQLERRM;', what) END,
        E'\nEND\n')));
END
$$;

COMMENT ON FUNCTION changes.revert_block(changes.change, text, boolean, text) IS
'Internal. Returns a DO block with a statement that takes a change back, and reports where it finds no row, or where a query names columns that the change
does not have. Errors: none.
Example: SELECT changes.revert_block(ROW(c.*)::changes.change, ''SELECT 1'', false) FROM public.changes AS c LIMIT 1;';
