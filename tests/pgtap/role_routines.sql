-- Which functions are readers' and writers' follows from what a function is, so that one that is added is covered: see
-- changes.role_routines(). Here is what must hold of any function, whoever adds it.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(13);
SELECT changes.setup();
CREATE TEMPORARY VIEW routines AS
    SELECT p.oid::regprocedure AS routine, p.*, coalesce(obj_description(p.oid, 'pg_proc'), '') AS comment,
           EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e') AS is_member
      FROM pg_proc AS p WHERE p.pronamespace = 'changes'::regnamespace;

SELECT is_empty($$SELECT routine FROM routines WHERE prosecdef AND NOT coalesce(array_to_string(proconfig, ' '), '') ~ 'search_path=(pg_catalog, )?pg_temp'$$,
    'what runs with its owner''s rights pins its search_path');
SELECT bag_eq($$SELECT routine::text FROM routines WHERE proconfig IS NULL$$, ARRAY['changes.setup(text,text)', 'changes.maintain()', 'changes.commit_time(uuid)'],
    'so does everything else but what pg_partman and commits do not let, and what is parsed when it is made');
SELECT bag_eq($$SELECT routine::text FROM routines WHERE prosecdef AND NOT is_member$$,
    ARRAY['changes.refuse_change()', 'changes.refuse_way_back()', 'changes.end_permit()'], 'of what is no member only triggers have their owner''s rights');
SELECT is_empty($$SELECT routine FROM routines WHERE is_member AND (comment NOT LIKE '%Errors: %' OR comment NOT LIKE '%Example: %;')$$,
    'every comment tells of errors and gives an example');

SELECT set_has('SELECT changes.role_routines(''reader'')::text', 
    $$VALUES ('changes.horizon(text)'), ('changes.partitions()'), ('changes.retention_cutoff()')$$,     'readers ask questions');
SELECT is_empty($$SELECT routine FROM routines JOIN changes.role_routines('reader') AS r ON r = routine
                   WHERE (provolatile = 'v' OR prosecdef OR prokind = 'p') AND comment NOT LIKE '%Readers may call it.%'$$,
    'what is neither stable nor immutable, or has more rights, is readers'' only where it says so');
SELECT is_empty($$SELECT r FROM changes.role_routines('reader') AS r
                   WHERE r::text ~ '^changes\.(setup|maintain|run_task|drop|make|erase\(|erase_|grant|revoke|permit|create|lock|guard|settle|give|take|renew)'$$,
    'none that changes anything is');
SELECT bag_has('SELECT changes.role_routines(''writer'')::text', $$VALUES ('changes.maintain()')$$, 'writers maintain');
SELECT is_empty($$SELECT routine FROM routines JOIN changes.role_routines('writer') AS r ON r = routine
                   WHERE NOT prosecdef AND provolatile = 'v' AND prokind = 'f'$$, 'what they call by that runs with its owner''s rights or changes nothing');
SELECT is_empty($$SELECT r FROM changes.role_routines('writer') AS r
                   WHERE r::text ~ '^changes\.(setup|run_task|maintenance|drop|make|erase|grant|revoke|permit|create|lock|guard|settle|give|take|renew)'$$,
    'nothing else is theirs');
SELECT is_empty('SELECT changes.role_routines(''owner'')', 'another word means nobody');
SELECT is_empty('SELECT changes.role_routines(NULL)', 'nor does NULL');

-- A function that somebody else put into the schema is not handed on.
CREATE FUNCTION changes.foreign_function() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';
SELECT is_empty($$SELECT r FROM changes.role_routines('reader') AS r WHERE r::text LIKE '%foreign%'$$, 'what is no member is nobody''s');

SELECT * FROM finish();
ROLLBACK;
