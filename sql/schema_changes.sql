-- every change has the shape, the names and the types of the moment it was made
CREATE TABLE shape (id integer PRIMARY KEY, note text);
SELECT 'slot' FROM pg_create_logical_replication_slot('schema_changes', 'waltrail');
INSERT INTO shape VALUES (1, 'a');
ALTER TABLE shape ADD COLUMN added integer DEFAULT 7;
UPDATE shape SET note = 'b';
BEGIN;
INSERT INTO shape VALUES (2, 'c', 8);
ALTER TABLE shape RENAME COLUMN note TO remark;
INSERT INTO shape VALUES (3, 'd', 9);
ALTER TABLE shape ALTER COLUMN added TYPE text USING 'n' || added;
INSERT INTO shape VALUES (4, 'e', 'ten');
ALTER TABLE shape DROP COLUMN remark;
INSERT INTO shape VALUES (5, 'eleven');
ALTER TABLE shape RENAME TO shape_renamed;
INSERT INTO shape_renamed VALUES (6, 'twelve');
COMMIT;
CREATE SCHEMA shape_schema;
ALTER TABLE shape_renamed SET SCHEMA shape_schema;
INSERT INTO shape_schema.shape_renamed VALUES (7, 'thirteen');
ALTER SCHEMA shape_schema RENAME TO shape_schema_renamed;
INSERT INTO shape_schema_renamed.shape_renamed VALUES (8, 'fourteen');
ALTER TABLE shape_schema_renamed.shape_renamed REPLICA IDENTITY FULL;
UPDATE shape_schema_renamed.shape_renamed SET added = 'last' WHERE id = 8;
ALTER TABLE shape_schema_renamed.shape_renamed DROP CONSTRAINT shape_pkey;
DELETE FROM shape_schema_renamed.shape_renamed WHERE id > 6;
-- dropped and made again under the same name
CREATE TABLE shape (other boolean);
INSERT INTO shape VALUES (true);
DROP TABLE shape;
SELECT d->>'schema' AS schema, d->>'table' AS "table", d->>'operation' AS operation, d->>'primary_key' AS key,
       d->'before' AS before, d->'after' AS after
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('schema_changes', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('schema_changes');
DROP TABLE shape_schema_renamed.shape_renamed;
DROP SCHEMA shape_schema_renamed;
