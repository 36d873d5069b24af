-- option mask_columns: a column travels as hmac-sha256: and the HMAC of its text, which whoever has the key can compute
CREATE SCHEMA mask_columns;
SET search_path = mask_columns, public;
CREATE EXTENSION pgcrypto SCHEMA mask_columns;
COPY (SELECT 'a key of 32 characters, not more') TO PROGRAM 'umask 077; cat > mask_columns_key';
SET waltrail.mask_key_file = 'mask_columns_key';
CREATE FUNCTION mask(value text) RETURNS text LANGUAGE sql AS $$
    SELECT 'hmac-sha256:' || encode(hmac(value, 'a key of 32 characters, not more', 'sha256'), 'hex')
$$;
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TYPE pair AS (left_part text, right_part boolean);
CREATE DOMAIN letters AS text;
CREATE TABLE kinds (
    id integer PRIMARY KEY, t text, v varchar(9), c char(9), n name, b boolean, i2 smallint, i4 integer, i8 bigint, f4 real, f8 float,
    num numeric, d date, ti time, tz timetz, ts timestamp, tstz timestamptz, u uuid, ba bytea, j json, jb jsonb, list text[], matrix integer[],
    p pair, pairs pair[], m mood, l letters, ip inet, range int4range, span interval, cash money, bits bit varying, "x""Y ü" text, empty text);
SELECT 'slot' FROM pg_create_logical_replication_slot('mask_columns', 'waltrail');
INSERT INTO kinds VALUES (
    1, 'hushhush ü', 'hushhush', 'hushhush', 'hushhush', true, -1, 2, 3, 0.1, -1e300,
    1.50, '0044-03-15 BC', '12:00', '12:00+05:30', '2024-02-29 12:00', '2024-02-29 12:00:00.5+00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
    'hushhush', '{"a" :1}', '{"b":"hushhush","a":1}', '{hushhush,"x y",NULL,NULL}', '[0:1]={1,2}',
    ('hush hush', true), ARRAY[('hushhush', NULL)::pair, NULL], 'happy', 'hushhush', '10.0.0.1', '[1,5)', '1 day 02:03', 12.5, B'101',
    'hushhush', '');
INSERT INTO kinds (id) VALUES (2);
CREATE TEMPORARY TABLE masked AS
SELECT ordinality AS id, data::jsonb AS d
FROM pg_logical_slot_peek_changes('mask_columns', NULL, NULL, 'format', 'json', 'mask_columns', 'mask_columns.*.*') WITH ORDINALITY;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
SET IntervalStyle = 'postgres';
SELECT column_name, masked.d->'after'->>column_name = mask(value) AS as_computed
FROM kinds JOIN masked USING (id), LATERAL (VALUES
    ('id', id::text), ('t', t::text), ('v', v::text), ('c', c::text), ('n', n::text), ('b', b::text), ('i2', i2::text), ('i4', i4::text),
    ('i8', i8::text), ('f4', f4::text), ('f8', f8::text), ('num', num::text), ('d', kinds.d::text), ('ti', ti::text), ('tz', tz::text),
    ('ts', ts::text), ('tstz', tstz::text), ('u', u::text), ('ba', ba::text), ('j', j::text), ('jb', jb::text), ('list', list::text),
    ('matrix', matrix::text), ('p', p::text), ('pairs', pairs::text), ('m', m::text), ('l', l::text), ('ip', ip::text), ('range', range::text),
    ('span', span::text), ('cash', cash::text), ('bits', bits::text), ('x"Y ü', "x""Y ü"::text), ('empty', empty::text)) AS t (column_name, value)
