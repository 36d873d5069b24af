-- The steps of maintain() for a role that was granted grant_writer(): with the rights of the extension's owner, since only the trail's
-- owner can make and drop partitions, and maintain(), which commits, cannot be SECURITY DEFINER itself.
--
--  * Arguments decide nothing: what maintenance_tasks() does not list at that moment is not done.
--  * Settings of the session that would say where and how a partition is made are pinned.
--  * Triggers of the tables run with the same rights: nothing is done for a trail of a lesser owner.
CREATE FUNCTION changes.writer_tasks(step text)
RETURNS text[]
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM changes.check_owners();
    RETURN changes.maintenance_tasks(step);
END
$$;

COMMENT ON FUNCTION changes.writer_tasks(text) IS
'Internal. Writers may call it. Returns what changes.maintenance_tasks() does. Errors: those of that function and of
changes.check_owners(). Example: SELECT changes.writer_tasks(''premake'');';

CREATE FUNCTION changes.run_writer_task(step text, task text, is_last_attempt boolean)
RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET default_tablespace = ''
SET default_table_access_method = 'heap'
AS $$
BEGIN
    PERFORM changes.check_owners();
    IF NOT coalesce(task = ANY (changes.maintenance_tasks(step)), false) THEN
        RAISE NOTICE 'maintenance step "%" has no task %', step, task;
        RETURN true;
    END IF;
    RETURN changes.run_task(step, task, is_last_attempt);
END
$$;

COMMENT ON FUNCTION changes.run_writer_task(text, text, boolean) IS
'Internal. Writers may call it. Does what changes.run_task() does, for a task that changes.maintenance_tasks() lists. Where it lists no such
task, because there is none or another session maintains the trail, it does nothing and returns true. Leaves search_path changed for
the session. Errors: those of changes.maintenance_tasks() and changes.check_owners(); what else fails is a WARNING.
Example: SELECT changes.run_writer_task(''premake'', ''2026-01-31 00:00:00+00'', true);';
