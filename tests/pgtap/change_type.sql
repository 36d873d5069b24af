-- What questions return has the columns of the trail, so that queries on the one run on the other.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(3);
SELECT changes.setup();
CREATE FUNCTION pg_temp.columns_of(type regtype) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
      FROM pg_attribute AS a JOIN pg_type AS t ON t.typrelid = a.attrelid WHERE t.oid = type AND a.attnum > 0
$$;
SELECT is(pg_temp.columns_of('changes.change'), pg_temp.columns_of('public.changes'), 'changes.change has the columns of public.changes');
SELECT is_empty(
    $$SELECT c.oid::regclass FROM pg_class AS c
       WHERE c.relnamespace = 'changes'::regnamespace AND c.relkind IN ('v', 'r', 'p')
         AND EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')$$, 'no table and no view is a member');
SELECT lives_ok('DROP EXTENSION waltrail', 'so the extension goes without CASCADE, and leaves them');
SELECT * FROM finish();
ROLLBACK;
