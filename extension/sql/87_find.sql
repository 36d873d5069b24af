-- Changes by what is known of them. Each condition that is given becomes one of the query, and no other does, so that the indexes
-- on context, before and after (@>), on the record and on the order of changes are found.
CREATE FUNCTION changes.find(
    context jsonb DEFAULT NULL, actor text DEFAULT NULL, transaction_id bigint DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    database text DEFAULT NULL, schema text DEFAULT NULL, "table" text DEFAULT NULL, operation text DEFAULT NULL,
    before jsonb DEFAULT NULL, after jsonb DEFAULT NULL, max_rows bigint DEFAULT 1000)
RETURNS SETOF changes.change
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    conditions text;
    returned bigint;
BEGIN
    conditions := changes.find_conditions(context, actor, transaction_id, since, until, database, schema, "table", operation, before, after);
    IF max_rows < 0 THEN
        RAISE EXCEPTION 'max_rows must not be negative' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM changes.tell_missing(database, schema, "table", since, until);
    RETURN QUERY EXECUTE format(
        'SELECT (s.c).* FROM (
             SELECT c, first_value(c.id) OVER same AS first_id, count(*) OVER same AS sharing
               FROM (SELECT c.* FROM %s AS c WHERE %s
                      ORDER BY c.committed_at DESC, changes.commit_time(c.id) DESC, c.position DESC%s) AS c
             WINDOW same AS (PARTITION BY c.database, c.transaction_id, c.position)) AS s
          ORDER BY (s.c).committed_at DESC, changes.commit_time((s.c).id) DESC, (s.c).position DESC,
                CASE WHEN s.sharing > 1 THEN changes.sequence((s.c).id, s.first_id) END DESC',
        changes.readable(), conditions, ' LIMIT ' || max_rows);
    GET DIAGNOSTICS returned = ROW_COUNT;
    IF returned = max_rows THEN
        RAISE NOTICE 'there may be more than the newest % changes', max_rows USING HINT = 'Ask for more with max_rows => …, NULL for all.';
    END IF;
END
$$;

COMMENT ON FUNCTION changes.find(jsonb, text, bigint, timestamptz, timestamptz, text, text, text, text, jsonb, jsonb, bigint) IS
'Returns the changes that meet all conditions given, the newest first: whose context, before or after contains (@>) the JSON; made by an
actor (session, current or authenticated user, as the server knows it); of a transaction of the source; committed at or after since and before
until; of a database (the source''s label), schema, table; of an operation (CREATE, UPDATE, DELETE, TRUNCATE). At most max_rows (1000; NULL:
all). Errors: 22023 without a condition, for another operation, or for JSON that is no object; 42P01 for a table without changes.
Example: SELECT * FROM changes.find(context => ''{"user_id": 7}'', since => now() - interval ''1 day'');';

CREATE FUNCTION changes.find_conditions(
    context jsonb, actor text, transaction_id bigint, since timestamptz, until timestamptz,
    database text, schema text, "table" text, operation text, before jsonb, after jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    conditions text;
BEGIN
    IF operation NOT IN ('CREATE', 'UPDATE', 'DELETE', 'TRUNCATE') THEN
        RAISE EXCEPTION 'unknown operation "%"', operation
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Operations are CREATE, UPDATE, DELETE and TRUNCATE.';
    END IF;
    IF jsonb_typeof(context) <> 'object' OR jsonb_typeof(before) <> 'object' OR jsonb_typeof(after) <> 'object' THEN
        RAISE EXCEPTION 'context, before and after must be JSON objects' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF "table" IS NOT NULL AND cardinality(changes.places_of_table("table", schema, database)) = 0
       AND NOT changes.is_partition("table", schema, database) THEN
        RAISE EXCEPTION 'the trail knows no table "%"', concat_ws('.', database, schema, "table") USING ERRCODE = 'undefined_table';
    END IF;
    conditions := concat(
        CASE WHEN context IS NOT NULL THEN format(' AND c.context @> %L::pg_catalog.jsonb', context) END,
        CASE WHEN actor IS NOT NULL THEN changes.actor_condition(actor) END,
        CASE WHEN transaction_id IS NOT NULL THEN format(' AND c.transaction_id = %s', transaction_id) END,
        changes.time_condition(since, until),
        CASE WHEN database IS NOT NULL THEN format(' AND c.database = %L', database) END,
        CASE WHEN schema IS NOT NULL THEN format(' AND c.schema = %L', schema) END,
        CASE WHEN "table" IS NOT NULL THEN format(' AND c."table" = %L', "table") END,
        CASE WHEN operation IS NOT NULL THEN format(' AND c.operation = %L', operation) END,
        CASE WHEN before IS NOT NULL THEN format(' AND c.before @> %L::pg_catalog.jsonb', before) END,
        CASE WHEN after IS NOT NULL THEN format(' AND c.after @> %L::pg_catalog.jsonb', after) END);
    IF conditions = '' THEN
        RAISE EXCEPTION 'say at least one thing of the changes that are looked for'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Such as context => …, actor => …, transaction_id => … or since => ….';
    END IF;
    RETURN substr(conditions, 6);
END
$$;

COMMENT ON FUNCTION changes.find_conditions(jsonb, text, bigint, timestamptz, timestamptz, text, text, text, text, jsonb, jsonb) IS
'Internal. Returns the condition, on a row c of the trail, that changes.find() with these arguments has. Errors: as there.
Example: SELECT changes.find_conditions(NULL, ''app'', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);';

-- Three conditions that GIN answers, not one expression that it does not: docs/context.md has the members.
CREATE FUNCTION changes.actor_condition(actor text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ' AND (' || (
        SELECT string_agg(format('c.context @> %L::pg_catalog.jsonb',
                                 jsonb_build_object('_waltrail', jsonb_build_object('actor', jsonb_build_object(member, actor)))), ' OR ')
          FROM unnest(ARRAY['session_user', 'current_user', 'authenticated_user']) AS member) || ')';
END
$$;

COMMENT ON FUNCTION changes.actor_condition(text) IS
'Internal. Returns the condition, to follow others, on a row c of the trail that the server knows this user for its actor. Errors: none.
Example: SELECT changes.actor_condition(''app'');';
