-- option exclude_tables: what it matches is left out, also where `tables` asks for it
CREATE TABLE excluded_a (id integer PRIMARY KEY);
CREATE TABLE excluded_b (id integer PRIMARY KEY);
CREATE TABLE excluded_c (id integer PRIMARY KEY, a integer REFERENCES excluded_a);
SELECT 'slot' FROM pg_create_logical_replication_slot('exclude_tables', 'waltrail');
INSERT INTO excluded_a VALUES (1);
INSERT INTO excluded_b VALUES (2);
INSERT INTO excluded_c VALUES (3, 1);
DELETE FROM excluded_b;
TRUNCATE excluded_a CASCADE;
CREATE FUNCTION pg_temp.recorded(VARIADIC options text[]) RETURNS TABLE (change text) LANGUAGE sql AS $$
    SELECT format('%s %s %s', d->>'table', d->>'operation', d->>'primary_key')
    FROM pg_logical_slot_peek_changes('exclude_tables', NULL, NULL, VARIADIC ARRAY['format', 'json'] || options),
         LATERAL (SELECT data::jsonb AS d) AS change
$$;
SELECT * FROM pg_temp.recorded('exclude_tables', '*.*_a,public.excluded_c');
SELECT * FROM pg_temp.recorded('tables', 'public.excluded_*', 'exclude_tables', 'public.*_b');
SELECT * FROM pg_temp.recorded('exclude_tables', '*.*');
-- an empty list leaves nothing out
SELECT count(*) FROM pg_temp.recorded('exclude_tables', '');
-- changes that are left out count in the sequence: of three in one transaction, the second has the id it has in the whole
BEGIN;
INSERT INTO excluded_a VALUES (11);
INSERT INTO excluded_b VALUES (12);
INSERT INTO excluded_c VALUES (13, 11);
COMMIT;
SELECT part.data::jsonb->'id' = whole.data::jsonb->'id' AS same
FROM pg_logical_slot_peek_changes('exclude_tables', NULL, NULL, 'format', 'json', 'exclude_tables', '*.*_a,*.*_c') AS part
     JOIN pg_logical_slot_peek_changes('exclude_tables', NULL, NULL, 'format', 'json') AS whole ON part.lsn = whole.lsn
WHERE part.data::jsonb->>'primary_key' = '12' AND whole.data::jsonb->>'primary_key' = '12';
SELECT pg_drop_replication_slot('exclude_tables');
DROP TABLE excluded_a, excluded_b, excluded_c;
