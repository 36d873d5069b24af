-- names and values of a database that is not UTF-8 come out as what they mean
SET client_min_messages = warning;
CREATE DATABASE waltrail_latin1 ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE waltrail_ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
\set regression :DBNAME
\c waltrail_latin1
SET client_encoding = 'UTF8';
CREATE TYPE "mühe" AS ENUM ('groß', 'klein');
CREATE TABLE "größe" (id text PRIMARY KEY, "straße" text, j jsonb, js json, list text[], e "mühe", n name, long text);
ALTER TABLE "größe" REPLICA IDENTITY FULL;
SELECT 'slot' FROM pg_create_logical_replication_slot('encodings', 'waltrail');
BEGIN;
SELECT 'message' FROM pg_logical_emit_message(true, 'waltrail', '{"wer": "Jörg"}');
INSERT INTO "größe" VALUES ('ä', 'öü', '{"é": "è"}', '{"ñ": 1}', '{å,ø}', 'groß', 'ç', repeat('ß', 200000));
SELECT 'message' FROM pg_logical_emit_message(true, 'waltrail', 'ohne Gewähr');
DELETE FROM "größe";
COMMIT;
SELECT d->>'table' AS "table", d->>'operation' AS operation, d->>'primary_key' AS key, d->'context' AS context,
       (d->'before') - 'long' AS before, (d->'after') - 'long' AS after,
       d->(CASE d->>'operation' WHEN 'CREATE' THEN 'after' ELSE 'before' END)->>'long' = repeat('ß', 200000) AS long
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_peek_changes('encodings', NULL, NULL, 'format', 'json')) AS changes;
-- binary frames are UTF-8
SELECT bool_or(position('\x6772c3b6c39f65'::bytea IN data) > 0) AS utf8, bool_or(position('\x6772f6df65'::bytea IN data) > 0) AS latin1
FROM pg_logical_slot_get_binary_changes('encodings', NULL, NULL);
SELECT pg_drop_replication_slot('encodings');
\c waltrail_ascii
SET client_encoding = 'SQL_ASCII';
CREATE TABLE bytes (id text PRIMARY KEY, note text, list text[], doc json, docb jsonb, n name);
ALTER TABLE bytes REPLICA IDENTITY FULL;
SELECT 'slot' FROM pg_create_logical_replication_slot('encodings', 'waltrail');
-- bytes that are UTF-8 are text; others are kept in bytea's escape format, and the context says where
INSERT INTO bytes VALUES ('1', E'gr\xc3\xb6\\xdfe', E'{\xe9,b\\\\c}', E'{"a": "\xe9"}', E'{"a": "\xe9\\\\"}', E'\xff'), ('2', E'gr\xf6\xdf \\', NULL, NULL, NULL, 'n');
UPDATE bytes SET id = E'3\xff' WHERE id = '2';
SELECT 'message' FROM pg_logical_emit_message(true, 'waltrail', E'\xe9');
BEGIN;
SELECT 'message' FROM pg_logical_emit_message(true, 'waltrail', E'{"who": "\xe9"}');
DELETE FROM bytes WHERE id = '1';
COMMIT;
CREATE TABLE decoded AS SELECT data::json AS d FROM pg_logical_slot_get_changes('encodings', NULL, NULL, 'format', 'json');
SELECT d->>'operation' AS operation, d->>'primary_key' AS key, d->'before' AS before, d->'after' AS after, d->'context' AS context FROM decoded;
-- and can be had again
SELECT convert_to(id, 'SQL_ASCII') AS id, convert_to(note, 'SQL_ASCII') = decode(d->'after'->>'note', 'escape') AS note, convert_to(id, 'SQL_ASCII') = decode(d->>'primary_key', 'escape') AS key
FROM bytes, decoded WHERE d->>'operation' = 'UPDATE' AND id <> '1';
-- names too
DROP TABLE decoded;
DO $$ BEGIN EXECUTE format('CREATE TABLE %I (%I integer)', E't\xe9', E'c\xe9'); EXECUTE format('INSERT INTO %I VALUES (1)', E't\xe9'); END $$;
SELECT d->>'table' AS "table", d->'after' AS after, d->'context' AS context
FROM (SELECT data::json AS d FROM pg_logical_slot_get_changes('encodings', NULL, NULL, 'format', 'json')) AS changes
WHERE d->>'table' <> 'decoded';
SELECT pg_drop_replication_slot('encodings');
\c :regression
DROP DATABASE waltrail_latin1;
DROP DATABASE waltrail_ascii;
