-- numbers of many digits are stored in a few bytes: what would pass 1 GB as text is kept as it is stored, and the stream goes on
CREATE TABLE expanding (id text PRIMARY KEY, document jsonb, list numeric[], spans nummultirange, path jsonpath, query tsquery);
ALTER TABLE expanding REPLICA IDENTITY FULL;
SELECT 'slot' FROM pg_create_logical_replication_slot('expanding', 'waltrail');
INSERT INTO expanding (id, document) VALUES ('document', ('[' || repeat('1e131071,', 9000) || '1]')::jsonb);
INSERT INTO expanding (id, list) SELECT 'list', array_agg(1e131071::numeric) FROM generate_series(1, 9000);
INSERT INTO expanding (id, spans) SELECT 'spans', range_agg(numrange((i || 'e131067')::numeric, (i || '.5e131067')::numeric)) FROM generate_series(1001, 6000) AS i;
-- what took more stack when it was written than the reader has
SET max_stack_depth = '7MB';
INSERT INTO expanding (id, path) VALUES ('path', ('$' || repeat('.a', 15000))::jsonpath);
RESET max_stack_depth;
-- as many bytes, and fewer digits
INSERT INTO expanding (id, document, list, path, query)
SELECT 'all', jsonb_agg(i), array_agg(i), '$.a', 'a & b' FROM generate_series(1, 20000) AS i;
UPDATE expanding SET query = 'c' WHERE id IN ('list', 'all');
CREATE TEMPORARY TABLE decoded AS
SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('expanding', NULL, NULL, 'format', 'json');
SELECT d->>'operation' AS operation, d->>'primary_key' AS key, d->'context' AS context,
       ARRAY(SELECT key FROM jsonb_each(d->'after') WHERE jsonb_typeof(value) = 'string' AND starts_with(value #>> '{}', '\x') ORDER BY 1) AS stored,
       d->'after' = to_jsonb(t) AS whole
FROM decoded LEFT JOIN expanding AS t ON id = 'all' AND id = d->>'primary_key' AND d->>'operation' = 'UPDATE';
SELECT pg_drop_replication_slot('expanding');
DROP TABLE expanding, decoded;
