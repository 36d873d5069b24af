-- Which table of which source is meant. A name that several have is refused: the answer to a guess would look like any other.
-- changes.relations knows every table that has changes, and the partitions beneath it; what is not there (a trail that was filled
-- by hand, a reader who may not see it) is looked for in the trail itself.
CREATE FUNCTION changes.find_table(
    asked_table text, asked_schema text, asked_database text,
    OUT source_id integer, OUT database text, OUT schema text, OUT "table" text,
    OUT partitions text[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    places text[];
    root text;
BEGIN
    IF asked_table IS NULL THEN
        RAISE EXCEPTION 'the table must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    places := changes.places_of_table(asked_table, asked_schema, asked_database);
    IF cardinality(places) > 1 THEN
        RAISE EXCEPTION 'the trail has several tables "%"', asked_table
            USING ERRCODE = 'ambiguous_parameter',
                  DETAIL = format('Database and schema: %s.', (
                      SELECT string_agg(format('%I %I', p::jsonb->>0, p::jsonb->>1), ', ' ORDER BY p) FROM unnest(places) AS p)),
                  HINT = 'Say which one is meant with schema => … or database => ….';
    END IF;
    IF cardinality(places) = 0 THEN
        IF changes.may_read('relations') THEN
            SELECT format('%I.%I', r.schema, r."table") INTO root
              FROM changes.relations AS r WHERE r.leaf_table = asked_table LIMIT 1;
        END IF;
        RAISE EXCEPTION 'the trail knows no table "%"', concat_ws('.', asked_database, asked_schema, asked_table)
            USING ERRCODE = 'undefined_table',
                  HINT = CASE WHEN root IS NOT NULL
                              THEN format('Changes of this partition are those of table %s.', root)
                              ELSE 'The tables with changes are in changes.relations; case counts, and the schema is an argument of its own.' END;
    END IF;
    database := places[1]::jsonb->>0;
    schema := places[1]::jsonb->>1;
    "table" := asked_table;
    partitions := '{}';
    IF changes.may_read('sources') THEN
        SELECT s.id INTO source_id FROM changes.sources AS s WHERE s.label = find_table.database;
    END IF;
    IF source_id IS NOT NULL AND changes.may_read('relations') THEN
        SELECT coalesce(array_agg(DISTINCT format('%I.%I', r.leaf_schema, r.leaf_table)) FILTER (
                   WHERE (r.leaf_schema, r.leaf_table) <> (r.schema, r."table")), '{}')
          INTO partitions
          FROM changes.relations AS r
         WHERE r.source_id = find_table.source_id AND r.schema = find_table.schema AND r."table" = asked_table;
    END IF;
END
$$;

COMMENT ON FUNCTION changes.find_table(text, text, text) IS
'Internal. Returns the one table of the trail with that name: its source, database, schema, name, and its partitions that have changes, as
quoted schema.table. Errors: 22004 without a name; 42P01 for a table that the trail does not know; 42P08 where several are meant.
Example: SELECT * FROM changes.find_table(''users'', ''public'', NULL);';

-- The places that have a table of the name, as JSON arrays [database, schema].
CREATE FUNCTION changes.places_of_table(asked_table text, asked_schema text, asked_database text)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    places text[] := '{}';
    is_partition boolean := false;
BEGIN
    IF changes.may_read('relations') AND changes.may_read('sources') THEN
        places := ARRAY(
            SELECT DISTINCT jsonb_build_array(s.label, r.schema)::text
              FROM changes.relations AS r
              JOIN changes.sources AS s ON s.id = r.source_id
             WHERE r."table" = asked_table
               AND (asked_schema IS NULL OR r.schema = asked_schema)
               AND (asked_database IS NULL OR s.label = asked_database));
    END IF;
    -- A partition has changes of its own name only where it was truncated by itself: it is no table to ask for.
    IF changes.may_read('relations') THEN
        is_partition := EXISTS (SELECT FROM changes.relations AS r WHERE r.leaf_table = asked_table AND r."table" <> asked_table);
    END IF;
    IF cardinality(places) = 0 AND NOT is_partition THEN
        EXECUTE format(
            'SELECT ARRAY(SELECT DISTINCT jsonb_build_array(c.database, c.schema)::text FROM %s AS c WHERE c."table" = $1%s%s)',
            changes.readable(),
            CASE WHEN asked_schema IS NOT NULL THEN ' AND c.schema = $2' END,
            CASE WHEN asked_database IS NOT NULL THEN ' AND c.database = $3' END)
           INTO places USING asked_table, asked_schema, asked_database;
    END IF;
    RETURN places;
END
$$;

COMMENT ON FUNCTION changes.places_of_table(text, text, text) IS
'Internal. Returns the places where the trail has a table of that name, each as the text of a JSON array of database and schema.
Errors: those of changes.readable(). Example: SELECT changes.places_of_table(''users'', NULL, NULL);';

CREATE FUNCTION changes.is_partition(asked_table text, asked_schema text, asked_database text)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT (changes.may_read('relations') AND changes.may_read('sources')) THEN
        RETURN false;
    END IF;
    RETURN EXISTS (
        SELECT FROM changes.relations AS r JOIN changes.sources AS s ON s.id = r.source_id
         WHERE r.leaf_table = asked_table AND (r.leaf_schema, r.leaf_table) <> (r.schema, r."table")
           AND r.leaf_schema = coalesce(asked_schema, r.leaf_schema) AND s.label = coalesce(asked_database, s.label));
END
$$;

COMMENT ON FUNCTION changes.is_partition(text, text, text) IS
'Internal. Returns whether a table of the trail has a partition of that name; its changes are the table''s, but that it was truncated by itself.
Errors: none. Example: SELECT changes.is_partition(''logs_2026'', NULL, NULL);';
