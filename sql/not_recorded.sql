-- neither system tables, nor temporary and unlogged ones, nor materialized views; positions of the others are not disturbed
CREATE TABLE recorded (id integer PRIMARY KEY);
CREATE UNLOGGED TABLE unlogged (id integer);
CREATE MATERIALIZED VIEW copied AS SELECT id FROM recorded;
CREATE UNIQUE INDEX ON copied (id);
SELECT 'slot' FROM pg_create_logical_replication_slot('not_recorded', 'waltrail');
BEGIN;
CREATE TEMPORARY TABLE temporary (id integer);
INSERT INTO temporary VALUES (1);
INSERT INTO unlogged VALUES (1);
INSERT INTO recorded VALUES (1), (2);
COMMIT;
REFRESH MATERIALIZED VIEW CONCURRENTLY copied;
REFRESH MATERIALIZED VIEW copied;
COMMENT ON TABLE recorded IS 'a change of the catalogs';
CREATE TABLE made_as AS SELECT id FROM recorded;
VACUUM FULL recorded;
CREATE SEQUENCE counter;
SELECT nextval('counter');
SELECT d->>'table' AS "table", d->>'operation' AS operation, d->'after' AS after
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('not_recorded', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('not_recorded');
DROP MATERIALIZED VIEW copied;
DROP SEQUENCE counter;
DROP TABLE recorded, unlogged, made_as, temporary;
