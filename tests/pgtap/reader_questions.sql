-- Whoever may read the trail gets an answer to every question, and the one that is his: a reader of it all, and a reader of some tables.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SET LOCAL client_min_messages = error;
SELECT plan(56);
SELECT changes.setup('30 days');
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name, registered_at)
VALUES (1, 'd', 1, 1, 'd', 'd', now() - interval '4 days');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at, source_time) VALUES (1, '0/1', '0/9', 1, now(), now() + interval '1 hour');
INSERT INTO changes.relations (source_id, relation_oid, from_position, schema, "table", leaf_schema, leaf_table, replica_identity, columns, key_columns)
SELECT 1, o, 0, 'public', t, 'public', t, 'f', '[{"name": "id", "type": "integer", "type_oid": 23, "identity": true, "generated": false, "masked": false}]', '{id}'
  FROM (VALUES (1, 'orders'), (2, 'users')) AS v (o, t);
INSERT INTO public.changes (database, schema, "table", primary_key, operation, after, transaction_id, position, committed_at)
SELECT 'd', 'public', t, k::text, 'CREATE', jsonb_build_object('id', k), 7, k, date_trunc('second', now()) - interval '1 hour'
  FROM (VALUES ('orders', 1), ('orders', 2), ('users', 3)) AS v (t, k);
-- One of them waits in the default partition.
INSERT INTO public.changes (database, schema, "table", primary_key, operation, after, transaction_id, position, committed_at)
VALUES ('d', 'public', 'users', '4', 'CREATE', '{"id": 4}', 8, 4, '2999-01-01');
CREATE ROLE waltrail_test_reader;
CREATE ROLE waltrail_test_some;
SELECT changes.grant_reader('waltrail_test_reader');
SELECT changes.grant_reader('waltrail_test_some', '{public.orders}');
GRANT ALL ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC;  -- pgTAP's
GRANT SELECT ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;
CREATE TEMPORARY TABLE owners_health AS SELECT h."check", h.status FROM changes.health() AS h;
CREATE TEMPORARY TABLE owners_partitions AS SELECT * FROM changes.partitions();
GRANT SELECT ON pg_temp.owners_health, pg_temp.owners_partitions TO PUBLIC;
SELECT is(status, 'warning', 'a row is in the default partition') FROM pg_temp.owners_health WHERE "check" = 'default partition';
SELECT is(changes.default_rows(100), 1::bigint, 'one');

CREATE FUNCTION pg_temp.answers(who text, all_keys text[], is_whole boolean) RETURNS SETOF text LANGUAGE sql AS $$
    SELECT lives_ok(q, who || ': ' || q) FROM unnest(ARRAY[
        'SELECT * FROM changes.lag()', 'SELECT * FROM changes.partition_bounds()', 'SELECT * FROM changes.sealable_partitions()',
        'SELECT changes.horizon(''d''), changes.horizon_time(''d''), changes.retention_cutoff()']) AS q
    UNION ALL SELECT set_eq('SELECT primary_key::text FROM changes.find(database => ''d'')', all_keys, who || ': find()')
    UNION ALL SELECT set_eq('SELECT primary_key::text FROM changes.history(''orders'', ''1'')', ARRAY['1'], who || ': history()')
    UNION ALL SELECT set_eq('SELECT primary_key FROM changes.as_of(''orders'', now() - interval ''1 minute'')', ARRAY['1', '2'], who || ': as_of() of a table')
    UNION ALL SELECT set_eq('SELECT primary_key FROM changes.as_of(''orders'', ''2'', now() - interval ''1 minute'')', ARRAY['2'], who || ': as_of() of a record')
    UNION ALL SELECT set_eq('SELECT a."table" FROM changes.activity() AS a', CASE WHEN is_whole THEN ARRAY['orders', 'users'] ELSE ARRAY['orders'] END,
                            who || ': activity()')
    UNION ALL SELECT set_eq('SELECT partition, is_sealed FROM changes.partitions()', 'SELECT partition, is_sealed FROM pg_temp.owners_partitions',
                            who || ': partitions(), as the owner sees them')
    UNION ALL SELECT set_eq('SELECT "check", status FROM changes.health()',
                            'SELECT "check", status FROM pg_temp.owners_health' || CASE WHEN is_whole THEN '' ELSE ' WHERE "check" <> ''default partition''' END,
                            who || ': health(), but for what he may not see')