WHERE id = 1;
RESET TimeZone;
RESET DateStyle;
RESET IntervalStyle;
-- equal texts look equal, whatever their types; every value is a string, and NULL stays NULL
SELECT count(DISTINCT d->'after'->column_name) FROM masked, unnest('{v,c,n,l}'::text[]) AS column_name WHERE id = 1;
SELECT id, jsonb_typeof(value), count(*) FROM masked, jsonb_each(d->'after') GROUP BY 1, 2 ORDER BY 1, 2;
-- the key is masked where its column is: the rows of one record still have the same
SELECT count(*) FROM masked WHERE d->>'primary_key' = mask(id::text);
-- no text of a value is in a frame; without the option it is
CREATE FUNCTION pg_temp.bytes_travel(word text, VARIADIC options text[]) RETURNS boolean LANGUAGE sql AS $$
    SELECT bool_or(position(word::bytea IN data) > 0)
    FROM pg_logical_slot_peek_binary_changes('mask_columns', NULL, NULL, VARIADIC options)
$$;
SELECT pg_temp.bytes_travel('hush', 'mask_columns', '') AS unmasked, pg_temp.bytes_travel('hush', 'mask_columns', '*.*') AS masked;
-- excluded wins
SELECT data::jsonb->'after' AS after
FROM pg_logical_slot_get_changes('mask_columns', NULL, NULL, 'format', 'json', 'mask_columns', '*.*', 'exclude_columns', 'mask_columns.kinds.*');
DROP TABLE kinds;
-- replica identities, unchanged TOAST values, composite keys, partitions
CREATE TABLE users (id integer, email text, name text, long text, PRIMARY KEY (id, email));
ALTER TABLE users ALTER COLUMN long SET STORAGE EXTERNAL;
CREATE TABLE users_full (LIKE users INCLUDING ALL);
ALTER TABLE users_full REPLICA IDENTITY FULL;
CREATE TABLE users_nothing (LIKE users INCLUDING ALL);
ALTER TABLE users_nothing REPLICA IDENTITY NOTHING;
CREATE TABLE users_index (long text, email text NOT NULL, name text, id integer);
ALTER TABLE users_index ALTER COLUMN long SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX users_index_email ON users_index (email);
ALTER TABLE users_index REPLICA IDENTITY USING INDEX users_index_email;
CREATE TABLE users_root (LIKE users INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE users_leaf (long text, email text NOT NULL, name text, id integer NOT NULL);
ALTER TABLE users_root ATTACH PARTITION users_leaf FOR VALUES FROM (0) TO (10);
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['users', 'users_full', 'users_nothing', 'users_index', 'users_root'] LOOP
        EXECUTE format('INSERT INTO %I (id, email, name, long) VALUES (1, ''a@hush'', ''a'', repeat(''hush'', 1000))', t);
        EXECUTE format('UPDATE %I SET name = ''b''', t);
        EXECUTE format('UPDATE %I SET email = ''c@hush''', t);
        EXECUTE format('UPDATE %I SET long = NULL', t);
        EXECUTE format('DELETE FROM %I', t);
    END LOOP;
END $$;
CREATE FUNCTION pg_temp.named(value text) RETURNS text LANGUAGE sql AS $$
    SELECT replace(replace(replace(value, mask('a@hush'), 'MASK A'), mask('c@hush'), 'MASK C'), mask(repeat('hush', 1000)), 'MASK LONG')
$$;
SELECT d->>'table' AS "table", d->>'operation' AS operation, pg_temp.named(d->>'primary_key') AS key,
       pg_temp.named(d->>'before') AS before, pg_temp.named(d->>'after') AS after
FROM pg_logical_slot_peek_changes('mask_columns', NULL, NULL, 'format', 'json', 'mask_columns', '*.email, *.users*.long, mask_columns.users_root.long'),
     LATERAL (SELECT data::jsonb AS d) AS change;
SELECT pg_temp.bytes_travel('hush', 'mask_columns', '*.email, mask_columns.users*.long') AS masked,
       pg_temp.bytes_travel('hush', 'mask_columns', '*.email') AS one_masked;
DO $$ BEGIN PERFORM pg_logical_slot_get_changes('mask_columns', NULL, NULL, 'format', 'json'); END $$;
-- the name counts as it is when a change is made
BEGIN;
INSERT INTO users_full VALUES (1, 'a@hush', 'a');
ALTER TABLE users_full RENAME COLUMN email TO mail;
UPDATE users_full SET name = 'b';
ALTER TABLE users_full RENAME COLUMN mail TO email;
UPDATE users_full SET name = 'c';
COMMIT;
SELECT pg_temp.named(data::jsonb->>'before') AS before, pg_temp.named(data::jsonb->>'after') AS after
FROM pg_logical_slot_get_changes('mask_columns', NULL, NULL, 'format', 'json', 'mask_columns', '*.email');
-- a value that cannot be written is the mask of its stored bytes
SET client_min_messages = warning;
CREATE TYPE failing;
CREATE FUNCTION failing_in(cstring) RETURNS failing LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION failing_out(failing) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'enum_out';
CREATE TYPE failing (INPUT = failing_in, OUTPUT = failing_out, LIKE = integer);
RESET client_min_messages;
CREATE TABLE failures (id integer PRIMARY KEY, f failing, list failing[]);
INSERT INTO failures VALUES (1, '305419896', '{305419896}');
SELECT data::jsonb->'after'->>'f' = mask('\x78563412') AS f, data::jsonb->'after'->>'list' ~ '^hmac-sha256:[0-9a-f]{64}$' AS list,
       position('78563412' IN data) > 0 AS leaks, data::jsonb->'context' AS context
FROM pg_logical_slot_peek_changes('mask_columns', NULL, NULL, 'format', 'json', 'mask_columns', 'mask_columns.failures.*f*, *.list');
SELECT pg_temp.bytes_travel('78563412', 'mask_columns', '') AS unmasked, pg_temp.bytes_travel('78563412', 'mask_columns', '*.*') AS masked;
SELECT bool_or(position('\x78563412' IN data) > 0) AS as_stored
FROM pg_logical_slot_get_binary_changes('mask_columns', NULL, NULL, 'mask_columns', '*.*');
-- a key file that is none
INSERT INTO users VALUES (9, 'a@hush');
CREATE FUNCTION pg_temp.changes() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM pg_logical_slot_peek_changes('mask_columns', NULL, NULL, 'format', 'json', 'mask_columns', '*.email')
$$;
\set SHOW_CONTEXT never
SELECT pg_temp.changes();
SET waltrail.mask_key_file = '';
SELECT pg_temp.changes();
SET waltrail.mask_key_file = 'mask_columns_no_such_key';
SELECT pg_temp.changes();
SET waltrail.mask_key_file = 'base';
SELECT pg_temp.changes();
SET waltrail.mask_key_file = 'mask_columns_key';
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; chmod 640 mask_columns_key';
SELECT pg_temp.changes();
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; chmod 604 mask_columns_key';
SELECT pg_temp.changes();
COPY (SELECT WHERE false) TO PROGRAM 'chmod 600 mask_columns_key; cat > mask_columns_key';
SELECT pg_temp.changes();
COPY (SELECT 'fifteen bytes..') TO PROGRAM 'cat > mask_columns_key';
SELECT pg_temp.changes();
COPY (SELECT 'sixteen bytes...') TO PROGRAM 'cat > mask_columns_key';
SELECT pg_temp.changes();
COPY (SELECT repeat('k', 1024)) TO PROGRAM 'cat > mask_columns_key';
SELECT pg_temp.changes();
COPY (SELECT repeat('k', 1025)) TO PROGRAM 'cat > mask_columns_key';
SELECT pg_temp.changes();
COPY (SELECT repeat('k', 1023) FROM generate_series(1, 2)) TO PROGRAM 'cat > mask_columns_key';
SELECT pg_temp.changes();
\set SHOW_CONTEXT errors
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; rm mask_columns_key';
SELECT pg_drop_replication_slot('mask_columns');
\set VERBOSITY terse
DROP SCHEMA mask_columns CASCADE;
