-- How much time a partition holds: what follows from the retention, what is chosen, and that a change of it leaves neither
-- a hole nor an overlap.
BEGIN;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(59);
-- What make_partition() leaves behind in search_path is its callers' to put back (see changes.partman).
CREATE FUNCTION pg_temp.make_missing() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    saved text := current_setting('search_path');
    made bigint;
BEGIN
    SELECT count(changes.make_partition(r)) INTO made FROM changes.missing_ranges() AS r;
    PERFORM set_config('search_path', saved, false);
    RETURN made;
END
$$;
CREATE FUNCTION pg_temp.lengths() RETURNS interval[] LANGUAGE sql AS $$
    SELECT array_agg(DISTINCT upper_bound - lower_bound) FROM changes.partition_bounds() WHERE NOT is_default
$$;
CREATE FUNCTION pg_temp.holes() RETURNS integer LANGUAGE sql AS $$
    SELECT count(*)::integer - 1
      FROM (SELECT unnest(range_agg(tstzrange(lower_bound, upper_bound))) FROM changes.partition_bounds() WHERE NOT is_default) AS run
$$;
CREATE FUNCTION pg_temp.covered(instant timestamptz) RETURNS boolean LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM changes.partition_bounds() WHERE lower_bound <= instant AND upper_bound > instant)
$$;
CREATE FUNCTION pg_temp.forget() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    gone regclass;
BEGIN
    FOR gone IN SELECT partition FROM changes.partition_bounds() WHERE NOT is_default LOOP
        EXECUTE format('DROP TABLE %s', gone);
    END LOOP;
END
$$;

SELECT changes.setup();
-- What follows from the retention.
CREATE FUNCTION pg_temp.interval_for(retention text) RETURNS interval LANGUAGE plpgsql AS $$
BEGIN
    PERFORM changes.set_retention(retention);
    RETURN changes.partition_interval();
END
$$;
SELECT is(pg_temp.interval_for(retention), expected::interval, format('%s gives partitions of %s', retention, expected))
  FROM (VALUES ('1 hour', '1 day'), ('15 days', '1 day'), ('30 days', '1 day'), ('1 month', '1 day'), ('45 days', '1 day'),
               ('45 days 1 second', '1 week'), ('2 months', '1 week'), ('365 days', '1 week'), ('1 year', '1 week'), ('366 days', '1 week'),
               ('400 days', '1 month'), ('7 years', '1 month'), ('unlimited', '1 month')) AS v (retention, expected);
SELECT is(changes.parse_partition_interval(given), stored, format('"%s" is understood', given))
  FROM (VALUES ('1 day', '1 day'), ('7 days', '1 week'), ('1 WEEK', '1 week'), ('1 mon', '1 month'), ('1 month', '1 month'),
               ('3 months', '3 months'), ('12 months', '1 year'), ('P1Y', '1 year'), (' Auto ', 'auto')) AS v (given, stored);
SELECT throws_ok('SELECT changes.parse_partition_interval(NULL)', '22023', 'invalid partition interval NULL', 'NULL is none');
SELECT throws_ok('SELECT changes.set_retention(NULL)', '22023', 'invalid retention NULL', 'nor is it a retention');

-- Periods of the calendar, in UTC whatever the session's zone.
SET LOCAL timezone = 'Pacific/Kiritimati';
SELECT is(changes.period_start('2026-11-30 23:59:59.999+00', step::interval), expected::timestamptz, 'a period of ' || step)
  FROM (VALUES ('1 day', '2026-11-30 00:00+00'), ('1 week', '2026-11-30 00:00+00'), ('1 month', '2026-11-01 00:00+00'),
               ('3 months', '2026-10-01 00:00+00'), ('1 year', '2026-01-01 00:00+00')) AS v (step, expected);
SELECT is(changes.period_start('2026-11-29 12:00+00', '1 week'), '2026-11-23 00:00+00', 'a Sunday belongs to the week before');

-- A new trail of each interval.
CREATE TEMPORARY TABLE fresh (step text, lengths interval[], holes integer, ahead interval, partitions bigint, premake integer);
DO $$
DECLARE
    step text;
BEGIN
    FOREACH step IN ARRAY ARRAY['1 day', '1 week', '1 month', '3 months', '1 year'] LOOP
        PERFORM pg_temp.forget();
        DROP TABLE public.changes CASCADE;
        PERFORM changes.setup('unlimited', step);
        INSERT INTO fresh
        SELECT step, pg_temp.lengths(), pg_temp.holes(), max(upper_bound) - now(), count(*), (SELECT premake FROM partman.part_config)
          FROM changes.partition_bounds() WHERE NOT is_default;
    END LOOP;
