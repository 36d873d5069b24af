-- waltrail.context takes a JSON object, and says what it does not take; needs the library in shared_preload_libraries
\set VERBOSITY default
SET waltrail.context = '{"user_id": 7}';
SHOW waltrail.context;
SET waltrail.context = 'user 7';
SET waltrail.context = '["user", 7]';
SET waltrail.context = '{"user_id": 7';
SET waltrail.context = '{"user_id": "\u0000"}';
-- without the value itself
CREATE FUNCTION pg_temp.detail_of(value text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    PERFORM set_config('waltrail.context', value, true);
    RETURN 'taken';
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN detail;
END $$;
SELECT pg_temp.detail_of('{"a": ' || repeat('[', 100000));
SELECT pg_temp.detail_of('{"a": "' || repeat('x', 1048576 - 8) || '"}');
SELECT pg_temp.detail_of('{"a": "' || repeat('x', 1048576 - 9) || '"}');
BEGIN;
SET LOCAL waltrail.context = '{"user_id": 8}';
SHOW waltrail.context;
COMMIT;
SHOW waltrail.context;
SET waltrail.context = '';
SET waltrail.contest = '{}';
SELECT length(set_config('waltrail.comment_affix', repeat('x', 63), true));
SELECT set_config('waltrail.comment_affix', repeat('x', 64), true);
SET waltrail.comment_affix = 'a b';
-- the others are a superuser's
CREATE ROLE capture_setting_role;
SET ROLE capture_setting_role;
SET waltrail.context = '{"user_id": 9}';
SET waltrail.comment_affix = 'x';
SET waltrail.capture_actor = off;
ALTER ROLE capture_setting_role SET waltrail.capture_actor = off;
RESET ROLE;
DROP ROLE capture_setting_role;
