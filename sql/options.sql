-- an unknown option or value is refused by name, and says what exists
CREATE TABLE options (id integer PRIMARY KEY);
SELECT 'slot' FROM pg_create_logical_replication_slot('options', 'waltrail');
INSERT INTO options VALUES (1);
CREATE FUNCTION pg_temp.changes(VARIADIC options text[]) RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM pg_logical_slot_peek_changes('options', NULL, NULL, VARIADIC ARRAY['format', 'json'] || options)
$$;
SELECT data FROM pg_logical_slot_get_changes('options', NULL, NULL, 'colour', 'blue');
SELECT data FROM pg_logical_slot_get_changes('options', NULL, NULL, 'format', 'xml');
SELECT data FROM pg_logical_slot_get_changes('options', NULL, NULL, 'format', 'json', 'truncate', 'perhaps');
SELECT data FROM pg_logical_slot_get_changes('options', NULL, NULL, 'format', 'json', 'exclude_tables', 'a.b', 'exclude_tables', 'c.d');
-- lists of patterns
\set SHOW_CONTEXT never
SELECT pg_temp.changes('tables', '');
SELECT pg_temp.changes('tables', ' ');
SELECT pg_temp.changes('tables', 'options');
SELECT pg_temp.changes('tables', 'public.options,');
SELECT pg_temp.changes('exclude_tables', 'public.options, public."options');
SELECT pg_temp.changes('exclude_tables', 'postgres.public.options');
SELECT pg_temp.changes('tables', 'public.options', 'exclude_tables', '');
SELECT pg_temp.changes('ignore_columns', 'public.options');
SELECT pg_temp.changes('exclude_columns', 'options');
SELECT pg_temp.changes('mask_columns', '*.id, a.b.c.d');
SELECT pg_temp.changes('mask_columns', '*.id, "*.name');
SELECT pg_temp.changes('exclude_columns', '', 'mask_columns', '', 'ignore_columns', '');
SELECT pg_temp.changes('mask_columns', '*.id');
-- lists of OIDs
SELECT pg_temp.changes('exclude_oids', 'options');
SELECT pg_temp.changes('exclude_oids', '1,');
SELECT pg_temp.changes('exclude_oids', '1 2');
SELECT pg_temp.changes('exclude_oids', '-1');
SELECT pg_temp.changes('exclude_oids', '0');
SELECT pg_temp.changes('exclude_oids', '4294967296');
SELECT pg_temp.changes('exclude_oids', '1, 4294967295 ,3');
\set SHOW_CONTEXT errors
-- the default is binary, which needs the function for it
SELECT data FROM pg_logical_slot_get_changes('options', NULL, NULL);
SELECT substr(data, 1, 4) = '\xD757414C' AS magic FROM pg_logical_slot_peek_binary_changes('options', NULL, NULL);
SELECT substr(data, 1, 4) = '\xD757414C' AS magic
FROM pg_logical_slot_peek_binary_changes('options', NULL, NULL, 'format', 'binary', 'truncate', 'true');
SELECT count(*) FROM pg_logical_slot_get_changes('options', NULL, NULL, 'format', 'json', 'truncate', 'no');
SELECT pg_drop_replication_slot('options');
DROP TABLE options;
