-- Changes by what is known of them, and how much of what happened when.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(33);
SELECT throws_ok($$SELECT changes.find(context => '{}')$$, '42P01', 'there is no trail in this database', 'before setup() it says so');
\ir made/shop.sql
SET LOCAL client_min_messages = warning;
CREATE FUNCTION pg_temp.positions(c changes.change[]) RETURNS bigint[] LANGUAGE sql AS 'SELECT array_agg(x.position) FROM unnest(c) AS x';
SELECT is_empty($$SELECT changes.find(since => '2026-03-01')$$, 'an empty trail has nothing');
SELECT is_empty($$SELECT * FROM changes.activity(since => NULL)$$, 'and no activity');

SELECT pg_temp.change('2026-03-02 10:00:00.1+00', 101, 'users', 'CREATE', '{}', '{"id": 1, "name": "a"}', '{"request": "r1", "_waltrail": {"actor": {"session_user": "app"}}}');
SELECT pg_temp.change('2026-03-02 10:00:00.1+00', 102, 'users', 'CREATE', '{}', '{"id": 2, "name": "b"}', '{"request": "r1", "_waltrail": {"actor": {"session_user": "app", "current_user": "admin"}}}');
SELECT pg_temp.change('2026-03-02 10:00:00.9+00', 201, 'users', 'UPDATE', '{"id": 1, "name": "a"}', '{"id": 1, "name": "c"}', '{"request": "r2", "claimed": {"actor": {"session_user": "admin"}}}');
SELECT pg_temp.change('2026-03-02 11:30+00', 301, 'lines', 'DELETE', '{"order_id": 1, "product": "p", "amount": 1}', '{}', '{"request": "r2", "_waltrail": {"actor": {"authenticated_user": "admin"}}}', key => '(1,p)');
SELECT pg_temp.change('2026-03-03 00:00+00', 401, 'users', 'TRUNCATE', '{}', '{}');
SELECT pg_temp.change('2026-03-02 10:00:00.5+00', 203, 'users', 'CREATE', '{}', '{"id": 1, "name": "elsewhere"}', database => 'other');

SELECT throws_ok('SELECT changes.find()', '22023', 'say at least one thing of the changes that are looked for', 'without a condition');
SELECT throws_ok($$SELECT changes.find(operation => 'INSERT')$$, '22023', 'unknown operation "INSERT"', 'an unknown operation');
SELECT throws_ok($$SELECT changes.find("table" => 'nowhere')$$, '42P01', 'the trail knows no table "nowhere"', 'an unknown table');
SELECT throws_ok($$SELECT changes.find(context => '[]')$$, '22023', NULL, 'a context that is no object');
SELECT throws_ok($$SELECT changes.find(context => '{}', max_rows => -1)$$, '22023', NULL, 'less than no rows');
CREATE FUNCTION pg_temp.found(arguments text) RETURNS bigint[] LANGUAGE plpgsql AS $$
DECLARE
    result bigint[];
BEGIN
    EXECUTE format('SELECT coalesce(array_agg(f.position), ''{}'') FROM changes.find(%s) AS f', arguments) INTO result;
    RETURN result;
END
$$;
SELECT is(pg_temp.found($$context => '{"request": "r1"}'$$), '{102,101}', 'by context, the newest first');
SELECT is(pg_temp.found($$context => '{"request": "r2"}', "table" => 'lines'$$), '{301}', 'all conditions must hold');
SELECT is(pg_temp.found($$actor => 'app'$$), '{102,101}', 'by the session''s user');
SELECT is(pg_temp.found($$actor => 'admin'$$), '{301,102}', 'by the current and the authenticated one, not by who is only claimed');
SELECT is(pg_temp.found($$actor => 'o''brien "x"'$$), '{}', 'a name with quotes');
SELECT is(pg_temp.found($$transaction_id => 20$$), '{201,203}', 'by transaction, of all databases, by time');
SELECT is(pg_temp.found($$transaction_id => 20, database => 'other'$$), '{203}', 'or of one');
SELECT is(pg_temp.found($$since => '2026-03-02 10:00:00.5+00'$$), '{401,301,201,203}', 'since a time, to the fraction of a second');
SELECT is(pg_temp.found($$since => '2026-03-02 10:00:00.500001+00', until => '2026-03-03'$$), '{301,201}', 'until a time, which is not included');
SELECT is(pg_temp.found($$schema => 'public', operation => 'TRUNCATE'$$), '{401}', 'by operation');
SELECT is(pg_temp.found($$before => '{"name": "a"}', after => '{"name": "c"}'$$), '{201}', 'by values before and after');
SELECT is(pg_temp.found($$after => '{}', max_rows => NULL$$), '{401,301,201,203,102,101}', 'all');
SELECT is(pg_temp.found($$after => '{}', max_rows => 2$$), '{401,301}', 'at most so many');
SELECT is(pg_temp.found($$after => '{}', max_rows => 0$$), '{}', 'or none');

