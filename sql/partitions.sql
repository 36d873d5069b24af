-- rows of a partition are named by the topmost table, whatever the partition looks like
CREATE SCHEMA partition_schema;
CREATE TABLE partition_root (id integer, region text, note text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE partition_schema.middle PARTITION OF partition_root FOR VALUES IN ('a') PARTITION BY RANGE (id);
CREATE TABLE partition_schema.leaf PARTITION OF partition_schema.middle FOR VALUES FROM (0) TO (100);
CREATE TABLE partition_other (note text, dropped text, region text NOT NULL, id integer NOT NULL, PRIMARY KEY (region, id));
ALTER TABLE partition_other DROP COLUMN dropped;
ALTER TABLE partition_root ATTACH PARTITION partition_other FOR VALUES IN ('b');
SELECT 'slot' FROM pg_create_logical_replication_slot('partitions', 'waltrail');
INSERT INTO partition_root VALUES (1, 'a', 'in leaf'), (2, 'b', 'in other');
-- a move is a DELETE and an INSERT
UPDATE partition_root SET region = 'b' WHERE id = 1;
INSERT INTO partition_schema.leaf VALUES (3, 'a', 'by name');
-- once detached, a partition has its own name; the root's name is read anew
BEGIN;
ALTER TABLE partition_root DETACH PARTITION partition_other;
INSERT INTO partition_other VALUES ('alone', 'b', 4);
ALTER TABLE partition_root RENAME TO partition_renamed;
INSERT INTO partition_schema.leaf VALUES (5, 'a', 'renamed');
COMMIT;
SELECT d->>'schema' AS schema, d->>'table' AS "table", d->>'operation' AS operation, d->>'primary_key' AS key,
       d->'before' AS before, d->'after' AS after
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('partitions', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('partitions');
DROP TABLE partition_renamed, partition_other;
DROP SCHEMA partition_schema;
