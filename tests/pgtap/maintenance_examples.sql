-- The examples that the comments of the functions about partitions, retention and holds give are commands that work, in their order, on a trail that
-- has a hold and something to drop.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(41);
SELECT changes.setup('20 days');
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name) VALUES (1, 'one', 1, 1, 'one', 's');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at) VALUES (1, '0/1', '0/2', 1, now());
SELECT changes.make_partition(tstzrange(date_trunc('day', now(), 'UTC') - interval '30 days', date_trunc('day', now(), 'UTC') - interval '29 days'));
SET search_path = public;
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
SELECT 'd', 'public', n, 'CREATE', 1, 1, now() - interval '30 days' + g * interval '1 hour' FROM generate_series(-48, 48, 24) AS g, unnest(ARRAY['orders', 'others']) AS n;

CREATE FUNCTION pg_temp.run_example(name text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    example text := substring((SELECT obj_description(p.oid) FROM pg_proc AS p
                                WHERE p.pronamespace = 'changes'::regnamespace AND p.proname = name) FROM 'Example: (.*);$');
    saved text := current_setting('search_path');
    answer text;
BEGIN
    answer := lives_ok(example, format('the example of changes.%s() works', name));
    PERFORM set_config('search_path', saved, false);
    RETURN answer;
END
$$;
SELECT pg_temp.run_example(n.name)
  FROM unnest(ARRAY['setup', 'setup_pinned', 'require_trail', 'partman', 'lock_trail', 'parse_retention', 'parse_partition_interval', 'set_retention', 'store_retention',
                    'partition_interval', 'period_start', 'partition_bounds', 'partitions', 'row_estimate', 'settling_commands', 'settle_partition',
                    'settle_partitions', 'create_hold_tables', 'comment_hold_tables', 'register_partitions', 'retention_reference', 'retention_cutoff',
                    'free_ranges', 'premake_end', 'default_ranges', 'missing_ranges', 'hold', 'active_holds', 'hold_condition',
                    'running_transactions', 'maintenance_tasks', 'sealable_partitions', 'vacuum_commands', 'record_seal', 'clean_pending', 'expired_partitions']) AS n (name);
SELECT isnt_empty('SELECT FROM changes.holds', 'they have left a hold');
SELECT pg_temp.run_example(n.name)
  FROM unnest(ARRAY['hold_rows', 'record_drop', 'drop_expired_rows', 'drop_expired']) AS n (name);
RESET search_path;
SELECT * FROM finish();
ROLLBACK;
