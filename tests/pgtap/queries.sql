-- Plans of the queries that the indexes are there for, on 200 000 rows.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(18);
SELECT changes.setup();

-- The rows of five whole days, the last of them today, so that every partition has as many whatever the time is; row 123456,
-- of yesterday, is the one that is looked for.
INSERT INTO public.changes (database, schema, "table", primary_key, operation, before, after, context,
                            committed_at, transaction_id, position)
SELECT 'postgres', 'public', CASE g % 10 WHEN 0 THEN 'orders' ELSE 'users' END, (g % 20000)::text, 'UPDATE',
       jsonb_build_object('id', g % 20000, 'email', 'user' || g || '@example.com'),
       jsonb_build_object('id', g % 20000,
                          'email', CASE g WHEN 123456 THEN 'new@example.com' ELSE 'user' || g + 1 || '@example.com' END),
       jsonb_build_object('request', g / 4),
       date_trunc('second', date_trunc('day', now(), 'UTC') - interval '4 days' + (g - 1) * interval '2.16 seconds'), g / 2, g * 100
  FROM generate_series(1, 200000) AS g;
ANALYZE public.changes;

CREATE FUNCTION pg_temp.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    lines text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || query LOOP
        lines := lines || line || E'\n';
    END LOOP;
    RETURN lines;
END
$$;
CREATE FUNCTION pg_temp.main_query(since text) RETURNS text LANGUAGE sql AS $$
    SELECT format($q$SELECT * FROM "changes" WHERE "database" = 'postgres' AND "schema" = 'public'
        AND "table" = 'users' AND "primary_key" = '3456' AND "operation" = 'UPDATE'
        AND "after" @> '{"email": "new@example.com"}' AND NOT ("before" @> '{"email": "new@example.com"}')
        AND "committed_at" BETWEEN (NOW() - INTERVAL %L) AND NOW() LIMIT 1$q$, since)
$$;

-- The main query, as it was written before there was waltrail.
SELECT results_eq('SELECT position FROM (' || pg_temp.main_query('3 months') || ') AS m', ARRAY[12345600]::bigint[],
    'the main query finds its change');
CREATE TEMPORARY TABLE plans AS
    SELECT since, pg_temp.plan(pg_temp.main_query(since)) AS plan FROM unnest(ARRAY['3 months', '1 day']) AS since;
SELECT matches(plan, 'Index', 'the main query uses an index') FROM plans WHERE since = '3 months';
SELECT doesnt_match(plan, 'Seq Scan on changes_p', 'and reads no day whole') FROM plans WHERE since = '3 months';
SELECT matches(plan, 'Subplans Removed: [45]', 'the days ahead are pruned') FROM plans WHERE since = '3 months';
SELECT matches(plan, 'Subplans Removed: [78]', 'for one day, all but two days are') FROM plans WHERE since = '1 day';

-- The history of a record.
CREATE TEMPORARY TABLE history AS SELECT pg_temp.plan(
    $$SELECT * FROM public.changes WHERE "table" = 'users' AND primary_key = '3456' ORDER BY position$$) AS plan;
SELECT matches(plan, 'table_primary_key_position_idx', 'a record''s history uses the btree') FROM history;
SELECT doesnt_match(plan, 'Seq Scan on changes_p\S+ [^\n]*rows=[1-9]', 'for all rows') FROM history;

-- Which operators jsonb_path_ops serves.
CREATE FUNCTION pg_temp.uses_gin(name text, condition text) RETURNS boolean LANGUAGE sql AS $$
    SELECT pg_temp.plan('SELECT count(*) FROM public.changes WHERE ' || condition) ~ ('Scan on \S+_' || name || '_idx')
$$;
SELECT ok(pg_temp.uses_gin(name, name || $$ @> '{"email": "user5@example.com"}'$$), name || ' @> uses GIN')
  FROM unnest(ARRAY['before', 'after', 'context']) AS name;
SELECT ok(pg_temp.uses_gin(name, name || $$ @? '$.email ? (@ == "user5@example.com")'$$), name || ' @? with a value uses GIN')
  FROM unnest(ARRAY['before', 'after', 'context']) AS name;
SELECT ok(pg_temp.uses_gin('after', $$after @@ '$.email == "user5@example.com"'$$), '@@ with a value uses GIN');
-- A key alone has no hash. The planner may even take the index for a bare @?, but only to get every row
-- from it and to check each: no row has a phone, and all 200 000 are read to find that out.
CREATE FUNCTION pg_temp.rows_read_in_vain(condition text) RETURNS bigint LANGUAGE sql AS $$
    SELECT sum(m[1]::bigint)
      FROM regexp_matches(pg_temp.plan('SELECT FROM public.changes WHERE ' || condition),
                          'Rows Removed by [^:]+: (\d+)', 'g') AS m
$$;
SELECT is(pg_temp.rows_read_in_vain($$after @? '$.phone'$$), 200000::bigint, 'a bare @? reads every row');
SELECT is(pg_temp.rows_read_in_vain($$after ? 'phone'$$), 200000::bigint, 'so does ?');

-- The order of changes, by BRIN.
SET LOCAL enable_seqscan = off;
SELECT matches(pg_temp.plan('SELECT * FROM public.changes WHERE ' || condition), 'committed_at_position_transaction_id_idx',
    'BRIN serves ' || condition)
  FROM unnest(ARRAY['position BETWEEN 100 AND 200', 'transaction_id = 77']) AS condition;

SELECT * FROM finish();
ROLLBACK;
