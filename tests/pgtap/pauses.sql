-- Time does not go on evenly: apply stops for months and comes back, sources lag, clocks jump. Rows must find a partition of their own all the same, and
-- nothing may be dropped for a wrong clock. maintain() commits, so this file works in a database of its own.
\set home :DBNAME
\set own :DBNAME _pauses
SET client_min_messages = warning;
DROP DATABASE IF EXISTS :"own" WITH (FORCE);
CREATE DATABASE :"own" TEMPLATE template0;
\c :"own"
SET client_min_messages = warning;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(32);
SET timezone = 'America/St_Johns';
SELECT changes.setup('30 days');
CREATE FUNCTION day(days_ahead integer) RETURNS timestamptz LANGUAGE sql STABLE SET timezone = 'UTC'
    AS 'SELECT date_trunc(''day'', now()) + make_interval(days => days_ahead)';
CREATE FUNCTION insert_days(from_day integer, to_day integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
    SELECT 'd', 's', 't', 'CREATE', 1, g, day(g + 1) - interval '1 second' FROM generate_series(from_day, to_day) AS g
$$;
CREATE FUNCTION in_default() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM ONLY public.changes_default';
CREATE FUNCTION holes() RETURNS integer LANGUAGE sql AS $$
    SELECT count(*)::integer - 1
      FROM (SELECT unnest(range_agg(tstzrange(lower_bound, upper_bound))) FROM changes.partition_bounds() WHERE NOT is_default) AS run
$$;
CREATE PROCEDURE applied_until(source integer, instant timestamptz) LANGUAGE sql AS
    'UPDATE changes.applied SET last_committed_at = $2 WHERE source_id = $1';

INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name)
VALUES (1, 'one', 1, 1, 'one', 's'), (2, 'two', 1, 2, 'two', 's'), (3, 'never', 1, 3, 'never', 's');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at)
VALUES (1, '0/1', '0/2', 1, now()), (2, '0/1', '0/2', 1, now()), (3, '0/1', '0/1', 1, NULL);

-- Apply was stopped for 60 days. Its first act is maintain(); then it writes what happened meanwhile.
CALL applied_until(1, day(-60) + interval '1 hour');
CALL applied_until(2, day(-60) + interval '1 hour');
CALL changes.maintain();
SELECT is(min(lower_bound), day(-60), 'the days of the pause have partitions') FROM changes.partition_bounds();
SELECT is(holes(), 0, 'each of them');
SELECT insert_days(-60, 0);
SELECT is(in_default(), 0::bigint, 'no row of the pause lands in the default partition');
SELECT is(count(*)::integer, 61, 'and none is dropped while it is written') FROM public.changes;
CALL changes.maintain();
SELECT is(count(*)::integer, 61, 'not by maintain() either, which counts from the newest applied commit') FROM public.changes;
CALL applied_until(1, now());
CALL changes.maintain();
SELECT is(min(position), -30::bigint, 'once it is applied, the retention counts from now') FROM public.changes;
SELECT cmp_ok(min(lower_bound), '>=', day(-30), 'and no partition is made to be dropped') FROM changes.partition_bounds();

-- One source of two is behind: its days that are not past the retention have partitions, whatever the other does.
CALL applied_until(1, now());
CALL applied_until(2, day(-20));
SELECT format('DROP TABLE %s', partition) FROM changes.partition_bounds() WHERE upper_bound <= day(-4) \gexec
CALL changes.maintain();
SELECT is(ARRAY[min(lower_bound), max(upper_bound)], ARRAY[day(-20), day(5)], 'a source that lags has its days') FROM changes.partition_bounds();
SELECT is(holes(), 0, 'all of them');
CALL applied_until(2, day(-200));
CALL changes.maintain();
SELECT is(min(lower_bound), day(-30), 'not those that would be dropped at once') FROM changes.partition_bounds();

-- A pause of years makes a hundred partitions, once, from where it began.
CALL applied_until(1, day(-1000));
CALL applied_until(2, day(-1000));
SELECT format('DROP TABLE %s', partition) FROM changes.partition_bounds() WHERE NOT is_default \gexec
CALL changes.maintain();
SELECT is(count(*)::integer, 109, 'a pause of years makes a hundred partitions and those of now')
  FROM changes.partition_bounds() WHERE NOT is_default AND lower_bound <> day(-900);
SELECT is(min(lower_bound), day(-1000), 'from its beginning') FROM changes.partition_bounds();
CREATE TEMPORARY TABLE partitions_before AS SELECT * FROM changes.partition_bounds();
CALL changes.maintain();
SELECT results_eq('SELECT * FROM changes.partition_bounds()', 'TABLE partitions_before', 'and no more of them the next time');

