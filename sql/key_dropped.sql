-- a change keeps the key that its table had, whatever becomes of the key before the change is decoded
CREATE TABLE key_dropped (id integer PRIMARY KEY, note text);
CREATE TABLE key_replaced (id integer PRIMARY KEY, note text NOT NULL);
SELECT 'slot' FROM pg_create_logical_replication_slot('key_dropped', 'waltrail');
INSERT INTO key_dropped VALUES (1, 'a');
INSERT INTO key_replaced VALUES (1, 'a');
DELETE FROM key_dropped;
ALTER TABLE key_dropped DROP CONSTRAINT key_dropped_pkey;
ALTER TABLE key_replaced DROP CONSTRAINT key_replaced_pkey;
-- VACUUM writes into the catalog's row, where it is, that there is no index
VACUUM key_dropped, key_replaced;
INSERT INTO key_dropped VALUES (2, 'b');
ALTER TABLE key_replaced ADD PRIMARY KEY (note);
INSERT INTO key_replaced VALUES (2, 'b');
SELECT d->>'table' AS "table", d->'before' AS before, d->'after' AS after, d->>'primary_key' AS key
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('key_dropped', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('key_dropped');
DROP TABLE key_dropped, key_replaced;
