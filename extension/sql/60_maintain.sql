-- The one thing that makes and drops partitions: rows out of the default partition first, then the
-- days ahead, then what is past the retention.
--
--  * Every partition is made or dropped in a transaction of its own, so maintain() is a procedure that
--    commits and cannot run inside a transaction block. What fails is a WARNING and stops nothing else.
--  * A lock that is not had within 100 ms is tried again, after a pause in which nothing is locked.
--  * A procedure with SET clauses cannot commit. maintain() itself uses no operator and no unqualified
--    name, so that no search_path leads it astray; all it calls is pinned.
--  * The owner calls the steps themselves, a writer what stands for them (see changes.run_writer_task). Two statements and not a
--    CASE, for rights are checked on every function of an expression.
--  * pg_partman leaves search_path changed (see changes.partman): it is put back before each commit.

CREATE FUNCTION changes.maintenance_tasks(step text)
RETURNS text[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
BEGIN
    IF to_regclass('public.changes') IS NULL OR to_regclass('changes.settings') IS NULL THEN
        RAISE EXCEPTION 'there is no trail in this database'
            USING ERRCODE = 'undefined_table', HINT = 'Call changes.setup() first.';
    END IF;
    IF NOT changes.lock_trail(wait => false) THEN
        RAISE NOTICE 'maintenance of the trail is already running';
        RETURN NULL;
    END IF;
    BEGIN
        RETURN CASE step
            WHEN 'default' THEN ARRAY(SELECT d::text FROM changes.default_days() AS d)
            WHEN 'premake' THEN ARRAY(SELECT d::text FROM changes.missing_days() AS d)
            WHEN 'retention' THEN ARRAY(SELECT p::oid::text FROM changes.expired_partitions() AS p)
        END;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'could not find out what to do in maintenance step "%"', step
            USING ERRCODE = SQLSTATE, DETAIL = SQLERRM;
        RETURN '{}';
    END;
END
$$;

COMMENT ON FUNCTION changes.maintenance_tasks(text) IS
'Internal. Returns the tasks of a step of changes.maintain(): for ''default'' and ''premake'' the days to make
a partition for, for ''retention'' the oids of the partitions to drop; NULL where another session is at
it. Errors: 42P01 before changes.setup(); what else fails is a WARNING and no tasks.
Example: SELECT changes.maintenance_tasks(''premake'');';

CREATE FUNCTION changes.run_task(step text, task text, is_last_attempt boolean)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
BEGIN
    IF NOT changes.lock_trail(wait => false) THEN
        RAISE lock_not_available USING MESSAGE = 'another session maintains the trail';
    END IF;
    IF step = 'retention' THEN
        PERFORM changes.drop_expired(task::oid::regclass);
    ELSE
        PERFORM changes.make_partition(task::timestamptz);
    END IF;
    RETURN true;
EXCEPTION
    WHEN OTHERS THEN
        IF SQLSTATE = '55P03' AND NOT is_last_attempt THEN
            RETURN false;
        END IF;
        RAISE WARNING 'could not finish maintenance step "%" for %', step,
                      CASE step WHEN 'retention' THEN task::oid::regclass::text ELSE task END
            USING ERRCODE = SQLSTATE, DETAIL = SQLERRM;
        RETURN true;
END
$$;

COMMENT ON FUNCTION changes.run_task(text, text, boolean) IS
'Internal. Runs one task of changes.maintenance_tasks(). Returns true where it is settled, false where a
lock was missing and there is another attempt. Leaves search_path changed for the session.
Errors: none; what fails is a WARNING.
Example: SELECT changes.run_task(''premake'', ''2026-01-31 00:00:00+00'', true);';

CREATE PROCEDURE changes.maintain()
LANGUAGE plpgsql
AS $$
DECLARE
    attempts_max CONSTANT pg_catalog.int4 := 5;
    pause_seconds CONSTANT pg_catalog.float8 := 0.4;
    caller_search_path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
    has_steps CONSTANT pg_catalog.bool :=
        pg_catalog.has_function_privilege('changes.run_task(text, text, boolean)', 'EXECUTE');
    step pg_catalog.text;
    tasks pg_catalog.text[];
    task pg_catalog.text;
    is_settled pg_catalog.bool;
BEGIN
    FOREACH step IN ARRAY ARRAY['default', 'premake', 'retention']::pg_catalog.text[] LOOP
        IF has_steps THEN
            tasks := changes.maintenance_tasks(step);
        ELSE
            tasks := changes.writer_tasks(step);
        END IF;
        COMMIT;
        IF tasks IS NULL THEN
            RETURN;
        END IF;
        FOREACH task IN ARRAY tasks LOOP
            FOR attempts_left IN REVERSE attempts_max..1 LOOP
                IF has_steps THEN
                    is_settled := changes.run_task(step, task, attempts_left OPERATOR(pg_catalog.=) 1);
                ELSE
                    is_settled := changes.run_writer_task(step, task, attempts_left OPERATOR(pg_catalog.=) 1);
                END IF;
                PERFORM pg_catalog.set_config('search_path', caller_search_path, false);
                COMMIT;
                EXIT WHEN is_settled;
                PERFORM pg_catalog.pg_sleep(pause_seconds);
            END LOOP;
        END LOOP;
    END LOOP;
END
$$;

COMMENT ON PROCEDURE changes.maintain() IS
'Moves rows out of the default partition, makes partitions ahead and drops what is past the retention,
each partition in a transaction of its own; what fails is a WARNING and stops nothing else. Does
nothing, with a NOTICE, while another session is at it. Returns nothing. Writers may call it.
Errors: 42P01 before changes.setup(); 2D000 inside a transaction block.
Example: CALL changes.maintain();';
