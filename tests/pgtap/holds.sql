-- What a hold keeps is in changes.trail exactly once, for every reader at every moment, before, while and after its partition goes.
-- maintain() commits, so this file works in a database of its own; other sessions come through dblink.
\set home :DBNAME
\set own :DBNAME _holds
SET client_min_messages = warning;
DROP DATABASE IF EXISTS :"own" WITH (FORCE);
CREATE DATABASE :"own" TEMPLATE template0;
\c :"own"
SET client_min_messages = warning;
CREATE EXTENSION pgtap;
CREATE EXTENSION dblink;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(60);

SELECT throws_ok($$SELECT changes.hold('s', reason => 'r')$$, '42P01', NULL, 'without a trail there is nothing to hold');
SELECT changes.setup('unlimited', '1 day');
CREATE FUNCTION day(days_ahead integer) RETURNS timestamptz LANGUAGE sql STABLE SET timezone = 'UTC'
    AS 'SELECT date_trunc(''day'', now()) + make_interval(days => days_ahead)';
CREATE VIEW counts AS
    SELECT c.schema, c."table", c.database, count(*)::integer AS rows, count(DISTINCT c.id)::integer AS ids, min(c.position)::integer AS oldest
      FROM changes.trail AS c GROUP BY 1, 2, 3;

-- What is refused.
SELECT throws_ok($$SELECT changes.hold('s', 't')$$, '22023', 'a hold needs a reason', 'a reason must be given');
SELECT throws_ok($$SELECT changes.hold('s', 't', reason => ' ')$$, '22023', 'a hold needs a reason', 'and say something');
SELECT throws_ok($$SELECT changes.hold(NULL, 't', reason => 'r')$$, '22004', 'a hold needs a schema', 'a schema must be given');
SELECT throws_ok($$SELECT changes.hold('s', 't', '15', reason => 'r')$$, '22023', 'invalid retention "15"', 'a bare number is no retention');
SELECT throws_ok($$SELECT changes.hold('s', 't', NULL, reason => 'r')$$, '22023', 'invalid retention NULL', 'nor is NULL');
SELECT throws_ok(format('SELECT changes.hold(%L, reason => ''r'')', repeat('x', 256)), '22001', NULL, 'no schema has such a long name');
SELECT throws_ok('SELECT changes.release(1)', '42704', 'there is no hold 1 in force', 'a hold that is not there cannot end');
SELECT throws_ok('SELECT changes.release(NULL)', '42704', 'there is no hold NULL in force', 'nor can NULL');
SELECT is_empty('SELECT FROM changes.holds', 'nothing of that left a hold');

-- A row a day for 40 days, of each of several tables; position is the day.
INSERT INTO public.changes (database, schema, "table", primary_key, operation, transaction_id, position, committed_at, context)
SELECT n.database, n.schema, n."table", '1', 'CREATE', 1, g, day(g + 1) - interval '1 second', jsonb_build_object('day', g)
  FROM generate_series(-40, 0) AS g,
       (VALUES ('d1', 's', 'kept'), ('d2', 's', 'kept'), ('d1', 's', 'gone'), ('d1', 'odd." schema''s', 'odd." table''s'),
               ('d1', 'whole', 'one'), ('d2', 'whole', 'two'), ('d1', 's', 'longer')) AS n (database, schema, "table");
CALL changes.maintain();
SELECT is(count(*)::integer, 46, 'each of the days has a partition') FROM changes.partition_bounds();

SELECT is(changes.hold('s', 'kept', database => 'd1', reason => 'case 1'), 1::bigint, 'a hold has a number');
SELECT is(changes.hold('odd." schema''s', 'odd." table''s', reason => 'case 2'), 2::bigint, 'for odd names');
SELECT is(changes.hold('whole', reason => 'case 3'), 3::bigint, 'for a whole schema');
SELECT is(changes.hold('s', 'longer', '20 days', reason => 'case 4'), 4::bigint, 'for a time');
SELECT is(changes.hold('s', 'kept', '20 days', database => 'd1', reason => 'case 5'), 5::bigint, 'twice for one table');
SELECT is(changes.hold('nowhere', 'nothing', reason => 'case 6'), 6::bigint, 'for a table that nobody knows');
SELECT results_eq('SELECT placed_by, placed_at IS NOT NULL, released_at FROM changes.holds WHERE id = 1',
    'SELECT current_user::name, true, NULL::timestamptz', 'who and when is known');