$$;
SET LOCAL ROLE waltrail_test_reader;
SELECT pg_temp.answers('a reader', ARRAY['1', '2', '3', '4'], true);
SELECT set_eq('SELECT primary_key::text, diff #>> ''{id,new}'' FROM changes.differences', $$VALUES ('1', '1'), ('2', '2'), ('3', '3'), ('4', '4')$$, 'and differences');
SELECT lives_ok('SELECT changes.revert_sql(transaction_id => 7)', 'and revert_sql()');
SET LOCAL ROLE waltrail_test_some;
SELECT pg_temp.answers('a reader of some tables', ARRAY['1', '2'], false);
SELECT set_eq('SELECT primary_key::text, diff #>> ''{id,new}'' FROM changes.granted_differences', $$VALUES ('1', '1'), ('2', '2')$$, 'and differences');
SELECT throws_ok('SELECT FROM changes.differences', '42501', NULL, 'but not those of all tables');
SELECT throws_like('SELECT FROM changes.find("table" => ''users'')', '%knows no table "users"', 'of another table there is nothing');
RESET ROLE;

-- Rows that a hold has kept are answered from, too.
SET LOCAL session_replication_role = replica;
WITH gone AS (DELETE FROM public.changes AS c WHERE c.primary_key = '1' RETURNING c.*) INSERT INTO changes.held SELECT * FROM gone;
RESET session_replication_role;
SET LOCAL ROLE waltrail_test_reader;
SELECT pg_temp.answers('with held rows, a reader', ARRAY['1', '2', '3', '4'], true);
SET LOCAL ROLE waltrail_test_some;
SELECT pg_temp.answers('with held rows, a reader of some tables', ARRAY['1', '2'], false);
RESET ROLE;

-- Rows are counted where there is no partition, wherever that is.
CREATE FUNCTION pg_temp.counted() RETURNS boolean LANGUAGE sql AS
    'SELECT changes.default_rows(1000) = (SELECT count(*) FROM ONLY public.changes_default)';
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
SELECT 'd', 's', 't', 'CREATE', 9, 9, v.at
  FROM (SELECT 'infinity'::timestamptz UNION ALL SELECT '-infinity' UNION ALL SELECT '1970-01-01' UNION ALL SELECT '2998-12-31 23:59:59+00'
        UNION ALL SELECT p.upper_bound FROM changes.partition_bounds() AS p WHERE NOT p.is_default
        UNION ALL SELECT p.upper_bound - interval '1 second' FROM changes.partition_bounds() AS p WHERE NOT p.is_default) AS v (at);
SELECT ok(pg_temp.counted(), 'before, after and between');
DO $$
BEGIN
    EXECUTE format('DROP TABLE %s', (SELECT p.partition FROM changes.partition_bounds() AS p WHERE p.lower_bound > now() ORDER BY p.lower_bound LIMIT 1));
END
$$;
SELECT ok(pg_temp.counted(), 'and in a hole');
DO $$
BEGIN
    EXECUTE (SELECT 'DROP TABLE ' || string_agg(p.partition::text, ', ') FROM changes.partition_bounds() AS p WHERE NOT p.is_default);
END
$$;
SELECT ok(pg_temp.counted(), 'nothing but the default partition');
SELECT is(changes.default_rows(2), 2::bigint, 'no more than enough');
DROP TABLE public.changes_default;
SELECT is(changes.default_rows(2), NULL, 'nothing at all');
SELECT * FROM finish();
ROLLBACK;
