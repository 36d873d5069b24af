-- a line is one JSON object with the column names of the table "changes"
CREATE TABLE columns_of_a_line (id integer PRIMARY KEY, document json);
SELECT 'slot' FROM pg_create_logical_replication_slot('columns_of_a_line', 'waltrail');
BEGIN;
INSERT INTO columns_of_a_line VALUES (1, E'{"a":\n  1,\r\n "b":\t"x\\ny"}'), (2, NULL);
CREATE TEMPORARY TABLE made AS SELECT pg_current_xact_id()::text::bigint AS transaction_id, now() AS began;
COMMIT;
CREATE TEMPORARY TABLE lines AS
SELECT lsn, data, data::jsonb AS d
FROM pg_logical_slot_get_changes('columns_of_a_line', NULL, NULL, 'format', 'json');
SELECT DISTINCT key COLLATE "C" AS key FROM lines, json_object_keys(data::json) AS key ORDER BY 1;
SELECT d->>'database' = current_database() AS database, d->>'created_at' IS NULL AS created_at,
       (d->>'transaction_id')::bigint = transaction_id AS transaction_id,
       (d->>'position')::numeric = lsn - '0/0' AS position,
       (d->>'committed_at')::timestamptz BETWEEN date_trunc('second', began) AND clock_timestamp() AS committed_at,
       (d->>'queued_at')::timestamptz BETWEEN date_trunc('second', began) AND clock_timestamp() AS queued_at,
       (d->>'committed_at')::timestamptz = date_trunc('second', (d->>'committed_at')::timestamptz) AS whole_second,
       d->>'id' ~ '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' AS id
FROM lines, made;
SELECT count(DISTINCT d->>'id') FROM lines;
-- line ends in a json value do not break the line
SELECT data ~ E'[\n\r]' AS broken, d->'after' AS after FROM lines;
SELECT pg_drop_replication_slot('columns_of_a_line');
DROP TABLE columns_of_a_line, lines, made;