CREATE TEMPORARY TABLE counts_before AS TABLE counts;
-- A hold does not come between a look at the holds and the drop.
SELECT dblink_connect('maintenance', format('dbname=%L host=%s port=%s user=%s', current_database(),
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user));
SELECT dblink_exec('maintenance', 'BEGIN');
SELECT is(locked, true, 'a task of maintain() is under way') FROM dblink('maintenance', 'SELECT changes.lock_trail(false)') AS t (locked boolean);
SET lock_timeout = '100ms';
SELECT throws_ok($$SELECT changes.hold('s', reason => 'r')$$, '55P03', NULL, 'a hold waits for it');
SELECT throws_ok('SELECT changes.release(6)', '55P03', NULL, 'so does a release');
SELECT throws_ok($$SELECT changes.set_retention('1 day')$$, '55P03', NULL, 'and another retention');
RESET lock_timeout;
SELECT dblink_exec('maintenance', 'ROLLBACK');  -- its lock would outlive a mere disconnect by a moment
SELECT dblink_disconnect('maintenance');
CALL changes.maintain();
SELECT results_eq('TABLE counts', 'TABLE counts_before', 'while nothing expires, nothing moves');
SELECT is_empty('SELECT FROM changes.held', 'nothing at all');

-- Ten days are kept. A report began before the rows move, and looks only after.
SELECT dblink_connect(name, format('dbname=%L host=%s port=%s user=%s', current_database(),
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user))
  FROM unnest(ARRAY['report', 'late']) AS name;
SELECT dblink_exec('report', 'BEGIN ISOLATION LEVEL REPEATABLE READ');
SELECT is(n, 0::bigint, 'the report begins') FROM dblink('report', 'SELECT count(*) FROM changes.held') AS t (n bigint);
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name)
VALUES (1, 'one', 1, 1, 'one', 's');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at) VALUES (1, '0/1', '0/2', 1, now());
SELECT changes.set_retention('10 days');
-- What a restored dump has brought: lists of other partitions, whose oids are by chance those of partitions here, or nobody's.
INSERT INTO changes.moves (partition, name, awaited) SELECT p.partition, 'public.another', '{}' FROM changes.partition_bounds() AS p;
INSERT INTO changes.moves (partition, name, awaited) VALUES (1, 'public.gone', '{}');
CALL changes.maintain();
SELECT is_empty($$SELECT FROM changes.moves WHERE name IN ('public.another', 'public.gone')$$, 'lists that a dump has brought are thrown away');
SELECT isnt_empty('SELECT FROM changes.moves', 'and made anew: a report is awaited');
CREATE TEMPORARY TABLE moved AS SELECT c.position, c."table" FROM changes.held AS c;
SELECT isnt_empty('TABLE moved', 'rows have moved');
SELECT results_eq($$SELECT * FROM dblink('report', 'SELECT count(*), count(DISTINCT id) FROM changes.trail WHERE "table" <> ''gone''')
    AS t (rows bigint, ids bigint)$$, 'SELECT sum(rows)::bigint, sum(ids)::bigint FROM counts_before WHERE "table" <> ''gone''',
    'a report from before sees each held row once');
SELECT dblink_exec('report', 'COMMIT');
CALL changes.maintain();
SELECT is(min(lower_bound), day(-10), 'after it the partitions go') FROM changes.partition_bounds();
SELECT results_eq($$SELECT rows, ids, oldest FROM counts WHERE "table" = 'kept' AND database = 'd1'$$, 'VALUES (41, 41, -40)', 'a held table is whole');
SELECT results_eq($$SELECT rows, ids, oldest FROM counts WHERE "table" = 'odd." table''s'$$, 'VALUES (41, 41, -40)', 'one of an odd name, too');
SELECT results_eq($$SELECT rows, ids, oldest FROM counts WHERE schema = 'whole' ORDER BY 1$$, 'VALUES (41, 41, -40), (41, 41, -40)',
    'and each of a held schema');
SELECT results_eq($$SELECT rows, ids, oldest FROM counts WHERE "table" = 'longer'$$, 'VALUES (21, 21, -20)', 'one held for a time has that time');
SELECT results_eq($$SELECT rows, ids, oldest FROM counts WHERE "table" = 'gone'$$, 'VALUES (11, 11, -10)', 'what is not held is gone');
SELECT results_eq($$SELECT rows, ids, oldest FROM counts WHERE "table" = 'kept' AND database = 'd2'$$, 'VALUES (11, 11, -10)',
    'so is the same table of another source');
SELECT results_eq($$SELECT count(*)::integer FROM changes.held WHERE context @> '{"day": -30}'$$, ARRAY[4], 'held rows are whole');
SELECT is_empty('SELECT FROM changes.moves', 'nothing waits any more');

-- What was dropped is on record.
SELECT is(count(*)::integer, 30, 'each drop is on record') FROM changes.drops;
SELECT is(array_agg(held ORDER BY lower_bound), array_fill(4::bigint, ARRAY[20]) || array_fill(5::bigint, ARRAY[10]),
    'with the rows that a hold keeps') FROM changes.drops;
SELECT is(count(*)::integer, 30, 'bounds, sizes, retention and who did it')
  FROM changes.drops
 WHERE partition LIKE 'public.changes\_p%' AND upper_bound = lower_bound + interval '1 day' AND bytes > 0 AND rows BETWEEN 0 AND 7
   AND retention = '10 days' AND dropped_by = current_user AND dropped_at > now() - interval '1 hour';

