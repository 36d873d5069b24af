-- what the source's own settings exclude or mask is added to what the client asks, and only a superuser can set them
CREATE TABLE source_settings (id integer PRIMARY KEY, email text, name text);
CREATE TABLE source_settings_other (id integer PRIMARY KEY);
SELECT 'slot' FROM pg_create_logical_replication_slot('source_settings', 'waltrail');
INSERT INTO source_settings VALUES (1, 'a@hush', 'a');
INSERT INTO source_settings_other VALUES (1);
CREATE FUNCTION pg_temp.rows(VARIADIC options text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE sql AS $$
    SELECT data::jsonb->>'after' FROM pg_logical_slot_peek_changes('source_settings', NULL, NULL, VARIADIC ARRAY['format', 'json'] || options)
$$;
\set SHOW_CONTEXT never
SELECT pg_temp.rows();
SET waltrail.exclude_columns = '*.email';
SELECT pg_temp.rows();
SELECT pg_temp.rows('exclude_columns', 'public.source_settings.name');
SELECT pg_temp.rows('exclude_columns', '');
SET waltrail.exclude_tables = 'public.source_settings_other';
SELECT pg_temp.rows();
SELECT pg_temp.rows('exclude_tables', 'public.source_settings');
-- a key is needed where the source masks, even if the client does not
SET waltrail.mask_columns = '*.email, *.name';
SELECT pg_temp.rows();
COPY (SELECT 'a key of 32 characters, not more') TO PROGRAM 'umask 077; cat > source_settings_key';
SET waltrail.mask_key_file = 'source_settings_key';
SELECT pg_temp.rows() ~ '^{"id": 1, "name": "hmac-sha256:[0-9a-f]{64}"}$' AS excluded_wins;
RESET waltrail.exclude_columns;
SELECT pg_temp.rows() ~ '^{"id": 1, "name": "hmac-sha256:[0-9a-f]{64}", "email": "hmac-sha256:[0-9a-f]{64}"}$' AS masked;
-- a bad pattern is refused where it is set
SET waltrail.exclude_columns = '*.email, name';
SET waltrail.mask_columns = '*.email,';
SET waltrail.exclude_tables = 'a.b.c';
SELECT set_config('waltrail.exclude_columns', '"x', false);
ALTER ROLE CURRENT_USER SET waltrail.exclude_columns = 'email';
SHOW waltrail.exclude_columns;
SET waltrail.exclude_column = '*.email';
-- anybody else may do none of it
CREATE ROLE source_settings_role REPLICATION LOGIN;
SET ROLE source_settings_role;
SET waltrail.exclude_columns = '';
SET waltrail.mask_columns = '';
SET waltrail.mask_key_file = '/tmp/x';
ALTER ROLE source_settings_role SET waltrail.exclude_tables = '';
\set VERBOSITY sqlstate
SHOW waltrail.mask_key_file;
\set VERBOSITY default
SELECT pg_temp.rows() ~ 'hush' AS leaks;
RESET ROLE;
COPY (SELECT 1) TO PROGRAM 'cat > /dev/null; rm source_settings_key';
SELECT pg_drop_replication_slot('source_settings');
DROP ROLE source_settings_role;
DROP TABLE source_settings, source_settings_other;
