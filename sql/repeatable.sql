-- the same WAL decodes to the same changes, ids included
CREATE TABLE repeatable (id integer PRIMARY KEY, name text);
SELECT 'slot' FROM pg_create_logical_replication_slot('repeatable', 'waltrail');
INSERT INTO repeatable SELECT i, 'row ' || i FROM generate_series(1, 1000) AS i;
UPDATE repeatable SET name = 'other' WHERE id % 2 = 0;
CREATE TEMPORARY TABLE first AS
SELECT data::jsonb - 'queued_at' AS d FROM pg_logical_slot_peek_changes('repeatable', NULL, NULL, 'format', 'json');
CREATE TEMPORARY TABLE second AS
SELECT data::jsonb - 'queued_at' AS d FROM pg_logical_slot_get_changes('repeatable', NULL, NULL, 'format', 'json');
SELECT count(*), count(DISTINCT d->>'id') FROM first;
SELECT count(*) FROM (TABLE first EXCEPT TABLE second) AS missing;
SELECT count(*) FROM pg_logical_slot_get_changes('repeatable', NULL, NULL, 'format', 'json');
SELECT pg_drop_replication_slot('repeatable');
DROP TABLE repeatable, first, second;
