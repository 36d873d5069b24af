-- The queries on one record whose shape does not depend on what is asked, where the whole trail is one table. Planning a query over 32 partitions with six
-- indexes each takes longer than running it: these are planned once in a session, without values (force_generic_plan), and look away
-- from partitions at their start.
--
-- Such a plan takes two bounds on a column for a narrow range, and would read a wide one through BRIN from end to end. So they are written
-- in ways that it does not take for a pair: partitions are pruned by "<= ANY (ARRAY[…])" as well, and "+ 0" hides a bound from indexes.

CREATE FUNCTION changes.record_rows(database text, schema text, "table" text, key text, key_as_json jsonb, partitions text[])
RETURNS changes.change[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    truncated CONSTANT text[] := ARRAY(SELECT (parse_ident(p))[2] FROM unnest(partitions) AS p) || "table";
    truncated_paths CONSTANT text[] := partitions || format('%I.%I', schema, "table");
BEGIN
    RETURN (
        SELECT array_agg(ROW(c.*)::changes.change ORDER BY c.position, c.id)
          FROM public.changes AS c
         WHERE c.database = record_rows.database
           AND (c.schema = record_rows.schema AND c."table" = record_rows."table" AND c.primary_key = key
                OR c.schema = record_rows.schema AND c."table" = record_rows."table" AND c.operation = 'UPDATE' AND c.before @> key_as_json
                OR c."table" = ANY (truncated) AND c.primary_key IS NULL AND c.operation = 'TRUNCATE'
                   AND format('%I.%I', c.schema, c."table") = ANY (truncated_paths)));
END
$$;

COMMENT ON FUNCTION changes.record_rows(text, text, text, text, jsonb, text[]) IS
'Internal. Returns the changes of a key, the UPDATEs that may have taken a row away from it, and the TRUNCATEs of its table and of the given partitions (quoted
schema.table), in order; NULL where there are none. Errors: 42501 for a role that may not read the trail.
Example: SELECT cardinality(changes.record_rows(''shop'', ''public'', ''users'', ''2'', ''{"id": 2}'', ''{}''));';

CREATE FUNCTION changes.newest_row(database text, schema text, "table" text, key text, until timestamptz)
RETURNS changes.change
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    until_second CONSTANT timestamptz := date_trunc('second', until);
    newest changes.change;
BEGIN
    SELECT c.* INTO newest FROM public.changes AS c
     WHERE c.database = newest_row.database AND c.schema = newest_row.schema AND c."table" = newest_row."table" AND c.primary_key = key
       AND c.committed_at <= until_second
       AND (c.committed_at < until_second OR coalesce(changes.commit_time(c.id), c.committed_at) < until)
     ORDER BY c.position DESC LIMIT 1;
    RETURN newest;
END
$$;

COMMENT ON FUNCTION changes.newest_row(text, text, text, text, timestamptz) IS
'Internal. Returns the newest change of a key before the time. Errors: 42501 for a role that may not read the trail.
Example: SELECT (changes.newest_row(''shop'', ''public'', ''users'', ''2'', now())).position;';

CREATE FUNCTION changes.is_changed_since(database text, schema text, "table" text, key text, since timestamptz, until timestamptz)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    since_second CONSTANT timestamptz := date_trunc('second', since);
BEGIN
    RETURN EXISTS (
        SELECT FROM public.changes AS c
         WHERE c.database = is_changed_since.database AND c.schema = is_changed_since.schema AND c."table" = is_changed_since."table" AND c.primary_key = key
           AND c.committed_at >= since_second AND c.committed_at <= ANY (ARRAY[until]) AND c.operation IN ('CREATE', 'UPDATE')
           AND changes.commit_time(c.id) >= since AND changes.commit_time(c.id) < until);
END
$$;

COMMENT ON FUNCTION changes.is_changed_since(text, text, text, text, timestamptz, timestamptz) IS
'Internal. Returns whether a row was brought to a key, or changed there, in a transaction that was committed between the times, the first included. Errors: 42501
for a role that may not read the trail.
Example: SELECT changes.is_changed_since(''shop'', ''public'', ''users'', ''2'', now() - interval ''1 hour'', now());';

CREATE FUNCTION changes.ending_rows(
    database text, schema text, "table" text, key_as_json jsonb, since_position bigint, since timestamptz, until timestamptz)
RETURNS SETOF changes.change
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN QUERY
    SELECT c.* FROM public.changes AS c
     WHERE c.database = ending_rows.database AND c.schema = ending_rows.schema
       AND c.committed_at >= coalesce(since, '-infinity') AND c.committed_at <= ANY (ARRAY[until])
       AND (c."table" = ending_rows."table" AND c.operation = 'UPDATE' AND c.before @> key_as_json
            OR c."table" = ending_rows."table" AND c.primary_key IS NULL AND c.operation = 'TRUNCATE')
       AND c.position + 0 > since_position AND coalesce(changes.commit_time(c.id), c.committed_at) < until
     ORDER BY c.position;
END
$$;

COMMENT ON FUNCTION changes.ending_rows(text, text, text, jsonb, bigint, timestamptz, timestamptz) IS
'Internal. Returns the UPDATEs that may have taken a row away from a key, and TRUNCATEs of its table, after the position and between the times, in
order. Errors: 42501 for a role that may not read the trail.
Example: SELECT * FROM changes.ending_rows(''shop'', ''public'', ''users'', ''{"id": 2}'', 0, NULL, now());';

CREATE FUNCTION changes.newest_keyless_delete(database text, schema text, "table" text, since_position bigint, until timestamptz)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN (
        SELECT max(c.position) FROM public.changes AS c
         WHERE c.database = newest_keyless_delete.database AND c.schema = newest_keyless_delete.schema AND c."table" = newest_keyless_delete."table"
           AND c.primary_key IS NULL AND c.operation = 'DELETE' AND c.before = '{}' AND c.position + 0 > since_position
           AND c.committed_at <= until AND coalesce(changes.commit_time(c.id), c.committed_at) < until);
END
$$;

COMMENT ON FUNCTION changes.newest_keyless_delete(text, text, text, bigint, timestamptz) IS
'Internal. Returns the position of the newest DELETE whose row is not known, after the position and before the time; NULL where there is none.
Errors: 42501 for a role that may not read the trail.
Example: SELECT changes.newest_keyless_delete(''shop'', ''public'', ''users'', 0, now());';

-- Planned anew each time, as a text with its values, it would take ten times as long.
CREATE FUNCTION changes.oldest_keyless_delete(database text, schema text, "table" text, since_position bigint, since timestamptz, known_until bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan
AS $$
BEGIN
    RETURN (
        SELECT min(c.position) FROM public.changes AS c
         WHERE c.database = oldest_keyless_delete.database AND c.schema = oldest_keyless_delete.schema AND c."table" = oldest_keyless_delete."table"
           AND c.primary_key IS NULL AND c.operation = 'DELETE' AND c.before = '{}' AND c.position + 0 > since_position AND c.position + 0 < known_until
           AND c.committed_at >= date_trunc('second', since) AND coalesce(changes.commit_time(c.id), c.committed_at) >= since);
END
$$;

COMMENT ON FUNCTION changes.oldest_keyless_delete(text, text, text, bigint, timestamptz, bigint) IS
'Internal. Returns the position of the oldest DELETE whose row is not known, after the first position, from the time on and before the second position; NULL where there is none.
Errors: 42501 for a role that may not read the trail.
Example: SELECT changes.oldest_keyless_delete(''shop'', ''public'', ''users'', 0, now() - interval ''1 day'', 9223372036854775807);';
