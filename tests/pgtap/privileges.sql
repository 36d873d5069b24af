-- Nothing is granted to PUBLIC, whatever the default privileges say.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(8);
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
SELECT changes.setup();
UPDATE partman.part_config SET premake = 5 WHERE parent_table = 'public.changes';
SELECT changes.make_partition(d) FROM changes.missing_ranges() AS d;
RESET search_path;

SELECT is_empty(
    $$SELECT p.oid::regprocedure FROM pg_proc AS p
        CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
       WHERE p.pronamespace = 'changes'::regnamespace AND a.grantee = 0$$,
    'PUBLIC executes no function and no procedure');
SELECT is_empty(
    $$SELECT FROM pg_namespace AS n
        CROSS JOIN LATERAL aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) AS a
       WHERE n.nspname = 'changes' AND a.grantee = 0$$,
    'PUBLIC cannot use the schema');
SELECT is_empty(
    $$SELECT c.oid::regclass FROM pg_class AS c
        CROSS JOIN LATERAL aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) AS a
       WHERE (c.relnamespace = 'changes'::regnamespace OR c.relname ~ '^changes')
         AND c.relkind IN ('r', 'p', 'v', 'S') AND a.grantee = 0$$,
    'PUBLIC has no right on a table, a partition, a view or a sequence');
SELECT is(count(*)::integer, 11, 'the partition made last is among those') FROM changes.partitions();

CREATE ROLE waltrail_test_nobody;
SET LOCAL ROLE waltrail_test_nobody;
SELECT throws_ok('SELECT FROM public.changes', '42501', NULL, 'somebody else cannot read the trail');
SELECT throws_ok('SELECT changes.setup()', '42501', NULL, 'nor set it up');
SELECT throws_ok('CALL changes.maintain()', '42501', NULL, 'nor maintain it');
SELECT throws_ok($$SELECT changes.horizon('d')$$, '42501', NULL, 'nor ask for its end');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
