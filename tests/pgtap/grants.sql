-- grant_reader(), grant_writer() and revoke_all(): who may be granted what, what is remembered, and what is left when it is taken back.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SET LOCAL client_min_messages = warning;
CREATE ROLE waltrail_test_writer;
CREATE ROLE "waltrail test ""reader"".x";
CREATE ROLE waltrail_test_some;
CREATE ROLE waltrail_test_owner;
CREATE ROLE waltrail_test_owner_member IN ROLE waltrail_test_owner;
SELECT plan(48);
SELECT throws_ok('SELECT changes.grant_writer(''waltrail_test_writer'')', '42P01', 'there is no trail in this database', 'before setup() it says so');
SELECT changes.setup();

SELECT throws_ok('SELECT changes.grant_reader(NULL)', '0LP01', NULL, 'a role must be named');
SELECT throws_ok('SELECT changes.grant_reader(''public'')', '0LP01', 'could not change the rights of role "public"', 'PUBLIC is granted nothing');
SELECT throws_ok('SELECT changes.grant_writer(''PUBLIC'')', '0LP01', NULL, 'in any case');
SELECT throws_ok('SELECT changes.grant_writer(current_user)', '0LP01', NULL, 'nor is a superuser');
SELECT throws_ok('SELECT changes.grant_reader(''no such role'')', '42704', 'role "no such role" does not exist', 'an unknown role is one');
SELECT throws_ok('SELECT changes.revoke_all(''no such role'')', '42704', NULL, 'here too');
SELECT throws_ok('SELECT changes.revoke_all(''public'')', '0LP01', NULL, 'nothing is taken from PUBLIC');
SELECT throws_ok('SELECT changes.revoke_all(current_user)', '0LP01', NULL, 'or the owner');
SELECT throws_ok('SELECT changes.grant_reader(''waltrail_test_some'', ''{}'')', '22023', 'no table is named', 'an empty list of tables');
SELECT throws_ok('SELECT changes.grant_reader(''waltrail_test_some'', ''{users}'')', '22023', 'invalid table pattern "users"', 'a name without schema');
SELECT throws_ok('SELECT changes.grant_reader(''waltrail_test_some'', ''{a.b.c}'')', '22023', NULL, 'three parts');
SELECT throws_ok('SELECT changes.grant_reader(''waltrail_test_some'', ''{NULL}'')', '22023', 'invalid table pattern NULL', 'NULL');
SELECT throws_ok('SELECT changes.grant_reader(''waltrail_test_some'', ARRAY[''public."a''])', '22023', NULL, 'a quote without its end');
SELECT is_empty('SELECT FROM changes.grants', 'none of that was remembered');

-- Patterns.
SELECT results_eq($$SELECT * FROM changes.table_pattern(' public.a*_%\b ')$$, $$VALUES ('public'::text, 'a%\_\%\\b'::text)$$,
    'a star stands for any characters, and only a star');
SELECT results_eq($$SELECT * FROM changes.table_pattern('"a.b*"."c""d"')$$, $$VALUES ('a.b*'::text, 'c"d'::text)$$,
    'in quotes everything stands for itself');

-- What is granted is remembered, and replaced.
CREATE TEMPORARY TABLE before AS SELECT relname, relacl FROM pg_class WHERE relnamespace = 'changes'::regnamespace OR relname = 'changes';
SELECT lives_ok('SELECT changes.grant_writer(''waltrail_test_writer'')', 'a writer');
SELECT lives_ok($$SELECT changes.grant_reader('waltrail test "reader".x')$$, 'a reader with an odd name');
SELECT lives_ok($$SELECT changes.grant_reader('waltrail_test_some', ARRAY['public.*', '"a.b".c'])$$, 'a reader of some tables');
SELECT set_eq('SELECT role::text, kind, tables FROM changes.grants',
    $$VALUES ('waltrail test "reader".x', 'reader', NULL), ('waltrail_test_some', 'reader', ARRAY['public.*', '"a.b".c']), ('waltrail_test_writer', 'writer', NULL)$$,
    'is remembered');
