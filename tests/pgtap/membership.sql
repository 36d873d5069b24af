-- A trail outlives its extension: nothing that holds data is a member.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(16);
SELECT changes.setup();
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position)
VALUES ('d', 's', 't', 'CREATE', 1, 1);
INSERT INTO changes.sources (label, system_identifier, database_oid, database_name, slot_name)
VALUES ('d', 1, 1, 'd', 'd');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline)
SELECT id, '0/10', '0/20', 1 FROM changes.sources;

SELECT is_empty(
    $$SELECT pg_describe_object(d.classid, d.objid, 0) FROM pg_depend AS d
        JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
       WHERE e.extname = 'waltrail' AND d.deptype = 'e' AND d.classid <> 'pg_proc'::regclass
         AND NOT (d.classid = 'pg_type'::regclass AND d.objid IN ('changes.change'::regtype, 'changes.past_row'::regtype, 'changes.key_event'::regtype))$$,
    'only functions and procedures are members, and the types of what they return');
SELECT isnt_empty(
    $$SELECT FROM pg_depend AS d
        JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
       WHERE e.extname = 'waltrail' AND d.deptype = 'e' AND d.objid = 'changes.setup(text, text)'::regprocedure$$,
    'and setup() is one');

SELECT lives_ok('DROP EXTENSION waltrail', 'the extension can be dropped, without CASCADE');
SELECT hasnt_function('changes', 'setup', 'its functions are gone');
SELECT has_schema('changes');
SELECT results_eq('SELECT count(*)::integer FROM public.changes', ARRAY[1], 'the trail and its rows are there');
SELECT results_eq('SELECT end_lsn FROM changes.applied', ARRAY['0/20'::pg_lsn], 'so is the progress');
SELECT results_eq($$SELECT value FROM changes.settings WHERE name = 'retention'$$, ARRAY['30 days'], 'so are the settings');

SELECT throws_ok('DELETE FROM public.changes', '55000', NULL, 'and it is still append-only');
SELECT throws_ok('TRUNCATE public.changes', '55000', NULL, 'in every way');
SELECT results_eq('SELECT count(*)::integer FROM changes.changes', ARRAY[1], 'the view works as well');

SELECT lives_ok('CREATE EXTENSION waltrail', 'the extension can be made again');
SELECT lives_ok('SELECT changes.setup()', 'setup() takes its trail over');
SELECT is(changes.horizon('d'), '0/20'::pg_lsn, 'the recorded end is the same');
INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position)
VALUES ('d', 's', 't', 'UPDATE', 2, 2);
SELECT results_eq('SELECT position FROM public.changes ORDER BY position', ARRAY[1, 2]::bigint[], 'the trail goes on');
SELECT throws_ok('DROP EXTENSION pg_partman', '2BP01', NULL, 'pg_partman cannot go while waltrail needs it');

SELECT * FROM finish();
ROLLBACK;