-- Late rows: what lands in the default partition is moved, what is past the retention goes.
CALL applied_until(1, now());
CALL applied_until(2, now());
CALL changes.maintain();
SELECT is(min(lower_bound) >= day(-30), true, 'the old days are gone') FROM changes.partition_bounds();
DELETE FROM public.changes;
SELECT insert_days(-35, -10);
SELECT is(in_default(), 26::bigint, 'late rows land in the default partition');
CALL changes.maintain();
SELECT is(in_default(), 0::bigint, 'and leave it');
SELECT is(array_agg(position ORDER BY position), ARRAY(SELECT generate_series(-30, -10)::bigint), 'for their days, if not past the retention')
  FROM public.changes;
SELECT is_empty('SELECT FROM public.changes AS c JOIN changes.partition_bounds() AS p ON p.partition = c.tableoid
    WHERE c.committed_at < p.lower_bound OR c.committed_at >= p.upper_bound', 'each in its own');

-- A source's clock jumps ahead and back: its rows wait in the default partition, no retention counts from them, no partition is made for them.
CREATE TEMPORARY TABLE before_jump AS SELECT count(*) AS partitions, min(lower_bound) AS oldest, max(upper_bound) AS newest FROM changes.partition_bounds();
SELECT insert_days(700, 701);
CALL applied_until(1, day(701));
CALL changes.maintain();
SELECT results_eq('SELECT count(*), min(lower_bound), max(upper_bound) FROM changes.partition_bounds()', 'TABLE before_jump',
    'a source''s clock that is ahead makes and drops nothing');
SELECT is(in_default(), 2::bigint, 'its rows wait');
CALL applied_until(1, day(-700));
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position, committed_at)
VALUES ('d', 's', 't', 'CREATE', 1, 7000, '1970-01-01'), ('d', 's', 't', 'CREATE', 1, 7001, '-infinity'), ('d', 's', 't', 'CREATE', 1, 7002, 'infinity');
CALL changes.maintain();
SELECT is(array_agg(position ORDER BY position), ARRAY[700, 701, 7002]::bigint[], 'one that goes back leaves nothing behind')
  FROM ONLY public.changes_default;
SELECT is(max(upper_bound), (SELECT newest FROM before_jump), 'and makes nothing') FROM changes.partition_bounds();

-- This server's clock was years ahead for a moment: maintain() has made partitions there. Back in time, the present goes on.
CALL applied_until(1, now());
SELECT changes.make_partition(tstzrange(day(800), day(801)));
RESET search_path;
UPDATE partman.part_config SET premake = 6;
CALL changes.maintain();
SELECT is(max(upper_bound) FILTER (WHERE upper_bound < day(100)), day(7), 'days are made after the present') FROM changes.partition_bounds();
SELECT is(count(*)::integer, 1, 'a partition of a jump stays where it is') FROM changes.partition_bounds() WHERE lower_bound = day(800);
SELECT results_eq('SELECT count(*) FROM public.changes', ARRAY[24::bigint], 'no row is lost');
-- While it is ahead, what was applied is older than it seems: the pause that is none has its limit.
CALL applied_until(1, day(-400));
CALL applied_until(2, day(-400));
SELECT cmp_ok(count(*)::integer, '<=', 101, 'a clock that is a year ahead makes a hundred partitions') FROM changes.missing_ranges();
SELECT is(changes.retention_cutoff(), day(-430), 'and drops nothing of what was there when it was right');

-- Wider partitions: the same with months.
SELECT changes.set_retention('unlimited');
CALL applied_until(1, day(-400));
CALL changes.maintain();
SELECT is(min(lower_bound), changes.period_start(day(-400), '1 month'), 'a pause of a year has its months') FROM changes.partition_bounds();
SELECT is((SELECT count(*) FROM changes.missing_ranges()), 0::bigint, 'and no time is missing');
SELECT insert_days(-900, -850);
CALL changes.maintain();
SELECT is(in_default(), 3::bigint, 'late rows get months');
SELECT is(count(DISTINCT tableoid)::integer, count(DISTINCT date_trunc('month', committed_at AT TIME ZONE 'UTC'))::integer, 'one for each')
  FROM public.changes WHERE position BETWEEN -900 AND -850;
SELECT is_empty('SELECT FROM changes.partition_bounds() WHERE NOT is_default AND lower_bound >= day(-910) AND upper_bound < day(-410)
    AND upper_bound <> lower_bound + interval ''1 month'' AND extract(day FROM lower_bound AT TIME ZONE ''UTC'') <> 1', 'of the calendar');

SELECT * FROM finish();
\c :"home"
SET client_min_messages = warning;
DROP DATABASE :"own" WITH (FORCE);