SELECT ok(has_table_privilege('waltrail test "reader".x', 'public.changes', 'SELECT'), 'the reader reads the trail');
SELECT ok(NOT has_table_privilege('waltrail_test_some', 'public.changes', 'SELECT'), 'that of some tables does not');
SELECT ok(has_table_privilege('waltrail_test_some', 'changes.changes', 'SELECT'), 'but the view');
SELECT lives_ok($$SELECT changes.grant_reader('waltrail test "reader".x', '{a.b}')$$, 'the reader is granted less');
SELECT ok(NOT has_table_privilege('waltrail test "reader".x', 'public.changes', 'SELECT'), 'and has lost the rest');
SELECT ok(NOT has_table_privilege('waltrail test "reader".x', 'changes.erasures', 'SELECT'), 'beside the trail too');
SELECT lives_ok('SELECT changes.grant_reader(''waltrail_test_some'')', 'the other one is granted all');
SELECT ok(has_table_privilege('waltrail_test_some', 'public.changes', 'SELECT'), 'and has it');
SELECT lives_ok('SELECT changes.grant_reader(''waltrail_test_writer'')', 'a writer may be a reader, too');
SELECT ok(has_table_privilege('waltrail_test_writer', 'public.changes', 'INSERT')
          AND has_table_privilege('waltrail_test_writer', 'public.changes', 'SELECT'), 'and stays a writer');
SELECT is(count(*)::integer, 0, 'nobody got a right to grant on') FROM pg_class AS c CROSS JOIN LATERAL aclexplode(c.relacl) AS a
 WHERE c.relnamespace = 'changes'::regnamespace AND a.is_grantable AND a.grantee <> c.relowner;

-- setup() grants what was added since; what was taken by hand stays taken, and a role of the same name gets nothing.
GRANT EXECUTE ON FUNCTION changes.erase_context(jsonb, text, text) TO waltrail_test_some;
REVOKE SELECT ON changes.sources FROM waltrail_test_some;
DROP EXTENSION waltrail;
CREATE EXTENSION waltrail;
SELECT ok(NOT has_function_privilege('waltrail_test_some', 'changes.horizon(text)', 'EXECUTE'), 'an extension that was made anew grants nothing');
SELECT changes.setup();
SELECT ok(has_function_privilege('waltrail_test_some', 'changes.horizon(text)', 'EXECUTE'), 'setup() grants again');
SELECT ok(has_table_privilege('waltrail_test_some', 'changes.sources', 'SELECT'), 'all of it');
SELECT ok(has_function_privilege('waltrail_test_writer', 'changes.maintain()', 'EXECUTE'), 'to writers, too');
DROP OWNED BY waltrail_test_some;
DROP ROLE waltrail_test_some;
CREATE ROLE waltrail_test_some;
SELECT lives_ok('SELECT changes.setup()', 'a role that is gone does not keep setup() from its work');
SELECT ok(NOT has_schema_privilege('waltrail_test_some', 'changes', 'USAGE'), 'another role of its name gets nothing');

-- Taking back.
SELECT lives_ok('SELECT changes.revoke_all(''waltrail_test_some'')', 'what is remembered of a role that is gone can be forgotten');
GRANT SELECT (id) ON public.changes TO waltrail_test_writer;
SELECT changes.revoke_all('waltrail_test_writer'), changes.revoke_all('waltrail test "reader".x');
SELECT is_empty('SELECT FROM changes.grants', 'nothing is remembered');
SELECT lives_ok('DROP ROLE waltrail_test_writer, "waltrail test ""reader"".x"', 'nothing is left that would keep a role from being dropped');

-- The owner's rights are not to be granted or taken.
SELECT format('ALTER TABLE %s OWNER TO waltrail_test_owner', t) FROM unnest(ARRAY['public.changes']) AS t \gexec
SELECT throws_ok('SELECT changes.grant_reader(''waltrail_test_owner'')', '0LP01', NULL, 'the owner needs no grant');
SELECT throws_ok('SELECT changes.grant_reader(''waltrail_test_owner_member'')', '0LP01', NULL, 'nor does who has his rights');
SELECT throws_ok('SELECT changes.revoke_all(''waltrail_test_owner'')', '0LP01', NULL, 'nothing is taken from him');
SELECT throws_like('SELECT changes.grant_writer(''waltrail_test_some'')', 'the trail belongs to role "waltrail_test_owner" and extension%',
    'a writer would have maintain() run the triggers of a lesser owner as a greater one');

SELECT throws_ok('SELECT changes.erase(''s'', ''t'', ''k'', ''r'')', '55000', NULL, 'as an erasure would');
SELECT throws_ok('SELECT changes.erase_context(''{"a": 1}'', ''r'')', '55000', NULL, 'of either kind');
ALTER TABLE public.changes OWNER TO CURRENT_USER;

-- A database in which not everybody may use schema public.
REVOKE USAGE ON SCHEMA public FROM PUBLIC;
SELECT changes.grant_reader('waltrail_test_some');
SELECT ok(has_schema_privilege('waltrail_test_some', 'public', 'USAGE'), 'a reader may use the trail''s schema');

SELECT * FROM finish();
ROLLBACK;
