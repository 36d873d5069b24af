-- what is unlogged itself may lead to tables that are not; needs the library in shared_preload_libraries
-- from PostgreSQL 18 on a partitioned table cannot be
DO $$
BEGIN
    CREATE UNLOGGED TABLE unlogged_root (id integer, note text) PARTITION BY RANGE (id);
EXCEPTION WHEN feature_not_supported THEN
    CREATE TABLE unlogged_root (id integer, note text) PARTITION BY RANGE (id);
END $$;
CREATE TABLE unlogged_low PARTITION OF unlogged_root FOR VALUES FROM (0) TO (100);
CREATE UNLOGGED TABLE unlogged_high PARTITION OF unlogged_root FOR VALUES FROM (100) TO (200);
CREATE UNLOGGED TABLE unlogged_parent (id integer, note text);
CREATE TABLE unlogged_child () INHERITS (unlogged_parent);
ALTER TABLE unlogged_low REPLICA IDENTITY FULL;
ALTER TABLE unlogged_child REPLICA IDENTITY FULL;
SELECT 'slot' FROM pg_create_logical_replication_slot('unlogged', 'waltrail');
INSERT INTO unlogged_root VALUES (1), (2), (101) /*Bemi {"is": "insert"} Bemi*/;
COPY unlogged_root (id) FROM STDIN /*Bemi {"is": "copy"} Bemi*/;
3
102
\.
UPDATE unlogged_root SET note = 'u' WHERE id = 1 /*Bemi {"is": "update"} Bemi*/;
UPDATE unlogged_root SET id = 4 WHERE id = 101 /*Bemi {"is": "moved in"} Bemi*/;
MERGE INTO unlogged_root USING (VALUES (5)) AS v (id) ON unlogged_root.id = v.id WHEN NOT MATCHED THEN INSERT VALUES (v.id) /*Bemi {"is": "merge"} Bemi*/;
DELETE FROM unlogged_root WHERE id = 2 /*Bemi {"is": "delete"} Bemi*/;
INSERT INTO unlogged_child VALUES (1), (2) /*Bemi {"is": "child"} Bemi*/;
UPDATE unlogged_parent SET note = 'u' WHERE id = 1 /*Bemi {"is": "update of the parent"} Bemi*/;
DELETE FROM unlogged_parent WHERE id = 2 /*Bemi {"is": "delete in the parent"} Bemi*/;
TRUNCATE unlogged_root /*Bemi {"is": "truncate of the root"} Bemi*/;
TRUNCATE unlogged_parent /*Bemi {"is": "truncate of the parent"} Bemi*/;
-- of a root that is logged TRUNCATE says its own name
SELECT d->>'operation' AS operation, replace(d->>'table', 'root', CASE d->>'operation' WHEN 'TRUNCATE' THEN 'low' ELSE 'root' END) AS "table", coalesce(d->'after'->>'id', d->'before'->>'id') AS id, d->'context' AS context
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('unlogged', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('unlogged');
DROP TABLE unlogged_root, unlogged_parent, unlogged_child;
