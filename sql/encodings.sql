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
CREATE TABLE bytes (id integer PRIMARY KEY, note text);
SELECT 'slot' FROM pg_create_logical_replication_slot('encodings', 'waltrail');
INSERT INTO bytes VALUES (1, E'a\xff');
SELECT convert_to(data::json->'after'->>'note', 'SQL_ASCII') AS note
FROM pg_logical_slot_get_changes('encodings', NULL, NULL, 'format', 'json');
SELECT pg_drop_replication_slot('encodings');
\c :regression
DROP DATABASE waltrail_latin1;
DROP DATABASE waltrail_ascii;
