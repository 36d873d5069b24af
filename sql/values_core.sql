-- values are what to_jsonb(row) gives under the settings of the trail, whatever the settings of who decodes
CREATE TABLE values_core (
    id integer PRIMARY KEY, b boolean, i2 int2, i8 int8, f4 float4, f8 float8, n numeric, n_scaled numeric(12, 2), d date, t time,
    t_tz timetz, ts timestamp, tstz timestamptz, u uuid, bin bytea, j json, jb jsonb, txt text, vc varchar(20), bp char(8), nm name,
    ch "char", o oid, x xid8, iv interval, m money, ip inet, net cidr, mac macaddr, bits bit(5), vbits bit varying, p point, bx box,
    lsn pg_lsn, tv tsvector, tq tsquery, jp jsonpath, r4 int4range, rn numrange, rts tstzrange, mr datemultirange, rc regclass, rt regtype,
    x_ml xml
);
ALTER TABLE values_core REPLICA IDENTITY FULL;
SELECT 'slot' FROM pg_create_logical_replication_slot('values_core', 'waltrail');
INSERT INTO values_core VALUES (
    1, true, -32768, -9223372036854775808, 3.4028235e38, 0.1, 123456789012345678901234567890.000100, 1234567.80, '2024-02-29', '23:59:59.999999',
    '12:00:00+05:30', '2024-02-29 12:34:56.789', '2024-02-29 23:34:56.000001-07', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '\x00ff10',
    '{"a": [1, {"b": null}], "a": 2}', '{"z": 1.10, "a": ["x", true]}', E'quote " back \\ tab \t nl \n ü 日本 \x01', 'varchar', 'char', 'name',
    'c', 4294967295, '18446744073709551615', '1 year 2 days 03:04:05.678', '12345.67', '192.168.0.1/24', '10.0.0.0/8', '08:00:2b:01:02:03', B'10101',
    B'1', '(1.5,-2)', '(2,2),(0,0)', '16/B374D848', 'fat:2 cat:3A', 'fat & !rat', '$.a[*] ? (@ > 2)', '[1,5)', '[1.10,)',
    '[2024-01-01 00:00+00,2024-06-01 12:00+02)', '{[2024-01-01,2024-02-01)}', 'values_core', 'timestamp with time zone', '<a b="1">x</a>');
INSERT INTO values_core (id, f4, f8, n, d, ts, tstz, t, txt, bin, jb, iv, rts) VALUES
    (2, 'NaN', 'NaN', 'NaN', 'infinity', 'infinity', 'infinity', '24:00', '', '', '{}', '-1 mon +2 days -00:00:01', 'empty'),
    (3, 'Infinity', '-Infinity', 'Infinity', '-infinity', '-infinity', '-infinity', '00:00', ' ', '\x5c', '[]', '0', '(,)'),
    (4, '-0', 1e-300, '-Infinity', '4713-01-01 BC', '0044-03-15 BC 12:00', '0001-01-01 00:00 BC', '00:00:00.5', '\u0000', '\xdead', '"s"', '1 day', NULL),
    (5, 1e15, 1e15, 0.000000000000000001, '5874897-12-31', '294276-12-31 23:59:59.999999', '294276-12-31 00:00+00', NULL, NULL, NULL, 'null', NULL, NULL),
    (6, 1e-5, 123456789.123456789, -0.00, '2000-01-01', '1999-12-31 23:59:59.999999', '2000-01-01 00:00+00', NULL, NULL, NULL, '1e400', NULL, NULL),
    (7, 16777216, 9007199254740993, 1e20, '1999-12-31', '2000-01-01', '1883-11-18 12:00+00', NULL, NULL, NULL, '-1.50', NULL, NULL);
INSERT INTO values_core (id) VALUES (8);
UPDATE values_core SET txt = coalesce(txt, '') || '!';
BEGIN;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex';
SET LOCAL search_path = '';
SET LOCAL lc_monetary = 'C';
CREATE TABLE public.expected AS SELECT id, to_jsonb(r) AS after FROM public.values_core AS r;
COMMIT;
SET TimeZone = 'Asia/Kathmandu';
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'iso_8601';
SET extra_float_digits = -5;
SET bytea_output = 'escape';
CREATE TEMPORARY TABLE decoded AS
SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('values_core', NULL, NULL, 'format', 'json')
WHERE data::jsonb->>'table' = 'values_core';
-- restored
SELECT name, setting FROM pg_settings
WHERE name IN ('TimeZone', 'DateStyle', 'IntervalStyle', 'extra_float_digits', 'bytea_output', 'search_path') ORDER BY name;
RESET ALL;
SELECT d->>'operation' AS operation, count(*) FROM decoded GROUP BY 1 ORDER BY 1;
SELECT expected.id, key, expected.after->key AS expected, d->'after'->key AS decoded
FROM expected JOIN decoded ON (d->>'primary_key')::integer = id AND d->>'operation' = 'UPDATE', jsonb_object_keys(expected.after) AS key
WHERE expected.after->key IS DISTINCT FROM d->'after'->key;
-- and the same before the update, but for what it changed
SELECT count(*) FROM decoded WHERE (d->'before') - 'txt' <> (d->'after') - 'txt' AND d->>'operation' = 'UPDATE';
SELECT old.d->>'primary_key' AS key FROM decoded AS old JOIN decoded AS new ON old.d->>'primary_key' = new.d->>'primary_key'
WHERE old.d->>'operation' = 'CREATE' AND new.d->>'operation' = 'UPDATE' AND (old.d->'after') <> (new.d->'before');
SELECT pg_drop_replication_slot('values_core');
DROP TABLE values_core, expected, decoded;
