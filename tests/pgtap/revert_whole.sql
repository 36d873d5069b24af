-- A script that would take back half of what was done is refused: what the trail no longer has of it, or never told this reader, is missing in it.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(19);
\ir made/shop.sql
SET LOCAL client_min_messages = error;
\ir made/refusal.sql

-- Erased values.
SELECT pg_temp.change('2026-03-06 10:00+00', 500, 'users', 'DELETE', '{"id": 1, "name": "a", "email": "a@x"}', '{}');
SELECT pg_temp.change('2026-03-06 10:01+00', 510, 'users', 'UPDATE', '{"id": 2, "name": "b", "email": "b@x"}', '{"id": 2, "name": "b", "email": "B@x"}');
SELECT pg_temp.change('2026-03-06 10:02+00', 520, 'users', 'CREATE', '{}', '{"id": 3, "name": "c", "email": "c@x"}');
SELECT is(pg_temp.refusal('transaction_id => 50'), 'none', 'a DELETE can be reverted');
SELECT changes.erase('public', 'users', '1', 'asked to', ARRAY['email']);
SELECT changes.erase('public', 'users', '2', 'asked to', ARRAY['email']);
SELECT is(pg_temp.refusal('transaction_id => 50'), 'erased values: ID.', 'but not into a row of NULLs');
SELECT is(pg_temp.refusal('transaction_id => 51'), 'erased values: ID.', 'nor is an UPDATE of an erased column one that changed nothing');
SELECT is(pg_temp.refusal('transaction_id => 52'), 'none', 'records of others can');

-- What is dropped of a transaction.
INSERT INTO changes.drops (partition, lower_bound, upper_bound, rows, held, retention) VALUES ('changes_p1', '2026-03-05 00:00+00', '2026-03-06 10:02+00', 5, 1, '30 days');
SELECT is(pg_temp.refusal('transaction_id => 52'), 'none', 'what comes after a dropped partition is whole');
INSERT INTO changes.drops (partition, lower_bound, upper_bound, rows, held, retention) VALUES ('changes_default', '2026-03-06 10:02+00', '2026-03-06 10:02:01+00', 5, 1, '30 days');
SELECT is(pg_temp.refusal('transaction_id => 52'), 'the retention has dropped changes committed between 2026-03-06 10:02:00+00 and 2026-03-06 10:02:01+00.', 'held rows of what was dropped are not');
SELECT is(pg_temp.refusal(format('change_id => %L', pg_temp.id_at('2026-03-06 10:02+00', 'shop520'))), 'none', 'one of them by its id can be reverted');

-- What is erased of it.
SELECT pg_temp.change('2026-03-07 10:00+00', 600, 'users', 'CREATE', '{}', '{"id": 5, "name": "e", "email": null}');
SELECT pg_temp.change('2026-03-07 10:00+00', 601, 'users', 'CREATE', '{}', '{"id": 6, "name": "f", "email": null}');
SELECT pg_temp.change('2026-03-07 10:00+00', 605, 'users', 'CREATE', '{}', '{"id": 6, "name": "f", "email": null}', database => 'other');
SELECT is(pg_temp.refusal($$transaction_id => 60, database => 'shop'$$), 'none', 'a whole transaction');
SELECT changes.erase('public', 'users', '5', 'asked to', database => 'shop');
SELECT is(pg_temp.refusal($$transaction_id => 60, database => 'shop'$$), 'changes of table public.users were erased since, which may have been among them.', 'of which a record was erased');
SELECT is(pg_temp.refusal($$transaction_id => 60, database => 'other'$$), 'what its table looked like is not known: ID.', 'that of another source is not reproached with it');
SELECT is(pg_temp.refusal(format('change_id => %L', pg_temp.id_at('2026-03-07 10:00+00', 'shop601'))), 'none', 'nor one change by its id');
SELECT pg_temp.change(date_trunc('second', now()) + interval '1 minute', 700, 'users', 'CREATE', '{}', '{"id": 9, "name": "i", "email": null}');
SELECT is(pg_temp.refusal('transaction_id => 70'), 'none', 'nor what was done after the erasure');

-- A partition that was truncated by itself has a name of its own.
SELECT pg_temp.shape('logs', '{id}', pg_temp.columns('id', 'integer'), leaf => 'logs_1');
SELECT pg_temp.change(date_trunc('second', now()) + interval '2 minutes', 800, 'logs_1', 'TRUNCATE', '{}', '{}');
SELECT is(pg_temp.refusal('transaction_id => 80'), 'a TRUNCATE, whose rows are not known: ID.', 'the TRUNCATE of a partition is told as such');
SELECT results_eq($$SELECT operation, position FROM changes.find("table" => 'logs_1')$$, $$VALUES ('TRUNCATE', 800::bigint)$$, 'and is found by the name of the partition');
SELECT is_empty($$SELECT changes.find("table" => 'logs_1', schema => 'public', database => 'shop', operation => 'DELETE')$$, 'under which there is nothing else');
SELECT throws_ok($$SELECT changes.find("table" => 'logs_2')$$, '42P01', NULL, 'an unknown name stays one');
SELECT throws_ok($$SELECT changes.find("table" => 'logs_1', schema => 'other')$$, '42P01', NULL, 'also in another schema');

-- A reader of some tables cannot know what else there was.
CREATE ROLE waltrail_some_reader;
SELECT changes.grant_reader('waltrail_some_reader', tables => ARRAY['public.users']);
GRANT ALL ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC;  -- pgTAP's
SET LOCAL ROLE waltrail_some_reader;
SELECT is(pg_temp.refusal('transaction_id => 70'), 'you may read some tables only, and not what was done to others.', 'a reader of some tables reverts no transaction');
SELECT is(pg_temp.refusal(format('change_id => %L', pg_temp.id_at('2026-03-06 10:02+00', 'shop520'))), 'none', 'but one change of his tables');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
