-- what a savepoint or a transaction rolled back never was
CREATE TABLE savepoints (id integer PRIMARY KEY);
SELECT 'slot' FROM pg_create_logical_replication_slot('savepoints', 'waltrail');
BEGIN;
INSERT INTO savepoints VALUES (1);
SAVEPOINT a;
INSERT INTO savepoints VALUES (2);
SELECT 'message' FROM pg_logical_emit_message(true, 'waltrail', '{"lost": true}');
SAVEPOINT b;
INSERT INTO savepoints VALUES (3);
ROLLBACK TO a;
INSERT INTO savepoints VALUES (4);
SAVEPOINT c;
INSERT INTO savepoints VALUES (5);
RELEASE c;
COMMIT;
BEGIN;
INSERT INTO savepoints VALUES (6);
ROLLBACK;
INSERT INTO savepoints VALUES (1) ON CONFLICT DO NOTHING;
INSERT INTO savepoints VALUES (7) ON CONFLICT DO NOTHING;
SELECT d->>'operation' AS operation, d->'after' AS after, d->'context' AS context
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('savepoints', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('savepoints');
DROP TABLE savepoints;
