-- What came first, a hold or the loss that it is to prevent, is told by the lock that both take, and not by when their transactions began.
-- maintain() commits, so this file works in a database of its own; other sessions come through dblink.
\set home :DBNAME
\set own :DBNAME _hold_order
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
SELECT plan(12);
SELECT changes.setup('unlimited', '1 day');
CREATE FUNCTION day(days_ahead integer) RETURNS timestamptz LANGUAGE sql STABLE SET timezone = 'UTC'
    AS 'SELECT date_trunc(''day'', now()) + make_interval(days => days_ahead)';
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name, registered_at) VALUES (1, 'shop', 1, 1, 'shop', 's', day(-100));
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at) VALUES (1, '0/1', '0/FFFF', 1, now());
SELECT dblink_connect(name, format('dbname=%L host=%s port=%s user=%s', current_database(),
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user))
  FROM unnest(ARRAY['holder', 'eraser']) AS name;

-- The holder's transaction begins, a partition goes, the hold is placed.
INSERT INTO public.changes (database, schema, "table", primary_key, operation, transaction_id, position, committed_at)
SELECT 'shop', 'public', 'orders', '1', 'CREATE', 1, 100 + g, day(g) + interval '1 hour' FROM generate_series(-20, 0) AS g;
CALL changes.maintain();
SELECT changes.set_retention('15 days');
SELECT dblink_exec('holder', 'BEGIN');
SELECT pg_sleep(0.01);
CALL changes.maintain();
SELECT is(changes.known_since(1), day(-15), 'partitions have gone');
SELECT is(n, 1::bigint, 'then a hold is placed, in a transaction that had begun before')
  FROM dblink('holder', $$SELECT changes.hold('public', 'orders', reason => 'case')$$) AS t (n bigint);
SELECT dblink_exec('holder', 'COMMIT');
SELECT is(changes.known_since(1, 'public', 'orders'), day(-15), 'it has not kept what was gone');
SELECT cmp_ok((SELECT placed_at FROM changes.holds), '>', (SELECT max(dropped_at) FROM changes.drops), 'and says so');

-- The task of maintain() waits for the hold, and keeps what it says.
SELECT changes.set_retention('10 days');
SELECT dblink_exec('holder', 'BEGIN');
SELECT is(n, 2::bigint, 'a hold is placed') FROM dblink('holder', $$SELECT changes.hold('public', 'orders', '60 days', reason => 'another case')$$) AS t (n bigint);
SELECT dblink_exec('holder', 'COMMIT');
CALL changes.maintain();
SELECT is(changes.known_since(1), day(-10), 'more partitions have gone');
SELECT is(changes.known_since(1, 'public', 'orders'), day(-15), 'of what is held nothing');

-- A trail made before is mended by setup().
ALTER TABLE changes.holds ALTER COLUMN placed_at SET DEFAULT now();
ALTER TABLE changes.drops ALTER COLUMN dropped_at SET DEFAULT now();
SELECT changes.setup();
SELECT bag_eq($$SELECT c.relname::text COLLATE "C", pg_get_expr(d.adbin, d.adrelid) COLLATE "C" FROM pg_attrdef AS d JOIN pg_attribute AS a ON (a.attrelid, a.attnum) = (d.adrelid, d.adnum)
                      JOIN pg_class AS c ON c.oid = d.adrelid WHERE a.attname IN ('placed_at', 'dropped_at')$$,
    $$VALUES ('drops', 'clock_timestamp()'), ('holds', 'clock_timestamp()')$$, 'setup() mends the defaults of a trail that is there');

-- An erasure whose snapshot is from before a hold.
SELECT dblink_exec('eraser', 'BEGIN ISOLATION LEVEL REPEATABLE READ');
SELECT is(n, 1, 'a transaction takes its snapshot') FROM dblink('eraser', 'SELECT 1') AS t (n integer);
SELECT changes.release(id) FROM changes.holds;
SELECT changes.hold('public', 'orders', reason => 'a third case');
SELECT throws_ok($$SELECT * FROM dblink('eraser', 'SELECT changes.erase(''public'', ''orders'', ''1'', ''r'')') AS t (n bigint)$$,
    '25001', NULL, 'it cannot see a hold that was placed since, and erases nothing');
SELECT dblink_exec('eraser', 'ROLLBACK');
SELECT dblink_exec('eraser', 'BEGIN ISOLATION LEVEL SERIALIZABLE');
SELECT throws_ok($$SELECT * FROM dblink('eraser', 'SELECT changes.erase_context(''{"a": 1}'', ''r'')') AS t (n bigint)$$,
    '25001', 'could not erase from the trail in a serializable transaction', 'nor a context');
SELECT dblink_exec('eraser', 'ROLLBACK');
SELECT throws_ok($$SELECT changes.erase('public', 'orders', '1', 'r')$$, '55006', NULL, 'another one sees it');

SELECT dblink_disconnect(name) FROM unnest(ARRAY['holder', 'eraser']) AS name;
SELECT * FROM finish();
\c :"home"
SET client_min_messages = warning;
DROP DATABASE :"own" WITH (FORCE);
