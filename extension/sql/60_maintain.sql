-- The one thing that makes and drops partitions, in steps:
--
--   step      | a task is            | what is done
--   ----------+----------------------+-------------------------------------------------------------------
--   default   | a range of time      | rows out of the default partition into one of their own
--   premake   | a range of time      | a partition for what has none
--   settle    | a partition, by oid  | what it still lacks (changes.settling_commands)
--   retention | a partition, by oid  | what is past the retention goes; held rows are moved first
--   held      | changes.held, by oid | rows that no hold keeps any more go
--
--  * Each task is a transaction of its own, so maintain() is a procedure that
--    commits and cannot run inside a transaction block. What fails is a WARNING and stops nothing else.
--  * A lock that is not had in time is tried again, after a pause in which nothing is locked. Once a task of a step has used up its attempts, the
--    others of the step have one each, and after misses_max in a row the step is left to the next run: a hundred partitions behind one long reader
--    must not stop writers a thousand times.
--  * A procedure with SET clauses cannot commit. maintain() itself uses no operator and no unqualified
--    name, so that no search_path leads it astray; all it calls is pinned.
--  * Each transaction is READ COMMITTED, whatever the session's default: a snapshot from before the advisory lock would not see a hold
--    that was placed in between. It must be said right after COMMIT: evaluating an expression takes a snapshot.
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
    PERFORM changes.require_trail();
    -- Between an upgrade and the next setup() a table may be missing: what needs it fails, the rest is done.
    IF NOT changes.lock_trail(wait => false) THEN
        RAISE NOTICE 'maintenance of the trail is already running';
        RETURN NULL;
    END IF;
    BEGIN
        RETURN CASE step
            WHEN 'default' THEN ARRAY(SELECT r::text FROM changes.default_ranges() AS r)
            WHEN 'premake' THEN ARRAY(SELECT r::text FROM changes.missing_ranges() AS r)
            WHEN 'settle' THEN ARRAY(SELECT t.relation::oid::text
                                       FROM (SELECT p.partition FROM changes.partition_bounds() AS p
                                             UNION ALL SELECT to_regclass('changes.held')) AS t (relation)
                                      WHERE EXISTS (SELECT FROM changes.settling_commands(t.relation)))
            WHEN 'retention' THEN ARRAY(SELECT p::oid::text FROM changes.expired_partitions() AS p)
            WHEN 'held' THEN ARRAY(SELECT to_regclass('changes.held')::oid::text WHERE changes.has_unheld())
        END;
    EXCEPTION WHEN OTHERS THEN
        RAISE WARNING 'could not find out what to do in maintenance step "%": %', step, split_part(SQLERRM, E'\n', 1)
            USING ERRCODE = SQLSTATE, DETAIL = SQLERRM;
        RETURN '{}';
    END;
END
$$;

COMMENT ON FUNCTION changes.maintenance_tasks(text) IS
'Internal. Returns the tasks of a step of changes.maintain(): for ''default'' and ''premake'' the ranges of time to make
a partition for, for ''settle'', ''retention'' and ''held'' the oids of tables; NULL where another session is at
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
    CASE step
        WHEN 'retention' THEN RETURN changes.drop_expired(task::oid::regclass);
        WHEN 'settle' THEN PERFORM changes.settle_partition(task::oid::regclass);
        WHEN 'held' THEN PERFORM changes.drop_unheld();
        ELSE PERFORM changes.make_partition(task::tstzrange);
    END CASE;
    RETURN true;
EXCEPTION
    WHEN OTHERS THEN
        IF SQLSTATE <> '55P03' OR is_last_attempt THEN
            RAISE WARNING 'could not finish maintenance step "%" for %: %', step,
                          CASE WHEN step IN ('default', 'premake') THEN task ELSE task::oid::regclass::text END,
                          split_part(SQLERRM, E'\n', 1)
                USING ERRCODE = SQLSTATE, DETAIL = SQLERRM;
        END IF;
        RETURN SQLSTATE <> '55P03';
END
$$;

COMMENT ON FUNCTION changes.run_task(text, text, boolean) IS
'Internal. Runs one task of changes.maintenance_tasks(). Returns true where it is settled, false where it is to be tried again: a lock was
missing, or held rows were moved and not everybody sees that yet. Leaves search_path changed for the session.
Errors: none; what fails is a WARNING, a missing lock at the last attempt only.
Example: SELECT changes.run_task(''premake'', ''[2026-01-31 00:00:00+00,2026-02-01 00:00:00+00)'', true);';

CREATE PROCEDURE changes.maintain()
LANGUAGE plpgsql
AS $$
DECLARE
    attempts_max CONSTANT pg_catalog.int4 := 15;
    misses_max CONSTANT pg_catalog.int4 := 20;
    pause_seconds CONSTANT pg_catalog.float8 := 0.4;
    caller_search_path CONSTANT pg_catalog.text := pg_catalog.current_setting('search_path');
    attempts pg_catalog.int4;
    misses pg_catalog.int4;
    has_steps CONSTANT pg_catalog.bool :=
        pg_catalog.has_function_privilege('changes.run_task(text, text, boolean)', 'EXECUTE');
    step pg_catalog.text;
    tasks pg_catalog.text[];
    task pg_catalog.text;
    is_settled pg_catalog.bool;
BEGIN
    PERFORM changes.require_trail();
    COMMIT;
    SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
    FOREACH step IN ARRAY ARRAY['default', 'premake', 'settle', 'retention', 'held']::pg_catalog.text[] LOOP
        IF has_steps THEN
            tasks := changes.maintenance_tasks(step);
        ELSE
            tasks := changes.writer_tasks(step);
        END IF;
        COMMIT;
        SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
        IF tasks IS NULL THEN
            RETURN;
        END IF;
        attempts := attempts_max;
        misses := 0;
        FOREACH task IN ARRAY tasks LOOP
            EXIT WHEN misses OPERATOR(pg_catalog.>=) misses_max;
            FOR attempts_left IN REVERSE attempts..1 LOOP
                IF has_steps THEN
                    is_settled := changes.run_task(step, task, attempts_left OPERATOR(pg_catalog.=) 1);
                ELSE
                    is_settled := changes.run_writer_task(step, task, attempts_left OPERATOR(pg_catalog.=) 1);
                END IF;
                PERFORM pg_catalog.set_config('search_path', caller_search_path, false);
                COMMIT;
                SET TRANSACTION ISOLATION LEVEL READ COMMITTED;
                EXIT WHEN is_settled;
                misses := misses OPERATOR(pg_catalog.+) 1;
                PERFORM pg_catalog.pg_sleep(pause_seconds);
            END LOOP;
            IF is_settled THEN
                misses := 0;
            ELSE
                attempts := 1;
            END IF;
        END LOOP;
    END LOOP;
END
$$;

COMMENT ON PROCEDURE changes.maintain() IS
'Moves rows out of the default partition, makes partitions ahead, drops what is past the retention and keeps what is held,
each partition in a transaction of its own; what fails is a WARNING and stops nothing else. Does
nothing, with a NOTICE, while another session is at it. Returns nothing. Writers may call it.
Errors: 42P01 before changes.setup(); 2D000 inside a transaction block.
Example: CALL changes.maintain();';
