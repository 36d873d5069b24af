-- a TOAST value that an UPDATE leaves alone is taken from the old row where the WAL has it, and is absent otherwise
CREATE TABLE toast_default (id integer PRIMARY KEY, note text, long text, key_part text);
ALTER TABLE toast_default ALTER COLUMN long SET STORAGE EXTERNAL, ALTER COLUMN key_part SET STORAGE EXTERNAL;
CREATE TABLE toast_full (LIKE toast_default INCLUDING ALL);
ALTER TABLE toast_full REPLICA IDENTITY FULL;
CREATE TABLE toast_key (LIKE toast_default INCLUDING STORAGE);
ALTER TABLE toast_key ADD PRIMARY KEY (id, key_part);
CREATE TABLE toast_compressed (id integer PRIMARY KEY, long text, document jsonb, list text[]);
ALTER TABLE toast_compressed REPLICA IDENTITY FULL;
SELECT 'slot' FROM pg_create_logical_replication_slot('toast', 'waltrail');
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['default', 'full', 'key'] LOOP
        EXECUTE format('INSERT INTO toast_%s VALUES (1, ''a'', repeat(''x'', 9000), repeat(''k'', 2100))', name);
        EXECUTE format('UPDATE toast_%s SET note = ''b''', name);
        EXECUTE format('UPDATE toast_%s SET long = repeat(''y'', 9000)', name);
        EXECUTE format('UPDATE toast_%s SET long = NULL', name);
        EXECUTE format('DELETE FROM toast_%s', name);
    END LOOP;
END $$;
CREATE FUNCTION pg_temp.short(jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_object_agg(key, CASE WHEN length(value) > 100 THEN left(value, 1) || ' * ' || length(value) ELSE value END)
    FROM jsonb_each_text($1)
$$;
SELECT d->>'table' AS "table", d->>'operation' AS operation,
       pg_temp.short(d->'before') AS before, pg_temp.short(d->'after') AS after
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('toast', NULL, NULL, 'format', 'json')) AS changes;
-- compressed, in the row and out of it
INSERT INTO toast_compressed
SELECT i, repeat('abc', n), jsonb_build_object('k', repeat('def', n)), array_fill(repeat('g', 10), ARRAY[n])
FROM (VALUES (1, 1000), (2, 100000)) AS size (i, n);
CREATE TEMPORARY TABLE expected AS SELECT id, to_jsonb(toast_compressed) AS before FROM toast_compressed;
UPDATE toast_compressed SET long = long || 'end';
SELECT d->>'operation' AS operation, d->>'primary_key' AS key,
       CASE d->>'operation' WHEN 'CREATE' THEN d->'after' ELSE d->'before' END = before AS same,
       d->>'operation' = 'CREATE' OR d->'after' = to_jsonb(t) AS after
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('toast', NULL, NULL, 'format', 'json')) AS changes
     JOIN expected ON id = (d->>'primary_key')::integer JOIN toast_compressed AS t USING (id);
SELECT pg_drop_replication_slot('toast');
DROP TABLE toast_default, toast_full, toast_key, toast_compressed;
