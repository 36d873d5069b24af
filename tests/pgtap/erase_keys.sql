-- changes.record_changes(): the changes of one record under all the keys that it had, and none of other records that had these keys
-- before or after it.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(14);
SELECT changes.setup();
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name) VALUES (1, 'd', 1, 1, 'd', 'd');
-- Keys by position; a row (key before, key after) is written as it would be recorded. Until position 1000 the key is "id", then "code".
INSERT INTO changes.relations (source_id, relation_oid, from_position, schema, "table", leaf_schema, leaf_table, replica_identity, columns, key_columns)
VALUES (1, 1, 0, 'public', 't', 'public', 't', 'f', '[{"name": "id", "type": "integer", "type_oid": 23}]', '{id}'),
       (1, 1, 1000, 'public', 't', 'public', 't', 'f', '[{"name": "code", "type": "integer", "type_oid": 23}]', '{code}');
CREATE FUNCTION pg_temp.put(name text, "position" bigint, old integer, new integer, member text DEFAULT 'id') RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.changes (database, schema, "table", primary_key, operation, before, after, transaction_id, position)
    VALUES ('d', 'public', name, coalesce(new, old), CASE WHEN old IS NULL THEN 'CREATE' WHEN new IS NULL THEN 'DELETE' ELSE 'UPDATE' END,
            CASE WHEN old IS NULL THEN '{}' ELSE jsonb_build_object(member, old) END,
            CASE WHEN new IS NULL THEN '{}' ELSE jsonb_build_object(member, new) END, 1, position)
$$;
CREATE FUNCTION pg_temp.found(key text, name text DEFAULT 't') RETURNS bigint[] LANGUAGE sql AS $$
    SELECT array_agg(DISTINCT c.position ORDER BY c.position) FROM changes.record_changes('d', 'public', name, key) AS r JOIN public.changes AS c USING (id)
$$;
SELECT pg_temp.put('t', 1, NULL, 10), pg_temp.put('t', 2, 10, NULL),                                        -- an earlier record 10
       pg_temp.put('t', 3, NULL, 10), pg_temp.put('t', 4, 10, 10), pg_temp.put('t', 5, 10, 11),              -- the record: 10, 11, 12
       pg_temp.put('t', 6, NULL, 10), pg_temp.put('t', 7, 11, 11), pg_temp.put('t', 8, 11, 12),              -- 6: a later record 10
       pg_temp.put('t', 9, NULL, 11), pg_temp.put('t', 10, 12, NULL), pg_temp.put('t', 11, NULL, 12);        -- 9, 11: later records 11, 12
SELECT is(pg_temp.found('12'), ARRAY[3, 4, 5, 7, 8, 10, 11]::bigint[], 'by the last key: the record under its three keys, and who has that key now');
SELECT is(pg_temp.found('11'), ARRAY[3, 4, 5, 7, 8, 9, 10]::bigint[], 'by the middle key');
SELECT is(pg_temp.found('10'), ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 10]::bigint[], 'by the first key: all three that had it, and where the one went');
SELECT is(pg_temp.found('99'), NULL, 'a key that nobody had');
SELECT is(pg_temp.found('10', 'no such table'), NULL, 'a table that is unknown');

-- Two records that swap keys, and one that goes round and comes back.
SELECT pg_temp.put('t', 20, NULL, 20), pg_temp.put('t', 21, NULL, 21),
       pg_temp.put('t', 22, 20, 29), pg_temp.put('t', 23, 21, 20), pg_temp.put('t', 24, 29, 21), pg_temp.put('t', 25, 20, 20), pg_temp.put('t', 26, 21, 21);
SELECT is(pg_temp.found('29'), ARRAY[20, 22, 24, 26]::bigint[], 'records that swapped keys are not mixed up');
SELECT pg_temp.put('t', 30, NULL, 30), pg_temp.put('t', 31, 30, 31), pg_temp.put('t', 32, 31, 30), pg_temp.put('t', 33, 30, 31), pg_temp.put('t', 34, 31, NULL);
SELECT is(pg_temp.found('30'), ARRAY[30, 31, 32, 33, 34]::bigint[], 'a record that went back to its key comes once');

-- A TRUNCATE ends every record.
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position) VALUES ('d', 'public', 't', 'TRUNCATE', 1, 41);
SELECT pg_temp.put('t', 40, NULL, 40), pg_temp.put('t', 42, NULL, 40), pg_temp.put('t', 43, 40, 44);
SELECT is(pg_temp.found('44'), ARRAY[42, 43]::bigint[], 'what was truncated is not followed');

-- The trail began after the record did, or does not know its key columns.
SELECT pg_temp.put('t', 50, 50, 51), pg_temp.put('t', 51, 51, 51);
SELECT is(pg_temp.found('51'), ARRAY[50, 51]::bigint[], 'an earlier key without changes leads nowhere');
SELECT pg_temp.put('u', 60, NULL, 60), pg_temp.put('u', 61, 60, 61);
SELECT is(pg_temp.found('61', 'u'), ARRAY[61]::bigint[], 'without changes.relations only the key itself is found');

-- Another key from some position on; a key past 255 characters.
SELECT pg_temp.put('t', 1001, NULL, 70, 'code'), pg_temp.put('t', 1002, 70, 71, 'code');
SELECT is(pg_temp.found('71'), ARRAY[1001, 1002]::bigint[], 'the key columns are those of the time');
SELECT pg_temp.put('t', 1010, NULL, 80, 'code');
INSERT INTO public.changes (database, schema, "table", primary_key, operation, before, after, transaction_id, position)
VALUES ('d', 'public', 't', NULL, 'UPDATE', '{"code": 80}', jsonb_build_object('code', repeat('x', 300)), 1, 1011);
SELECT is(pg_temp.found('80'), ARRAY[1010, 1011]::bigint[], 'the change to a key that is too long is found');
SELECT is(pg_temp.found(NULL), NULL, 'NULL is nobody''s key');

-- Many keys in a row.
SELECT pg_temp.put('t', 2000, NULL, 2000, 'code');
SELECT pg_temp.put('t', g, g - 1, g, 'code') FROM generate_series(2001, 2060) AS g;
SELECT is(cardinality(pg_temp.found('2030')), 61, 'a record with sixty keys');

SELECT * FROM finish();
ROLLBACK;
