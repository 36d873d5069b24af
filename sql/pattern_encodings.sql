-- patterns mean the same names whatever the encoding of the database, and none of them changes what another one means
SET client_min_messages = warning;
CREATE DATABASE waltrail_patterns_ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE waltrail_patterns_win ENCODING 'WIN1252' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
CREATE DATABASE waltrail_patterns_euc ENCODING 'EUC_JP' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C';
\set regression :DBNAME
\set SHOW_CONTEXT never
-- SQL_ASCII: bytes that are UTF-8, and bytes that are not
\c waltrail_patterns_ascii
SET client_encoding = 'SQL_ASCII';
DO $$ BEGIN
    CREATE TABLE people (id integer, email text, "größe" integer);
    EXECUTE format('CREATE TABLE kunden (id integer, %I text)', E'stra\xdfe');
    EXECUTE format('CREATE TABLE %I (id integer)', E't\xe9');
END $$;
SELECT 'slot' FROM pg_create_logical_replication_slot('pattern_encodings', 'waltrail');
DO $$ BEGIN
    INSERT INTO people VALUES (1, 'hush', 2);
    INSERT INTO kunden VALUES (1, 'hush');
    EXECUTE format('INSERT INTO %I VALUES (1)', E't\xe9');
END $$;
CREATE FUNCTION pg_temp.rows(VARIADIC options text[] DEFAULT '{}') RETURNS TABLE ("table" text, after text) LANGUAGE sql AS $$
    SELECT data::json->>'table', data::json->>'after'
    FROM pg_logical_slot_peek_changes('pattern_encodings', NULL, NULL, VARIADIC ARRAY['format', 'json'] || options)
$$;
SELECT * FROM pg_temp.rows();
SELECT * FROM pg_temp.rows('exclude_columns', E'public.people.email,public.kunden.stra\xdfe');
SELECT * FROM pg_temp.rows('exclude_columns', E'public.kunden.stra\xdfe,public.people.größe');
SELECT * FROM pg_temp.rows('exclude_columns', 'public.kunden.stra*');
SELECT * FROM pg_temp.rows('exclude_columns', E'*."stra\xdfe", public.*.*\xb6*');
SELECT * FROM pg_temp.rows('exclude_tables', E'public.people,public.t\xe9');
SELECT * FROM pg_temp.rows('tables', E'public.t\xe9,public.kunden');
-- bytes of another encoding are another name
SELECT * FROM pg_temp.rows('tables', 'public.kunden', 'exclude_columns', 'public.kunden.straße');
SET waltrail.exclude_columns = '*.email';
SELECT * FROM pg_temp.rows('exclude_columns', E'a.b.\x81');
RESET waltrail.exclude_columns;
SELECT pg_drop_replication_slot('pattern_encodings');
-- WIN1252: 0x81 has no equivalent in UTF-8
\c waltrail_patterns_win
SET client_encoding = 'UTF8';
DO $$ BEGIN
    CREATE TABLE people (id integer, email text, "straße" text);
    EXECUTE format('CREATE TABLE %I (id integer, %I text)', E'gr\xfc\xdfe\x81', E'stra\xdfe\x81');
END $$;
SELECT 'slot' FROM pg_create_logical_replication_slot('pattern_encodings', 'waltrail');
DO $$ BEGIN
    INSERT INTO people VALUES (1, 'hush', 'hush');
    EXECUTE format('INSERT INTO %I VALUES (1, %L)', E'gr\xfc\xdfe\x81', 'hush');
END $$;
CREATE FUNCTION pg_temp.rows(VARIADIC options text[] DEFAULT '{}') RETURNS TABLE ("table" text, after text) LANGUAGE sql AS $$
    SELECT data::json->>'table', data::json->>'after'
    FROM pg_logical_slot_peek_changes('pattern_encodings', NULL, NULL, VARIADIC ARRAY['format', 'json'] || options)
$$;
SELECT * FROM pg_temp.rows();
SELECT * FROM pg_temp.rows('exclude_columns', 'public.people.straße,public.people.email', 'exclude_tables', E'a.\x81');
SELECT * FROM pg_temp.rows('exclude_columns', E'a.b.\x81,public.people.straße,public.people.email', 'exclude_tables', E'a.\x81,public.people');
SELECT * FROM pg_temp.rows('exclude_columns', E'*.stra\xdfe\x81,*.email');
SELECT * FROM pg_temp.rows('exclude_columns', '*.straß*');
SELECT * FROM pg_temp.rows('exclude_columns', E'*.*\x81');
SELECT * FROM pg_temp.rows('exclude_tables', 'public.grü*');
SET waltrail.exclude_columns = 'public.people.straße';
SELECT * FROM pg_temp.rows('tables', 'public.people', 'exclude_columns', E'a.b.\x81');
-- a role's and a database's settings come as the database writes them in which they were made
RESET waltrail.exclude_columns;
\c :regression
SET client_encoding = 'UTF8';
ALTER DATABASE waltrail_patterns_win SET waltrail.exclude_columns = '*.☃, *.straße, *.email';
\c waltrail_patterns_win
SET client_encoding = 'UTF8';
SELECT data::json->>'after' AS after FROM pg_logical_slot_peek_changes('pattern_encodings', NULL, NULL, 'format', 'json', 'tables', 'public.people');
ALTER DATABASE :regression SET waltrail.exclude_columns = '*.straße';
SELECT pg_drop_replication_slot('pattern_encodings');
\c :regression
SELECT 'slot' FROM pg_create_logical_replication_slot('pattern_encodings', 'waltrail');
SELECT 'none' FROM pg_logical_slot_get_changes('pattern_encodings', NULL, NULL, 'format', 'json');
SELECT pg_drop_replication_slot('pattern_encodings');
ALTER DATABASE :regression RESET waltrail.exclude_columns;
-- EUC_JP: the second byte of a character and the first of the next one are not a character
\c waltrail_patterns_euc
SET client_encoding = 'UTF8';
CREATE TABLE "東京" (id integer, "東京" text);
SELECT 'slot' FROM pg_create_logical_replication_slot('pattern_encodings', 'waltrail');
INSERT INTO "東京" VALUES (1, 'x');
CREATE FUNCTION pg_temp.rows(VARIADIC options text[] DEFAULT '{}') RETURNS TABLE ("table" text, after text) LANGUAGE sql AS $$
    SELECT data::json->>'table', data::json->>'after'
    FROM pg_logical_slot_peek_changes('pattern_encodings', NULL, NULL, VARIADIC ARRAY['format', 'json'] || options)
$$;
SELECT convert_to('東京', 'EUC_JP') AS bytes, * FROM pg_temp.rows('exclude_tables', E'*.*\xec\xb5*');
SELECT * FROM pg_temp.rows('exclude_columns', '*.*京');
SELECT * FROM pg_temp.rows('tables', 'public.東*', 'exclude_columns', '*.*東*京*');
SELECT pg_drop_replication_slot('pattern_encodings');
\c :regression
DROP DATABASE waltrail_patterns_ascii;
DROP DATABASE waltrail_patterns_win;
DROP DATABASE waltrail_patterns_euc;
