-- Partition bounds follow the session's TimeZone: made from sessions in several zones, days must be UTC
-- days all the same, one after the other, without a hole.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(9);
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
CREATE FUNCTION pg_temp.bad_days() RETURNS SETOF regclass LANGUAGE sql SET timezone = 'UTC' AS $$
    SELECT p.partition
      FROM (SELECT *, lag(upper_bound) OVER (ORDER BY lower_bound) AS before
              FROM changes.partitions() WHERE NOT is_default) AS p
     WHERE p.lower_bound <> date_trunc('day', p.lower_bound)
        OR p.upper_bound <> p.lower_bound + interval '1 day'
        OR p.lower_bound <> p.before
$$;

SET LOCAL timezone = 'Asia/Kolkata';
SET LOCAL datestyle = 'SQL, DMY';
SELECT changes.setup();
SELECT is_empty('SELECT pg_temp.bad_days()', 'setup() in Kolkata makes UTC days');
SELECT is(current_setting('timezone') || ' ' || current_setting('datestyle'), 'Asia/Kolkata SQL, DMY',
    'the session keeps its settings');
SELECT is(count(*)::integer, 10, 'nine days and the default partition') FROM changes.partitions();

SET LOCAL timezone = 'America/New_York';
UPDATE partman.part_config SET premake = 7 WHERE parent_table = 'public.changes';
SELECT is(pg_temp.make_missing(), 3::bigint,
    'three more days from New York');
SELECT is_empty('SELECT pg_temp.bad_days()', 'they are UTC days and leave no hole');
SET LOCAL timezone = 'Pacific/Kiritimati';
UPDATE partman.part_config SET premake = 9 WHERE parent_table = 'public.changes';
SELECT is(pg_temp.make_missing(), 2::bigint,
    'two more from Kiritimati');
SELECT is_empty('SELECT pg_temp.bad_days()', 'they are UTC days and leave no hole');
SELECT is(min(lower_bound) || ' ' || max(upper_bound),
    (date_trunc('day', now(), 'UTC') - interval '4 days') || ' ' || (date_trunc('day', now(), 'UTC') + interval '10 days'),
    'from four days ago to nine days ahead') FROM changes.partitions();
SELECT is(pg_temp.make_missing(), 0::bigint,
    'and then no day is missing');

SELECT * FROM finish();
ROLLBACK;
