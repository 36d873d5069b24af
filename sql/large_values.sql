-- rows of several MB, in text and in fragments of binary
CREATE TABLE large_values (id integer PRIMARY KEY, long text, bytes bytea, list text[], document jsonb);
ALTER TABLE large_values REPLICA IDENTITY FULL;
SELECT 'slot' FROM pg_create_logical_replication_slot('large_values', 'waltrail');
INSERT INTO large_values
SELECT 1, repeat('0123456789', 500000), decode(repeat('00ff', 1500000), 'hex'), array_fill(repeat('x', 1000), ARRAY[3000]),
       jsonb_build_object('k', repeat('v', 3000000));
UPDATE large_values SET id = 2;
SELECT d->>'operation' AS operation, d->'after' = to_jsonb(t) - 'id' || jsonb_build_object('id', d->'after'->'id') AS after,
       d->>'operation' = 'CREATE' OR d->'before' = to_jsonb(t) - 'id' || '{"id": 1}' AS before
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_peek_changes('large_values', NULL, NULL, 'format', 'json')) AS changes, large_values AS t;
-- no message is much longer than a fragment; the update repeats nothing
SELECT count(*) > 10 AS fragments, max(length(data)) <= 1024 * 1024 + 24 AS short, sum(length(data)) / 1000000 AS megabytes
FROM pg_logical_slot_get_binary_changes('large_values', NULL, NULL);
SELECT pg_drop_replication_slot('large_values');
DROP TABLE large_values;
