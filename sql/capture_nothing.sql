-- a statement that changes nothing takes no transaction id and writes no message; needs the library in shared_preload_libraries
SET waltrail.capture_actor = on;
SET waltrail.context = '{"a": 1}';
CREATE TABLE nothing (id integer PRIMARY KEY, note text);
CREATE TABLE nothing_parts (id integer PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE nothing_low PARTITION OF nothing_parts FOR VALUES FROM (0) TO (100);
CREATE TEMPORARY TABLE nothing_temporary (id integer PRIMARY KEY);
CREATE UNLOGGED TABLE nothing_unlogged (id integer PRIMARY KEY);
INSERT INTO nothing VALUES (1, 'a');
INSERT INTO nothing_parts VALUES (1);
CREATE TRIGGER same BEFORE UPDATE ON nothing FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
SELECT 'slot' FROM pg_create_logical_replication_slot('nothing', 'test_decoding');
BEGIN;
SELECT count(*) FROM nothing;
UPDATE nothing SET note = 'b' WHERE id = -1;
DELETE FROM nothing WHERE id = -1;
INSERT INTO nothing SELECT 2 WHERE false;
INSERT INTO nothing VALUES (1) ON CONFLICT DO NOTHING;
MERGE INTO nothing USING (VALUES (9)) AS v (id) ON nothing.id = v.id WHEN MATCHED THEN DELETE;
WITH none AS (DELETE FROM nothing WHERE id = -1 RETURNING id) SELECT count(*) FROM none;
COPY nothing FROM STDIN;
\.
COPY (SELECT 1) TO STDOUT;
INSERT INTO nothing_parts SELECT 2 WHERE false;
UPDATE nothing_parts SET id = 2 WHERE id = -1;
EXPLAIN (COSTS OFF) INSERT INTO nothing VALUES (3);
CREATE TABLE IF NOT EXISTS nothing AS SELECT 1;
DO $$ BEGIN UPDATE nothing SET note = 'b' WHERE id = -1; END $$;
PREPARE nothing_prepared AS UPDATE nothing SET note = 'b' WHERE id = $1;
EXECUTE nothing_prepared(-1);
DECLARE nothing_cursor CURSOR FOR SELECT * FROM nothing FOR KEY SHARE;
SELECT pg_current_xact_id_if_assigned() IS NULL AS nothing;
COMMIT;
-- an id, and no message, for tables that are not decoded
INSERT INTO nothing_temporary VALUES (1);
INSERT INTO nothing_unlogged VALUES (1);
COPY nothing_unlogged FROM STDIN;
2
\.
TRUNCATE nothing_temporary, nothing_unlogged;
CREATE TEMPORARY TABLE nothing_made AS SELECT 1 AS id;
CREATE TABLE pg_temp.nothing_too AS SELECT 1 AS id;
SELECT 1 AS id INTO TEMPORARY nothing_into;
CREATE VIEW nothing_view AS SELECT * FROM nothing_temporary;
CREATE TABLE nothing_empty ();
ALTER TABLE nothing_unlogged ADD COLUMN more integer DEFAULT 1;
SELECT data FROM pg_logical_slot_get_changes('nothing', NULL, NULL, 'skip-empty-xacts', '1');
-- a row that came and is not written is taken for a change: dropped by a trigger, without an action, on its way to a partition
UPDATE nothing SET note = note;
MERGE INTO nothing USING (VALUES (1)) AS v (id) ON nothing.id = v.id WHEN MATCHED THEN DO NOTHING;
INSERT INTO nothing VALUES (1, 'a') ON CONFLICT (id) DO UPDATE SET note = 'x' WHERE false;
INSERT INTO nothing_parts VALUES (1) ON CONFLICT DO NOTHING;
COPY nothing_parts FROM STDIN;
\.
SELECT count(*) FILTER (WHERE substr(data, 1, 8) = 'message:') AS messages, count(*) FILTER (WHERE substr(data, 1, 6) = 'table ') AS changes
FROM pg_logical_slot_get_binary_changes('nothing', NULL, NULL, 'force-binary', '1');
-- one message for a transaction that says the same all along, and for a statement with many rows
BEGIN;
INSERT INTO nothing SELECT i FROM generate_series(10, 1010) AS i;
DELETE FROM nothing WHERE id > 10;
INSERT INTO nothing_parts VALUES (10);
COMMIT;
SELECT count(*) FILTER (WHERE substr(data, 1, 8) = 'message:') AS messages, count(*) AS changes
FROM pg_logical_slot_get_binary_changes('nothing', NULL, NULL, 'include-xids', '0', 'skip-empty-xacts', '1', 'force-binary', '1');
SELECT pg_drop_replication_slot('nothing');
DROP VIEW nothing_view;
DROP TABLE nothing, nothing_parts, nothing_unlogged, nothing_empty;
DEALLOCATE ALL;
