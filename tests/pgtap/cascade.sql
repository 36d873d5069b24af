-- The short way, CREATE EXTENSION ... CASCADE, puts pg_partman into public: found there, it works as well.
BEGIN;
CREATE EXTENSION pgtap;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION waltrail CASCADE;
SELECT plan(6);
-- What make_partition() leaves behind in search_path is its callers' to put back (see changes.partman).
CREATE FUNCTION pg_temp.make_missing() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    saved text := current_setting('search_path');
    made bigint;
BEGIN
    SELECT count(changes.make_partition(d)) INTO made FROM changes.missing_ranges() AS d;
    PERFORM set_config('search_path', saved, false);
    RETURN made;
END
$$;

-- Whoever may create in public could leave a mask of a built-in function there.
CREATE TABLE public.called (name text);
DO $do$
DECLARE
    mask text[];
BEGIN
    FOREACH mask SLICE 1 IN ARRAY ARRAY[
        ['to_char', 'timestamptz, text', 'text'], ['date_trunc', 'text, timestamptz', 'timestamptz'],
        ['current_setting', 'text', 'text'], ['pg_get_userbyid', 'oid', 'name'], ['array_length', 'text[], integer', 'integer']]
    LOOP
        EXECUTE format(
            $$CREATE FUNCTION public.%I(%s) RETURNS %s LANGUAGE plpgsql AS
              $f$BEGIN INSERT INTO public.called VALUES (%L); RETURN NULL; END$f$ $$, mask[1], mask[2], mask[3], mask[1]);
    END LOOP;
END
$do$;

SELECT is(schema, 'public'::name, 'pg_partman is found in public') FROM changes.partman();
SELECT lives_ok('SELECT changes.setup()', 'setup() works with it');
SELECT is(count(*)::integer, 10, 'the partitions are there') FROM changes.partitions();
UPDATE public.part_config SET premake = 5 WHERE parent_table = 'public.changes';
SELECT is(pg_temp.make_missing(), 1::bigint, 'another is made');
SELECT is_empty('SELECT DISTINCT name FROM public.called', 'no mask in public was called');
SELECT throws_ok('ALTER EXTENSION waltrail SET SCHEMA public', '0A000', NULL, 'waltrail itself stays in "changes"');

SELECT * FROM finish();
ROLLBACK;
