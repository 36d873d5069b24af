-- What a reader of the whole trail and a reader of some tables see and may do, with hostile names and hostile questions.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SET LOCAL client_min_messages = warning;
SELECT plan(49);
SELECT changes.setup();
INSERT INTO public.changes (database, schema, "table", primary_key, operation, after, transaction_id, position)
SELECT 'd', s, t, '1', 'CREATE', jsonb_build_object('secret', s || '/' || t), 1, row_number() OVER ()
  FROM (VALUES ('public', 'users'), ('public', 'orders'), ('public', 'order_lines'), ('public', 'Orders'), ('billing', 'invoices'),
               ('billing', 'we''ird "x".y'), ('a.b', 'c'), ('a', 'b.c'), ('public', 'ordXrs'), ('secret', 'orders')) AS v (s, t);
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name) VALUES (1, 'd', 1, 1, 'd', 'd');
INSERT INTO changes.relations (source_id, relation_oid, from_position, schema, "table", leaf_schema, leaf_table, replica_identity, columns, key_columns)
SELECT 1, row_number() OVER (), 0, c.schema, c."table", c.schema, c."table", 'f', '[]', '{}' FROM public.changes AS c;
INSERT INTO changes.quarantine (id, source_id, commit_lsn, sequence, schema, "table", operation, sqlstate, error, frame)
SELECT gen_random_uuid(), 1, '0/1', c.position, c.schema, c."table", 'CREATE', '22000', '', '' FROM public.changes AS c;
CREATE ROLE waltrail_test_reader;
CREATE ROLE waltrail_test_some;
CREATE ROLE waltrail_test_other;
CREATE ROLE waltrail_test_member IN ROLE waltrail_test_some;
CREATE ROLE waltrail_test_two IN ROLE waltrail_test_some, waltrail_test_other;
CREATE ROLE waltrail_test_noinherit NOINHERIT IN ROLE waltrail_test_some;
SELECT changes.grant_reader('waltrail_test_reader');
SELECT changes.grant_reader('waltrail_test_some', ARRAY['public.ord_rs', 'public.order*', 'billing."we''ird ""x"".y"']);
SELECT changes.grant_reader('waltrail_test_other', ARRAY['"a.b".c']);
GRANT ALL ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC;  -- pgTAP's
GRANT SELECT ON ALL TABLES IN SCHEMA pg_temp TO PUBLIC;

-- The whole trail.
SET LOCAL ROLE waltrail_test_reader;
SELECT is(count(*)::integer, 10, 'a reader reads the trail') FROM public.changes;
SELECT is(count(*)::integer, 10, 'and the view') FROM changes.changes;
SELECT is(count(*)::integer, 10, 'and what tables looked like') FROM changes.relations;
SELECT lives_ok(format('SELECT * FROM changes.%I', t), 'and changes.' || t)
  FROM unnest(ARRAY['sources', 'applied', 'gaps', 'quarantine', 'settings', 'erasures', 'grants']) AS t;
SELECT lives_ok('SELECT changes.horizon(''d''), changes.retention_cutoff(), (SELECT count(*) FROM changes.partitions())', 'he asks questions');
SELECT throws_ok(s, '42501', NULL, 'a reader is refused: ' || s) FROM unnest(ARRAY[
    'INSERT INTO public.changes SELECT * FROM public.changes', 'UPDATE public.changes SET position = 1', 'DELETE FROM public.changes',
    'TRUNCATE public.changes', 'INSERT INTO changes.grants (role, kind) VALUES (current_user, ''writer'')',
    'SELECT FROM changes.permits', 'INSERT INTO changes.permits VALUES (pg_current_xact_id())', 'DELETE FROM changes.quarantine',
    'DROP TABLE public.changes', 'CREATE TABLE changes.mine (i integer)', 'ALTER TABLE public.changes DISABLE TRIGGER ALL',
    'SELECT changes.setup()', 'CALL changes.maintain()', 'SELECT changes.run_task(''premake'', ''2026-01-01'', true)',
    'SELECT changes.erase(''a'', ''b'', ''c'', ''d'')', 'SELECT changes.erase_context(''{"a": 1}'', ''b'')',
    'SELECT changes.grant_writer(current_user)', 'SELECT changes.revoke_all(''waltrail_test_some'')', 'SELECT changes.permit_changes()',
    'SELECT changes.drop_expired(''public.changes_default'')']) AS s;

