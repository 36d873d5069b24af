-- Puts the append-only triggers on a table. PostgreSQL clones a row trigger of the root to its partitions, those made later and
-- attached included, but no TRUNCATE trigger: that one is put on each partition. The root comes first, or its clone would meet
-- a trigger of its own name. A trigger that somebody disabled is enabled again.
-- Without the trigger function (an upgrade that setup() has not completed yet) there is nothing to put on.
CREATE FUNCTION changes.protection_commands(guarded regclass)
RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT CASE WHEN t.tgenabled IS NULL
                THEN format('CREATE TRIGGER %I BEFORE %s ON %s FOR EACH %s EXECUTE FUNCTION changes.refuse_change()',
                            wanted.name, wanted.event, guarded, wanted.level)
                ELSE format('ALTER TABLE %s ENABLE TRIGGER %I', guarded, wanted.name) END
      FROM (VALUES ('waltrail_append_only', 'UPDATE OR DELETE', 'ROW'),
                   ('waltrail_append_only_truncate', 'TRUNCATE', 'STATEMENT')) AS wanted (name, event, level)
      LEFT JOIN pg_catalog.pg_trigger AS t ON t.tgrelid = guarded AND t.tgname = wanted.name
     WHERE guarded IS NOT NULL AND coalesce(t.tgenabled NOT IN ('O', 'A'), true)
       AND to_regprocedure('changes.refuse_change()') IS NOT NULL;
END
$$;

COMMENT ON FUNCTION changes.protection_commands(regclass) IS
'Internal. Returns the commands that put the append-only triggers on a table where they are missing, and enable them. Errors: none of its own.
Example: SELECT changes.protection_commands(''public.changes'');';

CREATE FUNCTION changes.guard_table(guarded regclass)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    command text;
BEGIN
    FOR command IN SELECT c FROM changes.protection_commands(guarded) AS c LOOP
        EXECUTE command;
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.guard_table(regclass) IS
'Internal. Puts the append-only triggers on a table where they are missing and enables them. Returns nothing.
Errors: 42501 where the table is not the caller''s. Example: SELECT changes.guard_table(''public.changes'');';
