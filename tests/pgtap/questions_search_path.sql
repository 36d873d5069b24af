-- A caller's search_path must not decide what the questions run: masks lie in wait in a schema before pg_catalog, and in pg_temp.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(2);
\ir made/shop.sql
SET LOCAL client_min_messages = warning;
SELECT pg_temp.change('2026-03-02 10:00+00', 10, 'users', 'CREATE', '{}', '{"id": 1, "name": "a", "email": null}', '{"request": 1}');
SELECT pg_temp.change('2026-03-02 10:01+00', 20, 'users', 'UPDATE', '{"id": 1, "name": "a", "email": null}', '{"id": 2, "name": "b", "email": null}', '{"request": 1}');
CREATE FUNCTION pg_temp.answers() RETURNS SETOF text LANGUAGE sql AS $$
    SELECT h::text FROM changes.history('users', '2') AS h
    UNION ALL SELECT p::text FROM changes.as_of('users', '2', '2026-03-05 00:00+00') AS p
    UNION ALL SELECT p::text FROM changes.as_of('users', '2026-03-05 00:00+00') AS p
    UNION ALL SELECT p::text FROM changes.as_of('events', '2026-03-05 00:00+00') AS p
    UNION ALL SELECT f::text FROM changes.find(context => '{"request": 1}', actor => NULL) AS f
    UNION ALL SELECT a::text FROM changes.activity(NULL) AS a
    UNION ALL SELECT changes.diff('{"a": 1}', '{"a": 2}')::text
    UNION ALL SELECT r FROM changes.revert_sql(since => '2026-03-01 00:00+00') AS r
    UNION ALL SELECT d.diff::text FROM changes.differences AS d
    UNION ALL SELECT l.horizon_time::text FROM changes.lag() AS l
    UNION ALL SELECT h."check" || h.status FROM changes.health() AS h
$$;
CREATE TEMPORARY TABLE expected AS SELECT a, row_number() OVER () AS n FROM pg_temp.answers() AS a;

CREATE SCHEMA evil;
CREATE TABLE public.called (name text);
DO $do$
DECLARE
    mask text[];
BEGIN
    FOREACH mask SLICE 1 IN ARRAY ARRAY[
        ['to_regclass', 'text', 'regclass'], ['has_table_privilege', 'regclass, text', 'boolean'], ['format', 'text, text', 'text'], ['date_trunc', 'text, timestamptz', 'timestamptz'],
        ['substr', 'text, integer', 'text'], ['to_jsonb', 'text', 'jsonb'], ['jsonb_typeof', 'jsonb', 'text'], ['clock_timestamp', '', 'timestamptz'],
        ['commit_time', 'uuid', 'timestamptz'], ['readable', '', 'text'], ['find_table', 'text, text, text', 'text'], ['round', 'numeric, integer', 'numeric']]
    LOOP
        EXECUTE format($$CREATE FUNCTION evil.%I(%s) RETURNS %s LANGUAGE plpgsql AS
                         $f$BEGIN INSERT INTO public.called VALUES (%L); RETURN NULL; END$f$ $$, mask[1], mask[2], mask[3], mask[1]);
    END LOOP;
    FOREACH mask SLICE 1 IN ARRAY ARRAY[
        ['@>', 'jsonb', 'jsonb'], ['->', 'jsonb', 'text'], ['=', 'text', 'text'], ['=', 'uuid', 'uuid'], ['<', 'timestamptz', 'timestamptz'], ['<=', 'timestamptz', 'timestamptz'],
        ['>', 'bigint', 'bigint'], ['<>', 'text', 'text'], ['||', 'text', 'text'], ['?&', 'jsonb', 'text[]'], ['?', 'jsonb', 'text'], ['-', 'pg_lsn', 'pg_lsn']]
    LOOP
        EXECUTE format($$CREATE OR REPLACE FUNCTION evil.mask(%s, %s) RETURNS boolean LANGUAGE plpgsql AS
                         'BEGIN INSERT INTO public.called VALUES (''an operator''); RETURN NULL; END'$$, mask[2], mask[3]);
        EXECUTE format('CREATE OPERATOR evil.%s (FUNCTION = evil.mask, LEFTARG = %s, RIGHTARG = %s)', mask[1], mask[2], mask[3]);
    END LOOP;
END
$do$;
CREATE TEMPORARY TABLE changes (id integer);
CREATE TEMPORARY TABLE pg_class (oid oid);
CREATE TABLE evil.sources (id integer);
CREATE FUNCTION pg_temp.answers_astray() RETURNS SETOF text LANGUAGE plpgsql SET search_path = evil, pg_temp, pg_catalog, public AS $$
BEGIN
    RETURN QUERY SELECT h::pg_catalog.text FROM changes.history('users', '2') AS h;
    RETURN QUERY SELECT p::pg_catalog.text FROM changes.as_of('users', '2', '2026-03-05 00:00+00') AS p;
    RETURN QUERY SELECT p::pg_catalog.text FROM changes.as_of('users', '2026-03-05 00:00+00'::timestamptz) AS p;
    RETURN QUERY SELECT p::pg_catalog.text FROM changes.as_of('events', '2026-03-05 00:00+00'::timestamptz) AS p;
    RETURN QUERY SELECT f::pg_catalog.text FROM changes.find(context => '{"request": 1}') AS f;
    RETURN QUERY SELECT a::pg_catalog.text FROM changes.activity(NULL) AS a;
    RETURN QUERY SELECT changes.diff('{"a": 1}', '{"a": 2}')::pg_catalog.text;
    RETURN QUERY SELECT r FROM changes.revert_sql(since => '2026-03-01 00:00+00') AS r;
    RETURN QUERY SELECT d.diff::pg_catalog.text FROM changes.differences AS d;
    RETURN QUERY SELECT l.horizon_time::pg_catalog.text FROM changes.lag() AS l;
    RETURN QUERY SELECT h."check" OPERATOR(pg_catalog.||) h.status FROM changes.health() AS h;
END
$$;
CREATE TEMPORARY TABLE astray AS SELECT a, row_number() OVER () AS n FROM pg_temp.answers_astray() AS a;
SELECT results_eq('SELECT a FROM pg_temp.astray ORDER BY n', 'SELECT a FROM pg_temp.expected ORDER BY n', 'the answers are the same under a hostile search_path');
SELECT is_empty('SELECT DISTINCT name FROM public.called', 'and nothing of it is called');
SELECT * FROM finish();
ROLLBACK;