-- Some tables.
SET LOCAL ROLE waltrail_test_some;
SELECT throws_ok('SELECT FROM public.changes', '42501', NULL, 'a reader of some tables has no right on the trail');
SELECT throws_ok('SELECT FROM public.changes_default', '42501', NULL, 'or a partition');
SELECT throws_ok('SELECT FROM changes.erasures', '42501', NULL, 'or what was erased');
SELECT bag_eq('SELECT "table" FROM changes.changes', ARRAY['orders', 'order_lines', 'we''ird "x".y'], 'he sees his tables in the view');
SELECT set_eq('SELECT "table" FROM changes.relations', ARRAY['orders', 'order_lines', 'we''ird "x".y'], 'and what they looked like');
SELECT set_eq('SELECT "table" FROM changes.quarantine', ARRAY['orders', 'order_lines', 'we''ird "x".y'], 'and what of them is in quarantine');
SELECT results_eq('SELECT role FROM changes.grants', ARRAY['waltrail_test_some'::name], 'and what he was granted');
SET LOCAL search_path = changes, public;
SELECT set_eq('SELECT "table" FROM "changes"', ARRAY['orders', 'order_lines', 'we''ird "x".y'], 'with a search_path, queries run unchanged');
SET LOCAL search_path = public;
-- A condition that tells what it is given sees none of the others' rows.
CREATE FUNCTION pg_temp.tells(value jsonb) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS
    $$BEGIN RAISE WARNING '%', value; RETURN value::text NOT LIKE '%users%' OR 1 / (length(value::text) - length(value::text)) > 0; END$$;
SET LOCAL client_min_messages = error;
SELECT lives_ok('SELECT * FROM changes.changes WHERE pg_temp.tells(after)', 'a condition that would fail for another''s row does not see it');
CREATE FUNCTION pg_temp.plan(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    line text;
    lines text := '';
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        lines := lines || line || E'\n';
    END LOOP;
    RETURN lines;
END
$$;
SET LOCAL enable_seqscan = off;
SELECT matches(pg_temp.plan($$SELECT * FROM changes.changes WHERE "table" = 'orders' AND primary_key = '1'$$),
    'Index Cond.*orders.*primary_key', 'table and key are found by the index');
RESET enable_seqscan;
SET LOCAL client_min_messages = warning;
RESET ROLE;

-- Membership.
SET LOCAL ROLE waltrail_test_member;
SELECT set_eq('SELECT "table" FROM changes.changes', ARRAY['orders', 'order_lines', 'we''ird "x".y'], 'a member of the reader sees the same');
SET LOCAL ROLE waltrail_test_two;
SELECT set_eq('SELECT "table" FROM changes.changes', ARRAY['orders', 'order_lines', 'we''ird "x".y', 'c'], 'a member of two, what both do');
SELECT set_eq('SELECT schema FROM changes.relations WHERE "table" = ''c''', ARRAY['a.b'], 'dots in names do not mix names up');
SET LOCAL ROLE waltrail_test_noinherit;
SELECT throws_ok('SELECT FROM changes.changes', '42501', NULL, 'one that does not inherit, nothing');
RESET ROLE;
SELECT changes.grant_reader('waltrail_test_noinherit', '{secret.*}');
SET LOCAL ROLE waltrail_test_noinherit;
SELECT set_eq('SELECT schema FROM changes.changes', ARRAY['secret'], 'and with a grant of its own only what that says');
RESET ROLE;
SELECT changes.grant_reader('waltrail_test_other');
SET LOCAL ROLE waltrail_test_two;
SELECT is(count(*)::integer, 10, 'a member of a reader of the whole trail sees it all') FROM changes.changes;
RESET ROLE;
SELECT changes.revoke_all('waltrail_test_other');
SELECT changes.revoke_all('waltrail_test_some');
SET LOCAL ROLE waltrail_test_two;
SELECT throws_ok('SELECT FROM changes.changes', '42501', NULL, 'what was taken back is gone');
RESET ROLE;
SELECT columns_are('changes', 'changes', ARRAY['id', 'database', 'schema', 'table', 'primary_key', 'operation', 'before', 'after', 'context',
    'committed_at', 'queued_at', 'created_at', 'transaction_id', 'position'], 'the view has the columns of the trail');

SELECT * FROM finish();
ROLLBACK;
