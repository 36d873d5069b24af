-- What a table looked like when: changes.relations has a row for each partition and each shape; here they are one list for the table,
-- in which a shape is named once, where it begins. Partitions of a table have the same columns, whatever their order.
--
-- A key column's type is used to turn a key's text into JSON and back. It is NULL for a type that is not the server's own, which this
-- server need not have: its values are handled as text. That is what the trail has of enums, domains are known by their base type, and a mask
-- is text.
CREATE FUNCTION changes.shapes(asked_source integer, asked_schema text, asked_table text)
RETURNS TABLE (
    from_position bigint, until_position bigint, columns text[], masked text[], generated text[], foreign_types text[],
    key_columns text[], key_types text[], key_declared text[], relation_oid oid)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    IF asked_source IS NULL OR NOT changes.may_read('relations') THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH described AS (
        SELECT r.from_position,
               ARRAY(SELECT c->>'name' FROM jsonb_array_elements(r.columns) AS c ORDER BY 1) AS columns,
               ARRAY(SELECT c->>'name' FROM jsonb_array_elements(r.columns) AS c WHERE (c->>'masked')::boolean ORDER BY 1) AS masked,
               ARRAY(SELECT c->>'name' FROM jsonb_array_elements(r.columns) AS c WHERE (c->>'generated')::boolean ORDER BY 1) AS generated,
               ARRAY(SELECT c->>'name' FROM jsonb_array_elements(r.columns) AS c
                      WHERE (c->>'type_oid')::bigint >= 16384 ORDER BY 1) AS foreign_types,
               r.key_columns,
               -- As declared, with its length; the type beneath a domain, or a mask's, by its own name, which has none.
               ARRAY(SELECT CASE WHEN t.oid IS NULL OR t.oid >= 16384 THEN NULL
                                 WHEN format_type(t.oid, NULL) = regexp_replace(c->>'type', '\(.*\)', '') THEN c->>'type'
                                 ELSE format('pg_catalog.%I', t.typname) END
                       FROM unnest(r.key_columns) WITH ORDINALITY AS k (name, place)
                       LEFT JOIN LATERAL jsonb_array_elements(r.columns) AS c ON c->>'name' = k.name
                       LEFT JOIN pg_catalog.pg_type AS t ON t.oid = (c->>'type_oid')::oid
                      ORDER BY k.place) AS key_types,
               ARRAY(SELECT c->>'type' FROM unnest(r.key_columns) WITH ORDINALITY AS k (name, place)
                       LEFT JOIN LATERAL jsonb_array_elements(r.columns) AS c ON c->>'name' = k.name
                      ORDER BY k.place) AS key_declared,
               CASE WHEN (r.leaf_schema, r.leaf_table) = (r.schema, r."table") THEN r.relation_oid END AS relation_oid
          FROM changes.relations AS r
         WHERE r.source_id = asked_source AND r.schema = asked_schema AND r."table" = asked_table),
    begins AS (
        SELECT d.*, lag(ROW(d.columns, d.masked, d.generated, d.key_columns, d.key_types, d.key_declared, d.relation_oid)) OVER (ORDER BY d.from_position)
                    IS DISTINCT FROM ROW(d.columns, d.masked, d.generated, d.key_columns, d.key_types, d.key_declared, d.relation_oid) AS is_new
          FROM described AS d)
    SELECT b.from_position, lead(b.from_position) OVER (ORDER BY b.from_position),
           b.columns, b.masked, b.generated, b.foreign_types, b.key_columns, b.key_types, b.key_declared, b.relation_oid
      FROM begins AS b WHERE b.is_new ORDER BY b.from_position;
END
$$;

COMMENT ON FUNCTION changes.shapes(integer, text, text) IS
'Internal. Returns what a table of a source looked like from which position to which, in order: the names of its columns, of those masked,
generated, or of a type that is not the server''s own, its key and the types of the key''s columns, here and as declared on the source, and its oid unless it is partitioned. No
rows for a table that is unknown, or where the caller may not know. Errors: none.
Example: SELECT p.* FROM changes.sources AS s, changes.shapes(s.id, ''public'', ''users'') AS p;';

-- The shapes of a table in one value.
CREATE FUNCTION changes.shapes_json(source_id integer, schema text, "table" text)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'from', s.from_position, 'until', s.until_position, 'columns', s.columns, 'masked', s.masked,
                   'generated', s.generated, 'foreign_types', s.foreign_types,
                   'key', s.key_columns, 'key_types', s.key_types, 'key_declared', s.key_declared, 'oid', s.relation_oid) ORDER BY s.from_position), '[]')
          FROM changes.shapes(source_id, schema, "table") AS s);
END
$$;

COMMENT ON FUNCTION changes.shapes_json(integer, text, text) IS
'Internal. Returns what changes.shapes() returns, as a JSON array. Errors: none.
Example: SELECT changes.shapes_json(t.source_id, t.schema, t."table") FROM changes.find_table(''users'', NULL, NULL) AS t;';

-- CASE over the position of a change c, with the branch of the shape that the table had there.
CREATE FUNCTION changes.shape_case(shapes jsonb, branches text[])
RETURNS text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF cardinality(branches) = 1 THEN
        RETURN '(' || branches[1] || ')';
    END IF;
    RETURN '(CASE ' || (
        SELECT string_agg(CASE WHEN b.place < cardinality(branches)
                               THEN 'WHEN c.position < ' || (shapes->(b.place::integer)->>'from') || ' THEN ' || b.branch
                               ELSE 'ELSE ' || b.branch END, ' ' ORDER BY b.place)
          FROM unnest(branches) WITH ORDINALITY AS b (branch, place)) || ' END)';
END
$$;

COMMENT ON FUNCTION changes.shape_case(jsonb, text[]) IS
'Internal. Returns an expression on a row c of the trail that is the branch of the shape which the table had at its position. Errors: none.
Example: SELECT changes.shape_case(''[{"from": 1}, {"from": 9}]'', ARRAY[''true'', ''false'']);';

CREATE FUNCTION changes.shape_at(shapes jsonb, at_position bigint)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_shape jsonb := shapes->0;
BEGIN
    FOR i IN 1..coalesce(jsonb_array_length(shapes), 0) - 1 LOOP
        EXIT WHEN (shapes->i->>'from')::bigint > at_position;
        found_shape := shapes->i;
    END LOOP;
    RETURN found_shape;
END
$$;

COMMENT ON FUNCTION changes.shape_at(jsonb, bigint) IS
'Internal. Returns the shape that a table had at a position, the first one before that; NULL where none is known. Errors: none.
Example: SELECT changes.shape_at(''[{"from": 1}, {"from": 9}]'', 5);';
