-- What an erasure leaves of a row: a null where a value was, so that it can be told from a column that was not there, and a mark in
-- the context (docs/values.md), so that it can be told from a NULL.

CREATE FUNCTION changes.null_columns(document jsonb, columns text[])
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT document || coalesce((SELECT jsonb_object_agg(c, NULL) FROM unnest(columns) AS c WHERE document ? c), '{}')
$$;

COMMENT ON FUNCTION changes.null_columns(jsonb, text[]) IS
'Internal. Returns a row in which those of the columns that it has are null. Errors: none of its own.
Example: SELECT changes.null_columns(''{"id": 1, "name": "a"}'', ARRAY[''name'']);';

CREATE FUNCTION changes.mark_erased(context jsonb, mark text, names text[])
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT context || jsonb_build_object('_waltrail',
               CASE WHEN jsonb_typeof(context -> '_waltrail') = 'object' THEN context -> '_waltrail' ELSE '{}' END
               || jsonb_build_object(mark, (
                      SELECT to_jsonb(array_agg(DISTINCT n.name ORDER BY n.name))
                        FROM (SELECT unnest(names)
                              UNION ALL
                              SELECT jsonb_array_elements_text(
                                         CASE WHEN jsonb_typeof(context #> ARRAY['_waltrail', mark]) = 'array'
                                              THEN context #> ARRAY['_waltrail', mark] ELSE '[]' END)) AS n (name))))
$$;

COMMENT ON FUNCTION changes.mark_erased(jsonb, text, text[]) IS
'Internal. Returns a context whose _waltrail says under the mark which names were erased, those of earlier erasures included. Errors: none of
its own. Example: SELECT changes.mark_erased(''{}'', ''erased'', ARRAY[''email'']);';

-- A context of objects within objects, as deep as the filter goes. What the filter has as anything but an object, the member of
-- that name is erased whole.
CREATE FUNCTION changes.null_members(document jsonb, filter jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    member record;
BEGIN
    FOR member IN SELECT e.key, e.value FROM jsonb_each(filter) AS e WHERE document ? e.key LOOP
        document := document || jsonb_build_object(member.key,
            CASE WHEN jsonb_typeof(member.value) = 'object' AND member.value <> '{}'
                      AND jsonb_typeof(document -> member.key) = 'object'
                 THEN changes.null_members(document -> member.key, member.value) END);
    END LOOP;
    RETURN document;
END
$$;

COMMENT ON FUNCTION changes.null_members(jsonb, jsonb) IS
'Internal. Returns a JSON object in which the members that the filter names are null. Errors: none of its own.
Example: SELECT changes.null_members(''{"user": {"id": 1, "email": "a"}}'', ''{"user": {"email": "a"}}'');';

CREATE FUNCTION changes.member_paths(filter jsonb, prefix text DEFAULT '')
RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    member record;
BEGIN
    FOR member IN SELECT e.key, e.value FROM jsonb_each(CASE WHEN jsonb_typeof(filter) = 'object' THEN filter ELSE '{}' END) AS e LOOP
        IF jsonb_typeof(member.value) = 'object' AND member.value <> '{}' THEN
            RETURN QUERY SELECT changes.member_paths(member.value, prefix || member.key || '.');
        ELSE
            RETURN NEXT prefix || member.key;
        END IF;
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.member_paths(jsonb, text) IS
'Internal. Returns the paths of the members that a filter names, with dots between their names. Errors: none of its own.
Example: SELECT changes.member_paths(''{"user": {"email": "a"}, "ip": "b"}'');';
