-- option exclude_oids: changes of these tables and of what is below them are as if they had not been, transactions of nothing
-- else are not sent; a table of the same name elsewhere is recorded
CREATE SCHEMA exclude_oids;
CREATE TABLE own_changes (id integer, day integer) PARTITION BY RANGE (day);
CREATE TABLE own_changes_1 PARTITION OF own_changes FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (day);
CREATE TABLE own_changes_1_1 PARTITION OF own_changes_1 FOR VALUES FROM (0) TO (5);
CREATE TABLE own_progress (id integer PRIMARY KEY);
CREATE TABLE exclude_oids.own_changes (id integer PRIMARY KEY);
SELECT 'slot' FROM pg_create_logical_replication_slot('exclude_oids', 'waltrail');
INSERT INTO own_changes VALUES (1, 1);
UPDATE own_changes SET id = 2;
BEGIN;
INSERT INTO own_changes VALUES (3, 1);
INSERT INTO own_progress VALUES (3);
COMMIT;
INSERT INTO exclude_oids.own_changes VALUES (4);
TRUNCATE own_changes;
-- a partition made later
CREATE TABLE own_changes_2 PARTITION OF own_changes FOR VALUES FROM (10) TO (20);
INSERT INTO own_changes VALUES (5, 11);
TRUNCATE own_changes_2;
SELECT format('%s,%s', 'own_changes'::regclass::oid, 'own_progress'::regclass::oid) AS own \gset
SELECT d->>'schema' AS schema, d->>'table' AS "table", d->>'operation' AS operation, d->'after' AS after
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_peek_changes('exclude_oids', NULL, NULL, 'format', 'json', 'exclude_oids', :'own')) AS changes;
-- one transaction is sent, in one frame; without the option there are seven
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('exclude_oids', NULL, NULL, 'exclude_oids', :'own');
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('exclude_oids', NULL, NULL);
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('exclude_oids', NULL, NULL, 'exclude_oids', ' 4294967295 , 1');
SELECT count(*) FROM pg_logical_slot_peek_binary_changes('exclude_oids', NULL, NULL, 'exclude_oids', '');
-- once detached, a partition is an ordinary table
ALTER TABLE own_changes DETACH PARTITION own_changes_2;
INSERT INTO own_changes_2 VALUES (6, 12);
SELECT data::jsonb->>'table' AS "table", data::jsonb->'after' AS after
FROM pg_logical_slot_peek_changes('exclude_oids', NULL, NULL, 'format', 'json', 'exclude_oids', :'own');
SELECT pg_drop_replication_slot('exclude_oids');
DROP TABLE own_changes, own_changes_2, own_progress;
DROP SCHEMA exclude_oids CASCADE;
