-- option exclude_columns: for the reader the column does not exist, neither in rows, nor in keys, nor in frames
CREATE SCHEMA exclude_columns;
SET search_path = exclude_columns, public;
CREATE TYPE pair AS (left_part text, right_part text);
CREATE TABLE users (id integer PRIMARY KEY, name text, secret text, pair pair, long text);
ALTER TABLE users ALTER COLUMN long SET STORAGE EXTERNAL;
CREATE TABLE users_full (LIKE users INCLUDING ALL);
ALTER TABLE users_full REPLICA IDENTITY FULL;
CREATE TABLE users_nothing (LIKE users INCLUDING ALL);
ALTER TABLE users_nothing REPLICA IDENTITY NOTHING;
CREATE TABLE users_index (secret text NOT NULL, id integer NOT NULL, name text, pair pair, long text, UNIQUE (secret, id));
ALTER TABLE users_index REPLICA IDENTITY USING INDEX users_index_secret_id_key;
CREATE TABLE users_key (secret text PRIMARY KEY, id integer, name text, pair pair, long text);
CREATE TABLE users_part_of_key (id integer, secret text, name text, pair pair, long text, PRIMARY KEY (id, secret));
CREATE TABLE users_root (id integer PRIMARY KEY, name text, secret text, pair pair, long text) PARTITION BY RANGE (id);
CREATE TABLE users_leaf (long text, secret text, pair pair, name text, id integer NOT NULL);
ALTER TABLE users_root ATTACH PARTITION users_leaf FOR VALUES FROM (0) TO (10);
SELECT 'slot' FROM pg_create_logical_replication_slot('exclude_columns', 'waltrail');
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['users', 'users_full', 'users_nothing', 'users_index', 'users_key', 'users_part_of_key', 'users_root'] LOOP
        EXECUTE format('INSERT INTO %I (id, name, secret, pair, long) VALUES (1, ''a'', ''hushhush'', (''hushhush'', ''x''), repeat(''hushhush'', 1000))', t);
        EXECUTE format('UPDATE %I SET secret = ''hushhush2''', t);
        EXECUTE format('UPDATE %I SET id = 2, name = ''b''', t);
        EXECUTE format('DELETE FROM %I', t);
    END LOOP;
END $$;
\set excluded '*.secret, exclude_columns.users*.pair, exclude_columns.*.lon*'
SELECT d->>'table' AS "table", d->>'operation' AS operation, d->>'primary_key' AS key, d->'before' AS before, d->'after' AS after
FROM pg_logical_slot_peek_changes('exclude_columns', NULL, NULL, 'format', 'json', 'exclude_columns', :'excluded'),
     LATERAL (SELECT data::jsonb AS d) AS change;
-- not a byte of it travels; without the option it does
CREATE FUNCTION pg_temp.bytes_travel(word text, VARIADIC options text[]) RETURNS boolean LANGUAGE sql AS $$
    SELECT bool_or(position(word::bytea IN data) > 0)
    FROM pg_logical_slot_peek_binary_changes('exclude_columns', NULL, NULL, VARIADIC options)
$$;
CREATE FUNCTION pg_temp.lines_hold(word text, VARIADIC options text[]) RETURNS boolean LANGUAGE sql AS $$
    SELECT bool_or(position(word IN data) > 0)
    FROM pg_logical_slot_peek_changes('exclude_columns', NULL, NULL, VARIADIC ARRAY['format', 'json'] || options)
$$;
SELECT word, pg_temp.bytes_travel(word, 'truncate', 'on'), pg_temp.lines_hold(word, 'truncate', 'on'),
       pg_temp.bytes_travel(word, 'exclude_columns', :'excluded') AS bytes_excluded,
       pg_temp.lines_hold(word, 'exclude_columns', :'excluded') AS lines_excluded
FROM unnest(ARRAY['hushhush', 'secret', 'left_part', 'name']) AS word;
-- by the name of a partition, of its root, and of no table; the key's column without the rest
SELECT pg_temp.lines_hold('hushhush', 'tables', '*.users_root', 'exclude_columns', 'exclude_columns.users_root.*') AS root,
       pg_temp.lines_hold('hushhush', 'tables', '*.users_root', 'exclude_columns', 'exclude_columns.users_leaf.*') AS leaf,
       pg_temp.lines_hold('hushhush', 'tables', '*.users_root', 'exclude_columns', 'exclude_columns.users.*') AS other;
SELECT d->>'operation' AS operation, d->>'primary_key' AS key, d->'before' AS before, d->'after' AS after
FROM pg_logical_slot_peek_changes('exclude_columns', NULL, NULL, 'format', 'json', 'tables', '*.users_full', 'exclude_columns', '*.*'),
     LATERAL (SELECT data::jsonb AS d) AS change;
DO $$ BEGIN PERFORM pg_logical_slot_get_changes('exclude_columns', NULL, NULL, 'format', 'json'); END $$;
-- the column's name counts as it is when a change is made, in a transaction with other changes too
BEGIN;
INSERT INTO users VALUES (1, 'a', 'hushhush');
ALTER TABLE users RENAME COLUMN secret TO told;
INSERT INTO users VALUES (2, 'b', 'told');
COMMIT;
ALTER TABLE users RENAME COLUMN told TO secret;
INSERT INTO users VALUES (3, 'c', 'hushhush');
ALTER TABLE users ADD COLUMN "Secret" text;
ALTER TABLE users DROP COLUMN secret;
INSERT INTO users VALUES (4, 'd', NULL, NULL, 'e');
ALTER TABLE users ADD COLUMN secret text;
INSERT INTO users VALUES (5, 'f', NULL, NULL, 'g', 'hushhush');
SELECT data::jsonb->'after' AS after
FROM pg_logical_slot_peek_changes('exclude_columns', NULL, NULL, 'format', 'json', 'exclude_columns', '*.secret');
-- a value that could not be written is not looked at
SET client_min_messages = warning;
CREATE TYPE failing;
CREATE FUNCTION failing_in(cstring) RETURNS failing LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
CREATE FUNCTION failing_out(failing) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'enum_out';
CREATE TYPE failing (INPUT = failing_in, OUTPUT = failing_out, LIKE = integer);
RESET client_min_messages;
CREATE TABLE failures (id integer PRIMARY KEY, secret failing);
INSERT INTO failures VALUES (1, '305419896');
SELECT pg_temp.lines_hold('unreadable', 'tables', '*.failures', 'truncate', 'on') AS without,
       pg_temp.lines_hold('unreadable', 'tables', '*.failures', 'exclude_columns', '*.secret') AS marked;
SELECT pg_drop_replication_slot('exclude_columns');
\set VERBOSITY terse
DROP SCHEMA exclude_columns CASCADE;
