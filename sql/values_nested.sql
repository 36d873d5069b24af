-- arrays, composites, domains, enums and ranges, in each other
CREATE TYPE nested_mood AS ENUM ('sad', 'it''s "ok"', 'happy');
CREATE DOMAIN nested_positive AS integer CHECK (value > 0);
CREATE DOMAIN nested_list AS integer[];
CREATE TYPE nested_inner AS (a integer, gone text, b timestamptz, c nested_mood[]);
ALTER TYPE nested_inner DROP ATTRIBUTE gone;
CREATE TYPE nested_outer AS ("Name" text, inner_one nested_inner, inner_list nested_inner[], p nested_positive);
CREATE DOMAIN nested_checked AS nested_outer;
CREATE DOMAIN nested_text AS text;
CREATE TYPE nested_range AS RANGE (subtype = timestamptz);
CREATE TABLE values_nested (
    id nested_positive PRIMARY KEY, mood nested_mood, list nested_list, ints integer[], texts text[], matrix integer[][], nums numeric[], times timestamptz[],
    blobs bytea[], docs jsonb[], moods nested_mood[], domains nested_positive[], inner_one nested_inner, outer_one nested_outer, checked nested_checked,
    outers nested_outer[], tr nested_range, word nested_text, boxes box[], vec int2vector, oids oidvector, bools boolean[], intervals interval[], names name[]
);
ALTER TABLE values_nested REPLICA IDENTITY FULL;
SELECT 'slot' FROM pg_create_logical_replication_slot('values_nested', 'waltrail');
INSERT INTO values_nested VALUES (
    1, 'it''s "ok"', '{1,2}', '{1,NULL,-3}', ARRAY['a "q"', NULL, '', 'NULL', E'nl\n'], '{{1,2,3},{4,NULL,6}}', '{1.50,NaN}', '{2024-01-01 00:00+02,infinity,NULL}',
    ARRAY['\x00ff'::bytea], ARRAY['{"a":1}'::jsonb, 'null', NULL], '{sad,happy}', '{1,2}', ROW(1, '2024-01-01 12:00+05', '{sad,NULL}'),
    ROW('n', ROW(2, NULL, NULL), ARRAY[ROW(3, NULL, '{}')::nested_inner, NULL], 4), ROW('checked', NULL, NULL, 5),
    ARRAY[ROW('x', ROW(NULL, NULL, NULL), '{}', 6)::nested_outer, NULL], '[2024-01-01 00:00+02,)', 'word', '{(1,1),(0,0);(3,3),(2,2)}', '1 2 3', '10 20', '{t,f,NULL}',
    '{1 day,-1 hour}', '{n,m}');
INSERT INTO values_nested (id, list, ints, matrix, texts, moods) VALUES (2, '{}', '{}', '{{{1}},{{2}}}', '[0:1]={a,b}', '{}');
INSERT INTO values_nested (id, ints, texts) SELECT 3, array_agg(i), array_agg(repeat('x', i % 100)) FROM generate_series(1, 5000) AS i;
-- rows stored before a composite type grew
ALTER TYPE nested_inner ADD ATTRIBUTE d text;
UPDATE values_nested SET word = 'changed';
ALTER TYPE nested_mood RENAME VALUE 'sad' TO 'blue';
ALTER TYPE nested_inner RENAME ATTRIBUTE a TO renamed;
UPDATE values_nested SET word = 'again', inner_one.d = 'new' WHERE id = 1;
CREATE TEMPORARY TABLE decoded AS
SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('values_nested', NULL, NULL, 'format', 'json');
SELECT d->>'operation' AS operation, d->>'primary_key' AS key, d->'after'->'inner_one' AS inner_one, d->'after'->'moods' AS moods,
       d->'after'->'outer_one' AS outer_one
FROM decoded;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';
-- nothing differs from to_jsonb(row)
SELECT t.id, key, d->'after'->key = to_jsonb(t)->key AS same
FROM values_nested AS t
     JOIN (SELECT DISTINCT ON ((d->>'primary_key')::integer) (d->>'primary_key')::integer AS id, d
           FROM decoded WHERE d->>'operation' = 'UPDATE' ORDER BY 1, (d->>'position')::bigint DESC) AS latest ON latest.id = t.id,
     jsonb_object_keys(to_jsonb(t)) AS key
WHERE d->'after'->key IS DISTINCT FROM to_jsonb(t)->key
ORDER BY 1, 2;
SELECT pg_drop_replication_slot('values_nested');
DROP TABLE values_nested, decoded;
DROP DOMAIN nested_checked, nested_list, nested_text;
DROP TYPE nested_outer, nested_inner, nested_range, nested_mood;
DROP DOMAIN nested_positive;
