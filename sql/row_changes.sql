-- INSERT, UPDATE and DELETE become one change each, in the order they were made
CREATE TABLE row_changes (id integer PRIMARY KEY, name text, amount numeric);
SELECT 'slot' FROM pg_create_logical_replication_slot('row_changes', 'waltrail');
INSERT INTO row_changes VALUES (1, 'one', 1.50), (2, NULL, NULL);
UPDATE row_changes SET name = 'two' WHERE id = 2;
UPDATE row_changes SET id = 3 WHERE id = 1;
DELETE FROM row_changes WHERE id = 2;
COPY row_changes FROM stdin;
4	four	4
5	five	\N
\.
SELECT d->>'schema' AS schema, d->>'table' AS "table", d->>'operation' AS operation, d->>'primary_key' AS key,
       d->'before' AS before, d->'after' AS after
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('row_changes', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('row_changes');
DROP TABLE row_changes;
