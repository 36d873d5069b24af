-- Whom a partition waits for before it is dropped is known by its oid and its name: after a restore, an oid is another table's.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SET LOCAL client_min_messages = error;
SELECT plan(5);
SELECT changes.setup();
SELECT p.partition AS waiting, p.partition::oid AS oid FROM changes.partition_bounds() AS p WHERE NOT p.is_default ORDER BY p.lower_bound LIMIT 1 \gset
INSERT INTO changes.moves (partition, name, awaited)
VALUES (1, 'public.gone', '{9/9}'), ('changes.held'::regclass, 'public.restored', '{9/9}'), (:oid, 'public.another', '{9/9}');
SELECT ok(changes.is_move_seen(:'waiting'), 'nobody is awaited but those of this database');
SELECT results_eq('SELECT partition, name FROM changes.moves', format($$VALUES (%s::oid, %L)$$, :oid, 'public.' || :'waiting'), 'lists of others are gone');
SELECT isnt(awaited, '{9/9}', 'and none of them was taken over') FROM changes.moves;
UPDATE changes.moves SET awaited = '{9/9}';
SELECT ok(changes.is_move_seen(:'waiting'), 'asked again');
SELECT is(awaited, '{9/9}', 'its own list stays') FROM changes.moves;
SELECT * FROM finish();
ROLLBACK;