-- Late rows come into the default partition; of a held table they are held, too.
INSERT INTO public.changes (database, schema, "table", primary_key, operation, transaction_id, position, committed_at)
VALUES ('d1', 's', 'kept', '1', 'CREATE', 1, -50, day(-50)), ('d1', 's', 'gone', '1', 'CREATE', 1, -50, day(-50)),
       ('d1', 's', 'longer', '1', 'CREATE', 1, -50, day(-50));
CALL changes.maintain();
SELECT is(array_agg("table" || position), ARRAY['kept-50'], 'a late row of a held table is held')
  FROM changes.trail WHERE position <= -50;
SELECT results_eq('SELECT partition, lower_bound, upper_bound, rows, bytes, held FROM changes.drops ORDER BY id DESC LIMIT 1',
    $$VALUES ('public.changes_default', day(-50), day(-50) + interval '1 second', 3::bigint, NULL::bigint, 1::bigint)$$,
    'the rows of the default partition that went are on record');

-- A row that comes between the move and the drop: the writer holds the partition when the held rows have moved already.
SELECT changes.set_retention('9 days');
SELECT is(changes.drop_expired(p), false, 'held rows move first') FROM changes.expired_partitions() AS p;
INSERT INTO public.changes (database, schema, "table", primary_key, operation, transaction_id, position, committed_at)
VALUES ('d1', 's', 'kept', '2', 'CREATE', 1, -60, day(-10));
SELECT is(changes.drop_expired(p), false, 'a late one after them') FROM changes.expired_partitions() AS p;
SELECT is(changes.drop_expired(p), true, 'then the partition goes') FROM changes.expired_partitions() AS p;
SELECT is(count(*)::integer, 1, 'with the late row in the trail') FROM changes.trail WHERE position = -60;
SELECT is(held, 6::bigint, 'and on record') FROM changes.drops ORDER BY id DESC LIMIT 1;
SELECT dblink_exec('late', format($$INSERT INTO public.changes (database, schema, "table", primary_key, operation, transaction_id, position, committed_at)
    VALUES ('d1', 's', 'kept', '3', 'CREATE', 1, -61, %L)$$, day(-9)));
SELECT dblink_exec('late', 'BEGIN');
SELECT dblink_exec('late', format($$INSERT INTO public.changes (database, schema, "table", primary_key, operation, transaction_id, position, committed_at)
    VALUES ('d1', 's', 'kept', '4', 'CREATE', 1, -62, %L)$$, day(-9)));
SELECT changes.set_retention('8 days');
SET client_min_messages = error;  -- the warning of the lock that is not had
CALL changes.maintain();
SET client_min_messages = warning;
SELECT is(min(lower_bound), day(-9), 'a partition that somebody writes to stays') FROM changes.partition_bounds();
SELECT dblink_exec('late', 'COMMIT');
CALL changes.maintain();
SELECT is(min(lower_bound), day(-8), 'and goes when he is done') FROM changes.partition_bounds();
SELECT is(count(*)::integer, 2, 'with what he wrote in the trail') FROM changes.trail WHERE position IN (-61, -62);

-- A hold ends.
SELECT lives_ok('SELECT changes.release(3)', 'a hold is released');
SELECT throws_ok('SELECT changes.release(3)', '42704', 'there is no hold 3 in force', 'once');
SELECT isnt_empty($$SELECT FROM changes.held WHERE schema = 'whole'$$, 'its rows stay until maintain() runs');
CALL changes.maintain();
SELECT is_empty($$SELECT FROM changes.held WHERE schema = 'whole'$$, 'and go then');
SELECT is((partition, rows, bytes)::text, '(changes.held,64,)', 'on record') FROM changes.drops ORDER BY id DESC LIMIT 1;
SELECT results_eq('SELECT reason, released_by, released_at IS NOT NULL FROM changes.holds WHERE id = 3',
    $$SELECT 'case 3', current_user::name, true$$, 'the hold itself is remembered');
-- Two holds on one table: the shorter one's end does not end the other.
SELECT changes.release(1);
CALL changes.maintain();
SELECT is(min(position), -20::bigint, 'with one hold of two ended, the other counts')
  FROM changes.trail WHERE "table" = 'kept' AND database = 'd1' AND position > -45;
SELECT changes.set_retention('unlimited');
SELECT changes.release(id) FROM changes.holds WHERE released_at IS NULL;
CREATE TEMPORARY TABLE kept AS SELECT count(*) AS rows FROM changes.trail;
CALL changes.maintain();
SELECT is((SELECT count(*) FROM changes.trail), rows, 'what was held stays where the retention has become unlimited') FROM kept;
SELECT changes.set_retention('8 days');
CALL changes.maintain();
SELECT is_empty('SELECT FROM changes.held', 'and goes when it has not');

SELECT dblink_disconnect(name) FROM unnest(ARRAY['report', 'late']) AS name;
SELECT * FROM finish();
\c :"home"
SET client_min_messages = warning;
DROP DATABASE :"own" WITH (FORCE);
