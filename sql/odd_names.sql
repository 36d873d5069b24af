-- names with quotes, spaces, dots, backslashes, and beyond ASCII
CREATE SCHEMA "odd ""schema"".";
CREATE TABLE "odd ""schema""."."ta\ble 'ü'" ("Id col" integer PRIMARY KEY, "quote""d" text, "na\me" text, "日本" text);
SELECT 'slot' FROM pg_create_logical_replication_slot('odd_names', 'waltrail');
INSERT INTO "odd ""schema""."."ta\ble 'ü'" VALUES (1, 'a "b"', E'c\\d\te\x01', '東京');
SELECT d->>'schema' AS schema, d->>'table' AS "table", d->>'primary_key' AS key, d->'after' AS after
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('odd_names', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('odd_names');
DROP TABLE "odd ""schema""."."ta\ble 'ü'";
DROP SCHEMA "odd ""schema"".";
