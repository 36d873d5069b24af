-- a message is the context of the changes that follow it in its transaction, until the next one
CREATE TABLE context (id integer PRIMARY KEY);
SELECT 'slot' FROM pg_create_logical_replication_slot('context', 'waltrail');
CREATE FUNCTION pg_temp.say(content text, prefix text DEFAULT 'waltrail', transactional boolean DEFAULT true) RETURNS void
LANGUAGE sql AS $$ SELECT pg_logical_emit_message(transactional, prefix, content) $$;
BEGIN;
INSERT INTO context VALUES (1);
SELECT pg_temp.say('{"user": 1}');
INSERT INTO context VALUES (2), (3);
SELECT pg_temp.say(E' {"user":\n 2} ', '_bemi');
INSERT INTO context VALUES (4);
-- not ours, or not of the transaction
SELECT pg_temp.say('{"user": "other"}', 'other');
SELECT pg_temp.say('{"user": "not transactional"}', 'waltrail', false);
INSERT INTO context VALUES (5);
-- an empty message ends it
SELECT pg_temp.say('');
INSERT INTO context VALUES (6);
SELECT pg_temp.say('{"nobody": "follows"}');
COMMIT;
INSERT INTO context VALUES (7);
-- what is not a JSON object is kept as text
BEGIN;
SELECT pg_temp.say('plain "text" \');
INSERT INTO context VALUES (8);
SELECT pg_temp.say('[1, 2]');
INSERT INTO context VALUES (9);
SELECT pg_temp.say('{"a": 1');
INSERT INTO context VALUES (10);
SELECT pg_temp.say('{} x');
INSERT INTO context VALUES (11);
SELECT pg_temp.say(repeat('{"a":', 100000));
INSERT INTO context VALUES (12);
SELECT pg_temp.say('{"a": "' || repeat('[', 1000) || '"}');
INSERT INTO context VALUES (13);
SELECT 'message' FROM pg_logical_emit_message(true, 'waltrail', '\xff00'::bytea);
INSERT INTO context VALUES (14);
-- nor is more than 1 MiB kept, which would be stored with each row
SELECT pg_temp.say('{"a": "' || repeat('x', 1048576) || '"}');
INSERT INTO context VALUES (15);
SELECT pg_temp.say('{"a": "' || repeat('x', 1048567) || '"}');
INSERT INTO context VALUES (16);
COMMIT;
SELECT d->'after'->>'id' AS id, left(d->>'context', 60) AS context, length(d->>'context') AS length
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('context', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('context');
DROP TABLE context;