-- Changes that share a position, of one COPY: their sequence orders them. These ids are of sequence 0 and 1.
INSERT INTO public.changes (id, database, schema, "table", operation, committed_at, transaction_id, position)
VALUES ('018fb263-407b-774b-8cd6-9543f7eb9d78', 'shop', 'public', 'users', 'CREATE', '2024-05-26 00:53:20+00', 7, 5),
       ('018fb263-407b-774b-adf1-675b64448b03', 'shop', 'public', 'users', 'CREATE', '2024-05-26 00:53:20+00', 7, 5);
SELECT results_eq('SELECT (f).id FROM changes.find(transaction_id => 7) AS f',
    ARRAY['018fb263-407b-774b-8cd6-9543f7eb9d78', '018fb263-407b-774b-adf1-675b64448b03']::uuid[], 'rows that share a position come in their order');

-- Indexes answer it.
CREATE FUNCTION pg_temp.plan_of(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    condition text;
    line text;
    lines text := '';
BEGIN
    EXECUTE format('SELECT changes.find_conditions(%s)', arguments) INTO condition;
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT FROM public.changes AS c WHERE ' || condition LOOP
        lines := lines || line || E'\n';
    END LOOP;
    RETURN lines;
END
$$;
SET LOCAL enable_seqscan = off;
SELECT matches(pg_temp.plan_of($$NULL, 'app', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL$$), 'BitmapOr.*context_idx.*context_idx.*context_idx', 'an actor is three looks into the index on context');
SELECT matches(pg_temp.plan_of($$NULL, NULL, 7, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL$$), 'committed_at_position_transaction_id_idx', 'a transaction is found by BRIN');
SELECT doesnt_match(pg_temp.plan_of($$'{"request": 1}', NULL, NULL, '2026-03-05', '2026-03-06', NULL, NULL, NULL, NULL, NULL, NULL$$), 'changes_default', 'partitions are pruned while it is planned');
RESET enable_seqscan;

SELECT throws_ok($$SELECT changes.activity(bucket => '1 month')$$, '22023', NULL, 'months are no bucket');
SELECT throws_ok($$SELECT changes.activity(bucket => '0')$$, '22023', NULL, 'nor is nothing');
SELECT throws_ok($$SELECT changes.activity(bucket => NULL)$$, '22023', 'invalid bucket NULL', 'nor NULL');
SELECT is_empty('SELECT * FROM changes.activity()', 'the last 24 hours were quiet');
SET LOCAL timezone = 'Asia/Kathmandu';
SELECT results_eq($$SELECT bucket_start, database, "table", operation, changes FROM changes.activity('2026-03-02 00:00+00', '2026-03-03 00:00+00') ORDER BY 1, 2, 3, 4$$,
    $$VALUES ('2026-03-02 10:00+00'::timestamptz, 'other', 'users', 'CREATE', 1::bigint), ('2026-03-02 10:00+00', 'shop', 'users', 'CREATE', 2),
             ('2026-03-02 10:00+00', 'shop', 'users', 'UPDATE', 1), ('2026-03-02 11:00+00', 'shop', 'lines', 'DELETE', 1)$$,
    'counts by hour, aligned to UTC');
SELECT results_eq($$SELECT sum(changes)::integer FROM changes.activity(NULL, NULL, '1 day') GROUP BY bucket_start ORDER BY bucket_start$$, ARRAY[2, 5, 1], 'or by day, of all times');
RESET timezone;
CREATE ROLE waltrail_test_nobody;
GRANT USAGE ON SCHEMA changes TO waltrail_test_nobody;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA changes TO waltrail_test_nobody;
SET LOCAL ROLE waltrail_test_nobody;
SELECT throws_ok($$SELECT changes.find(since => '2026-03-01')$$, '42501', 'permission denied for the trail', 'who may not read the trail is told so');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
