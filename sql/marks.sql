-- json that jsonb cannot hold is kept as a string of its text, and the context says which columns
CREATE TABLE marks (id integer PRIMARY KEY, doc json, list json[], note text);
ALTER TABLE marks REPLICA IDENTITY FULL;
SELECT 'slot' FROM pg_create_logical_replication_slot('marks', 'waltrail');
INSERT INTO marks VALUES (1, '{"a": 1}', NULL, 'held'), (2, '{"a": "\u0000"}', NULL, 'zero'), (3, '"\ud800"', '{1,1e999999}', 'lone surrogate');
BEGIN;
SELECT 'message' FROM pg_logical_emit_message(true, 'waltrail', '{"user": 7, "_waltrail": {"json_as_text": ["note"]}}');
UPDATE marks SET doc = '1e400000';
DELETE FROM marks;
COMMIT;
SELECT d->>'operation' AS operation, d->>'primary_key' AS key, d->'before'->'doc' AS before, d->'after'->'doc' AS after,
       coalesce(d->'after'->'list', d->'before'->'list') AS list, d->'context' AS context
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('marks', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('marks');
DROP TABLE marks;
