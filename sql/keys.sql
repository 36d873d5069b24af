-- primary_key is the key as text, in the order of the key; NULL without one
CREATE TABLE key_composite (b text, c integer, a text, PRIMARY KEY (a, b, c));
CREATE TABLE key_deferrable (id integer PRIMARY KEY DEFERRABLE, note text);
CREATE TABLE key_included (note text, id integer, PRIMARY KEY (id) INCLUDE (note));
CREATE TABLE key_none (id integer, note text);
CREATE TABLE key_only_unique (id integer NOT NULL UNIQUE, note text);
CREATE TABLE key_dropped_column (gone text, id integer PRIMARY KEY, also_gone text, note text);
ALTER TABLE key_dropped_column DROP COLUMN gone, DROP COLUMN also_gone;
CREATE TABLE key_long (id text PRIMARY KEY);
CREATE TYPE key_pair AS (small int2vector, big oidvector);
CREATE TABLE key_vector (id oidvector PRIMARY KEY, expected text GENERATED ALWAYS AS (id::text) STORED);
CREATE TABLE key_vectors (id oidvector, pair key_pair, PRIMARY KEY (id, pair));
SELECT 'slot' FROM pg_create_logical_replication_slot('keys', 'waltrail');
INSERT INTO key_composite VALUES ('b "quoted"', 1, 'a,b');
UPDATE key_composite SET c = 2;
DELETE FROM key_composite;
INSERT INTO key_deferrable VALUES (1, 'x');
UPDATE key_deferrable SET id = 2;
DELETE FROM key_deferrable;
INSERT INTO key_included VALUES ('x', 1);
UPDATE key_included SET note = 'y';
DELETE FROM key_included;
INSERT INTO key_none VALUES (1, 'x');
UPDATE key_none SET note = 'y';
DELETE FROM key_none;
INSERT INTO key_only_unique VALUES (1, 'x');
INSERT INTO key_dropped_column VALUES (1, 'x');
DELETE FROM key_dropped_column;
INSERT INTO key_long VALUES (repeat('x', 255)), (repeat('y', 256));
INSERT INTO key_vector VALUES ('1 2 3'), ('7'), ('');
INSERT INTO key_vectors VALUES ('1 2', ROW('3 4', '5')), ('', ROW('', NULL));
SELECT d->>'table' AS "table", d->>'operation' AS operation, left(d->>'primary_key', 20) AS key,
       length(d->>'primary_key') AS length, d->'before' AS before,
       CASE WHEN d->>'table' <> 'key_long' THEN d->'after' END AS after
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('keys', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('keys');
DROP TABLE key_composite, key_deferrable, key_included, key_none, key_only_unique, key_dropped_column, key_long, key_vector,
           key_vectors;
DROP TYPE key_pair;
