-- All changes of one record, for changes.erase(): what changes.history() tells of it, wherever that is. That is everything under the given key, whoever
-- had it, and of other records nothing, though they had one of its other keys (changes.record_walk). What the key columns are is known from
-- changes.relations; without, only the given key is looked for.
CREATE FUNCTION changes.record_changes(database text, schema text, "table" text, primary_key text,
                                       OUT place regclass, OUT id uuid, OUT committed_at timestamptz)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    asked record;
    shapes jsonb;
    walked changes.change[];
BEGIN
    SELECT (SELECT s.id FROM changes.sources AS s WHERE s.label = record_changes.database) AS source_id,
           record_changes.database, record_changes.schema, record_changes."table", '{}'::text[] AS partitions
      INTO asked;
    shapes := changes.shapes_json(asked.source_id, schema, "table");
    IF changes.had_other_key(asked, shapes) THEN
        RAISE WARNING 'the primary key of table "%.%" was another before: changes of the record under that are not found', schema, "table"
            USING HINT = 'changes.find("table" => …, after => …) finds them by their values; erase by their primary_key as well.';
    END IF;
    walked := changes.record_walk(asked, shapes, changes.readable(), primary_key, '');
    RETURN QUERY EXECUTE (
        SELECT string_agg(format('SELECT %L::regclass, c.id, c.committed_at::timestamptz FROM unnest($1) AS w
                                    JOIN %s AS c ON c.id = w.id AND c.committed_at = w.committed_at WHERE w.operation <> ''TRUNCATE''', t.name, t.name), ' UNION ALL ')
          FROM unnest(ARRAY['public.changes', 'changes.held']) AS t (name)
         WHERE to_regclass(t.name) IS NOT NULL)
      USING walked;
END
$$;

COMMENT ON FUNCTION changes.record_changes(text, text, text, text) IS
'Internal. Returns the changes of a record, also under its earlier and later keys: the table they are in (public.changes or changes.held), id and
commit time. A change may come more than once. A WARNING where the primary key was of other columns before. Errors: 42P01 before changes.setup().
Example: SELECT DISTINCT * FROM changes.record_changes(''shop'', ''public'', ''users'', ''1'');';
