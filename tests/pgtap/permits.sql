-- A permit holds for the transaction that took it, and for nothing else. It commits, so it works in a database of its own, which it
-- drops at the end. Another session comes through dblink.
\set home :DBNAME
\set own :DBNAME _permits
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
SELECT plan(19);
SELECT changes.setup();
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position)
SELECT 'd', 's', 't', 'CREATE', 1, g FROM generate_series(1, 10) AS g;
SELECT dblink_connect('other', format('dbname=%L host=%s port=%s user=%s', current_database(),
    split_part(current_setting('unix_socket_directories'), ',', 1), current_setting('port'), current_user));

BEGIN;
SELECT changes.permit_changes();
SELECT lives_ok('DELETE FROM public.changes WHERE position = 1', 'with a permit a row may go');
SELECT throws_like('SELECT dblink_exec(''other'', ''DELETE FROM public.changes WHERE position = 3'')', '%append-only', 'it is no other session''s');
SELECT lives_ok('SELECT changes.permit_changes()', 'taking it twice is no error');
SAVEPOINT s;
SELECT lives_ok('DELETE FROM public.changes WHERE position = 2', 'in a savepoint it holds, too');
ROLLBACK TO s;
SELECT changes.revoke_permit();
SELECT throws_like('DELETE FROM public.changes', '%append-only', 'once it is given back, nothing may go');
COMMIT;
SELECT is(count(*)::integer, 9, 'one row has gone') FROM public.changes;

BEGIN;
SAVEPOINT s;
SELECT changes.permit_changes();
ROLLBACK TO s;
SELECT throws_like('DELETE FROM public.changes', '%append-only', 'a permit of a savepoint that was rolled back is none');
COMMIT;

BEGIN;
SELECT changes.permit_changes();
COMMIT;
SELECT is_empty('SELECT FROM changes.permits', 'one that was forgotten ends with its transaction');
SELECT throws_like('DELETE FROM public.changes', '%append-only', 'the next transaction has none');
BEGIN;
SELECT changes.permit_changes();
ROLLBACK;
SELECT is_empty('SELECT FROM changes.permits', 'a rolled back transaction leaves none');
BEGIN;
SELECT changes.permit_changes();
SET CONSTRAINTS ALL IMMEDIATE;
SELECT throws_like('DELETE FROM public.changes', '%append-only', 'a session that would have it checked early loses it');
ROLLBACK;

-- Nor does a row that names another transaction, however it came there.
ALTER TABLE changes.permits DISABLE TRIGGER waltrail_end_permit;
INSERT INTO changes.permits SELECT (pg_current_xact_id()::text::bigint + g)::text::xid8 FROM generate_series(-50, 0) AS g;
SELECT throws_like('DELETE FROM public.changes', '%append-only', 'what names another transaction permits nothing');
TRUNCATE changes.permits;
ALTER TABLE changes.permits ENABLE TRIGGER waltrail_end_permit;

-- An erasure and maintenance exclude each other; writers go on.
BEGIN;
SELECT is(changes.erase('s', 't', 'k', 'r'), 0::bigint, 'an erasure that is not over');
SELECT is(is_null, true, 'has maintenance wait for the next time')
  FROM dblink('other', 'SELECT changes.maintenance_tasks(''premake'') IS NULL') AS t (is_null boolean);
SELECT is(dblink_exec('other', 'INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position) VALUES (''d'', ''s'', ''t'', ''CREATE'', 1, 99)'),
    'INSERT 0 1', 'and no writer');
COMMIT;

-- Settings that anybody can make permit nothing, and who may delete but not write permits can make himself none.
CREATE ROLE waltrail_test_careless;
GRANT ALL ON public.changes TO waltrail_test_careless;
GRANT USAGE ON SCHEMA changes TO waltrail_test_careless;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA changes TO waltrail_test_careless;
SET ROLE waltrail_test_careless;
SELECT throws_like('DELETE FROM public.changes', '%append-only', 'a role with all rights on the table may not delete');
SELECT throws_ok('SELECT changes.permit_changes()', '42501', NULL, 'and may not permit it to itself');
SELECT throws_ok('INSERT INTO changes.permits VALUES (pg_current_xact_id())', '42501', NULL, 'in no way');
SELECT throws_ok('SET session_replication_role = replica', '42501', NULL, 'nor turn triggers off');
RESET ROLE;
DROP OWNED BY waltrail_test_careless;
DROP ROLE waltrail_test_careless;
SELECT dblink_disconnect('other');

SELECT * FROM finish();
\c :"home"
SET client_min_messages = warning;
DROP DATABASE :"own" WITH (FORCE);
