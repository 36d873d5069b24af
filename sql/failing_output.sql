-- an output function that fails costs its value's text and nothing else: the stored bytes are kept, and the stream goes on
SET client_min_messages = warning;
CREATE TYPE failing;
CREATE FUNCTION failing_in(cstring) RETURNS failing LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
-- reads the number as the OID of an enum's label, which it is not
CREATE FUNCTION failing_out(failing) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'enum_out';
CREATE TYPE failing (INPUT = failing_in, OUTPUT = failing_out, LIKE = integer);
RESET client_min_messages;
CREATE FUNCTION failing_order(failing, failing) RETURNS integer LANGUAGE internal IMMUTABLE STRICT AS 'btint4cmp';
CREATE OPERATOR CLASS failing_ops DEFAULT FOR TYPE failing USING btree AS FUNCTION 1 failing_order (failing, failing);
CREATE TYPE failing_range AS RANGE (SUBTYPE = failing);
CREATE DOMAIN failing_domain AS failing;
CREATE TYPE failing_pair AS (good text, bad failing_domain);
CREATE TYPE failing_pair_range AS RANGE (SUBTYPE = failing_pair);
CREATE TYPE failing_list_range AS RANGE (SUBTYPE = failing[]);
CREATE TABLE failing_output (id integer PRIMARY KEY, span interval, f failing, list failing[], pair failing_pair, r failing_range, note text);
CREATE TABLE failing_ranges (id integer, pairs failing_pair_range, lists failing_list_range);
ALTER TABLE failing_output REPLICA IDENTITY FULL;
SELECT 'slot' FROM pg_create_logical_replication_slot('failing_output', 'waltrail');
INSERT INTO failing_output VALUES (1, '1 day'), (2, '2 days');
BEGIN;
-- the catalogs change in the transaction
CREATE TABLE other (f failing);
INSERT INTO failing_output VALUES (3, '3 days', '5', '{6}', '(good,7)', '[8,9)', NULL), (4, '4 days', NULL, '{NULL}', '(good,)', 'empty', 'none of them written');
INSERT INTO other VALUES ('10');
UPDATE failing_output SET note = 'changed' WHERE id = 3;
SAVEPOINT s;
DELETE FROM failing_output WHERE id = 3;
ROLLBACK TO s;
UPDATE failing_output SET f = '11' WHERE id = 4;
COMMIT;
DELETE FROM failing_output WHERE id IN (1, 3);
SET IntervalStyle = 'iso_8601';
CREATE TEMPORARY TABLE decoded AS
SELECT data::jsonb AS d FROM pg_logical_slot_peek_changes('failing_output', NULL, NULL, 'format', 'json');
SHOW IntervalStyle;
SELECT d->>'operation' AS operation, d->>'primary_key' AS key, d->'before'->'f' AS before, d->'after'->'f' AS after,
       (d->'after') - '{f,id,list,pair,r}'::text[] AS others, d->'after'->>'list' ~ '^\\x.*06000000$' AS list,
       d->'after'->>'pair' ~ '676f6f64.*07000000$' AS pair, d->'after'->>'r' ~ '0800000009' AS r, d->'context' AS context
FROM decoded;
-- a value that can be written beside one that cannot is written
SELECT d->'after' AS after FROM decoded WHERE d->>'primary_key' = '4' AND d->>'operation' = 'CREATE';
-- frames say the same, and so does a session that goes on afterwards
SELECT count(*) >= 3 AS frames FROM pg_logical_slot_get_binary_changes('failing_output', NULL, NULL);
INSERT INTO failing_output VALUES (5, '5 days', '12');
SELECT data::jsonb->'after'->'f' AS f FROM pg_logical_slot_get_changes('failing_output', NULL, NULL, 'format', 'json');
-- a key that cannot be written is its bytes
ALTER TABLE other ADD PRIMARY KEY (f);
INSERT INTO other VALUES ('13');
SELECT data::jsonb->>'primary_key' AS key, data::jsonb->'context' AS context
FROM pg_logical_slot_get_changes('failing_output', NULL, NULL, 'format', 'json');
-- ranges over what holds such a value
INSERT INTO failing_ranges VALUES (1, '["(a,1)","(b,2)")', '[{3},{4}]');
SELECT data::jsonb->'after'->'id' AS id, data::jsonb->'context' AS context
FROM pg_logical_slot_get_changes('failing_output', NULL, NULL, 'format', 'json');
SELECT pg_drop_replication_slot('failing_output');
\set VERBOSITY terse
DROP TABLE failing_output, failing_ranges, other;
DROP TYPE failing CASCADE;