END
$$;
SELECT is(count(*)::integer, 0, 'a new trail has no hole') FROM fresh WHERE holes <> 0;
SELECT is(count(*)::integer, 0, 'and reaches four days ahead') FROM fresh WHERE ahead < '4 days';
SELECT is(count(*)::integer, 0, 'not four years') FROM fresh WHERE ahead > '2 years';
SELECT is(lengths, ARRAY[interval '7 days'], 'weeks are weeks') FROM fresh WHERE step = '1 week';
SELECT ok(lengths <@ ARRAY['28 days', '29 days', '30 days', '31 days']::interval[], 'months are months') FROM fresh WHERE step = '1 month';
SELECT ok(lengths <@ ARRAY['90 days', '91 days', '92 days']::interval[], 'quarters are quarters') FROM fresh WHERE step = '3 months';
SELECT ok(lengths <@ ARRAY['365 days', '366 days']::interval[], 'years are years') FROM fresh WHERE step = '1 year';
SELECT cmp_ok(max(partitions), '<=', 3::bigint, 'of wide ones there are few') FROM fresh WHERE step <> '1 day';
SELECT is(array_agg(premake ORDER BY ahead), ARRAY[4, 1, 1, 1, 1], 'premake counts periods') FROM fresh;
SELECT is_empty($$SELECT partition FROM changes.partition_bounds()
    WHERE NOT is_default AND partition::text <> 'changes_p' || to_char(lower_bound AT TIME ZONE 'UTC',
        (SELECT datetime_string FROM partman.part_config))$$, 'a partition is called after the day it begins');

-- From days to months: the month that days have begun gets one partition for the rest.
SELECT pg_temp.forget();
DROP TABLE public.changes CASCADE;
SELECT changes.setup('30 days', 'auto');
CREATE TEMPORARY TABLE days AS SELECT * FROM changes.partition_bounds();
SELECT changes.set_retention('unlimited');
SELECT cmp_ok(pg_temp.make_missing(), '<=', 3::bigint, 'from days to months takes few partitions');
SELECT is(pg_temp.holes(), 0, 'and leaves no hole');
SELECT is_empty('TABLE days EXCEPT SELECT * FROM changes.partition_bounds()', 'days that were there stay');
SELECT is(max(upper_bound), date_trunc('month', now(), 'UTC') + interval '2 months', 'to the end of a month') FROM changes.partition_bounds();
SELECT is(pg_temp.make_missing(), 0::bigint, 'once');
-- And back: nothing is made where a month is.
SELECT changes.set_retention('30 days');
SELECT is(pg_temp.make_missing(), 0::bigint, 'back at days, the months that are there do');
SELECT is(premake, 4, 'premake counts days again') FROM partman.part_config;
SELECT changes.set_retention('unlimited', '1 year');
SELECT cmp_ok(pg_temp.make_missing(), '<=', 3::bigint, 'from months to years takes few, too');
SELECT is(pg_temp.holes(), 0, 'without a hole');
SELECT is(max(upper_bound), date_trunc('year', now(), 'UTC') + interval '2 years', 'to the end of the next year') FROM changes.partition_bounds();
SELECT changes.set_retention('2 years');
SELECT is(changes.partition_interval(), '1 year'::interval, 'an interval that was chosen stays with another retention');
UPDATE partman.part_config SET premake = 2;
SELECT changes.set_retention('3 years');
SELECT is(premake, 2, 'and so does premake') FROM partman.part_config;
SELECT changes.set_retention('3 years', 'auto');
SELECT is(changes.partition_interval(), '1 month'::interval, 'until it is to follow again');

-- What somebody made by hand, across days, is left as it is.
SELECT changes.set_retention('10 days');
SELECT pg_temp.forget();
SELECT format('CREATE TABLE public.by_hand PARTITION OF public.changes FOR VALUES FROM (%L) TO (%L)',
    date_trunc('day', now(), 'UTC') - interval '30 hours', date_trunc('day', now(), 'UTC') + interval '6 hours 30 minutes') \gexec
SELECT is(pg_temp.make_missing(), 8::bigint, 'around a partition made by hand: two parts of days and six days');
SELECT is(pg_temp.holes(), 0, 'without a hole');
SELECT is(array_agg(DISTINCT upper_bound - lower_bound), ARRAY['17:30', '18:00', '1 day', '1 day 12:30']::interval[],
    'parts of days fill the rest') FROM changes.partition_bounds() WHERE NOT is_default;
SELECT is((partition_interval, datetime_string)::text, '("1 day",YYYY_MM_DD)', 'pg_partman knows of days only')
  FROM partman.part_config WHERE (SELECT major = 4 FROM changes.partman())
 UNION ALL
SELECT is((partition_interval, datetime_string)::text, '("1 day",YYYYMMDD)', 'pg_partman knows of days only')
  FROM partman.part_config WHERE (SELECT major = 5 FROM changes.partman());
ALTER TABLE public.by_hand RENAME TO changes_open;
SELECT pg_temp.forget();
CREATE TABLE public.from_ever PARTITION OF public.changes FOR VALUES FROM (MINVALUE) TO ('2000-01-01 00:00+00');
CREATE TABLE public.to_ever PARTITION OF public.changes FOR VALUES FROM ('2100-01-01 00:00+00') TO (MAXVALUE);
SELECT is(pg_temp.make_missing(), 9::bigint, 'partitions without an end are no obstacle');
SELECT ok(pg_temp.covered(now()), 'today has its own');

SELECT * FROM finish();
ROLLBACK;
