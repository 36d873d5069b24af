-- The indexes are part of the design: each answers a query and is paid at every insert.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(7);
SELECT changes.setup();

SELECT is(
    (SELECT string_agg(pg_get_indexdef(i.indexrelid), E'\n' ORDER BY i.indexrelid::regclass::text)
       FROM pg_index AS i WHERE i.indrelid = 'public.changes'::regclass),
    $$CREATE INDEX changes_after_idx ON ONLY public.changes USING gin (after jsonb_path_ops)
CREATE INDEX changes_before_idx ON ONLY public.changes USING gin (before jsonb_path_ops)
CREATE INDEX changes_context_idx ON ONLY public.changes USING gin (context jsonb_path_ops)
CREATE INDEX changes_order_idx ON ONLY public.changes USING brin (committed_at, "position", transaction_id)
CREATE UNIQUE INDEX changes_pkey ON ONLY public.changes USING btree (id, committed_at)
CREATE INDEX changes_record_idx ON ONLY public.changes USING btree ("table", primary_key, "position")$$,
    'the indexes are exactly the designed ones');
SELECT col_is_pk('public', 'changes', ARRAY['id', 'committed_at'], 'the primary key holds the partition column');

SELECT is_empty(
    $$SELECT p.partition FROM changes.partitions() AS p
       WHERE 6 <> (SELECT count(*) FROM pg_index AS i WHERE i.indrelid = p.partition AND i.indisvalid)$$,
    'each partition, the default one too, has the six indexes');
SELECT is_empty(
    $$SELECT i.indexrelid::regclass FROM changes.partitions() AS p
        JOIN pg_index AS i ON i.indrelid = p.partition
        JOIN pg_class AS c ON c.oid = i.indexrelid
        JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'gin'
       WHERE c.reloptions IS NOT NULL$$,
    'the pending lists of all partitions are as long as a writer''s session lets them be');
SELECT is_empty(
    $$SELECT i.indexrelid::regclass FROM changes.partitions() AS p
        JOIN pg_index AS i ON i.indrelid = p.partition
       WHERE NOT EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = i.indexrelid)$$,
    'each of them belongs to an index of the parent');

-- A trail of an earlier version.
SELECT lives_ok($$ALTER INDEX public.changes_default_after_idx SET (gin_pending_list_limit = 4096);
                  ALTER INDEX public.changes_default_before_idx SET (gin_pending_list_limit = 128)$$, 'indexes may have a limit of their own');
SELECT changes.setup();
SELECT is(
    (SELECT string_agg(format('%s %s', c.relname, c.reloptions), ', ') FROM pg_class AS c WHERE c.relname LIKE 'changes\_default\_%' AND c.reloptions IS NOT NULL),
    'changes_default_before_idx {gin_pending_list_limit=128}',
    'setup() takes away the one that earlier versions gave, and leaves an operator''s');

SELECT * FROM finish();
ROLLBACK;
