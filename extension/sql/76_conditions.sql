-- Conditions of the questions' queries, as text: they are built only of what is asked, with the values as literals, so that the
-- server prunes partitions while it plans and finds an index for each branch of an OR.
-- The questions switch JIT off: to compile a query over many partitions took seven of nine seconds.

-- A record: what has its key, and UPDATEs that took a row away from that key. Those have the new key; `before` has the old one. The
-- GIN index on before holds nothing for an UPDATE whose before is {}, where the key has not changed.
CREATE FUNCTION changes.record_condition(database text, schema text, "table" text, key text, keys_json jsonb[])
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of_table CONSTANT text := format('c.database = %L AND c.schema = %L AND c."table" = %L', database, schema, "table");
BEGIN
    RETURN format('(%s AND c.primary_key = %L%s)', of_table, key, (
        SELECT string_agg(format(' OR %s AND c.operation = ''UPDATE'' AND c.before @> %L::pg_catalog.jsonb', of_table, k), '')
          FROM unnest(keys_json) AS k));
END
$$;

COMMENT ON FUNCTION changes.record_condition(text, text, text, text, jsonb[]) IS
'Internal. Returns the condition, on a row c of the trail, that it changes the record with that key or takes it away from the key, which is
also given as JSON. Errors: none.
Example: SELECT changes.record_condition(''shop'', ''public'', ''users'', ''7'', ARRAY[''{"id": 7}'']::jsonb[]);';

-- TRUNCATE is recorded once for the table, or for a partition that was truncated by itself under the partition's name.
CREATE FUNCTION changes.truncate_condition(database text, schema text, "table" text, partitions text[])
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format('(c.database = %L AND %s AND c.primary_key IS NULL AND c.operation = ''TRUNCATE'')', database,
                  CASE cardinality(partitions)
                      WHEN 0 THEN format('c.schema = %L AND c."table" = %L', schema, "table")
                      ELSE format('c."table" = ANY (%L) AND format(''%%I.%%I'', c.schema, c."table") = ANY (%L)',
                                  ARRAY(SELECT (parse_ident(p))[2] FROM unnest(partitions) AS p) || "table",
                                  partitions || format('%I.%I', schema, "table")) END);
END
$$;

COMMENT ON FUNCTION changes.truncate_condition(text, text, text, text[]) IS
'Internal. Returns the condition, on a row c of the trail, that it truncates the table or one of its partitions (quoted schema.table). Errors: none.
Example: SELECT changes.truncate_condition(''shop'', ''public'', ''users'', ''{}'');';

-- committed_at is truncated to the second: it bounds the partitions, and decides unless it is the second of the bound. Then the id's time
-- does, which is exact. An id that holds none is of a row that apply has not written.
CREATE FUNCTION changes.time_condition(since timestamptz, until timestamptz)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
BEGIN
    RETURN concat(
        CASE WHEN since IS NOT NULL THEN format(
            ' AND c.committed_at >= %1$L AND (c.committed_at > %1$L OR coalesce(changes.commit_time(c.id), c.committed_at) >= %2$L)',
            date_trunc('second', since), since) END,
        CASE WHEN until IS NOT NULL THEN format(
            ' AND c.committed_at <= %1$L AND (c.committed_at < %1$L OR coalesce(changes.commit_time(c.id), c.committed_at) < %2$L)',
            date_trunc('second', until), until) END);
END
$$;

COMMENT ON FUNCTION changes.time_condition(timestamptz, timestamptz) IS
'Internal. Returns the condition, to follow others, on a row c of the trail that it was committed at or after the first time and before
the second, to the microsecond; NULL bounds nothing. Errors: none.
Example: SELECT changes.time_condition(''2026-01-31 12:00+00'', NULL);';
