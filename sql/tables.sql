-- option tables: only tables that a pattern matches are recorded; a transaction of others is still counted
CREATE SCHEMA tables_schema;
CREATE TABLE tables_schema.wanted (id integer PRIMARY KEY);
CREATE TABLE tables_schema.unwanted (id integer PRIMARY KEY);
CREATE TABLE tables_alone (id integer PRIMARY KEY);
CREATE TABLE "Tables.odd, ""name*" (id integer PRIMARY KEY);
CREATE TABLE "Tables.odd, ""nameX" (id integer PRIMARY KEY);
SELECT 'slot' FROM pg_create_logical_replication_slot('tables', 'waltrail');
INSERT INTO tables_schema.wanted VALUES (1);
INSERT INTO tables_schema.unwanted VALUES (2);
INSERT INTO tables_alone VALUES (3);
INSERT INTO "Tables.odd, ""name*" VALUES (4);
INSERT INTO "Tables.odd, ""nameX" VALUES (5);
UPDATE tables_schema.wanted SET id = 6;
DELETE FROM tables_schema.unwanted;
TRUNCATE tables_schema.wanted, tables_schema.unwanted;
CREATE FUNCTION pg_temp.recorded(patterns text) RETURNS TABLE (change text) LANGUAGE sql AS $$
    SELECT format('%s.%s %s %s', d->>'schema', d->>'table', d->>'operation', d->>'primary_key')
    FROM pg_logical_slot_peek_changes('tables', NULL, NULL, 'format', 'json', 'tables', patterns),
         LATERAL (SELECT data::jsonb AS d) AS change
$$;
SELECT * FROM pg_temp.recorded('tables_schema.wanted');
SELECT * FROM pg_temp.recorded(' public.tables_a* , tables_schema.un*');
SELECT * FROM pg_temp.recorded('public."Tables.odd, ""name*"');
SELECT * FROM pg_temp.recorded('*.*');
SELECT * FROM pg_temp.recorded('public.wanted, tables_schema.Wanted, tables_schema.want');
-- the ids of what is recorded do not depend on what is not
SELECT count(DISTINCT data::jsonb->'id') FROM (
    SELECT data FROM pg_logical_slot_peek_changes('tables', NULL, NULL, 'format', 'json')
    UNION ALL SELECT data FROM pg_logical_slot_peek_changes('tables', NULL, NULL, 'format', 'json', 'tables', 'tables_schema.*')
) AS twice;
-- in binary, the same transactions travel
SELECT count(*) = (SELECT count(*) FROM pg_logical_slot_peek_binary_changes('tables', NULL, NULL)) AS same
FROM pg_logical_slot_peek_binary_changes('tables', NULL, NULL, 'tables', 'none.*');
SELECT pg_drop_replication_slot('tables');
DROP SCHEMA tables_schema CASCADE;
DROP TABLE tables_alone, "Tables.odd, ""name*", "Tables.odd, ""nameX";
