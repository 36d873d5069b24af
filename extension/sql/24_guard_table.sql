-- Puts the append-only triggers on a table. PostgreSQL clones a row trigger of the root to its partitions, those made later and
-- attached included, but no TRUNCATE trigger: that one is put on each partition. The root comes first, or its clone would meet
-- a trigger of its own name. A trigger that somebody disabled is enabled again. Between an upgrade and the next setup() the trigger
-- function may be missing: nothing is done then.
CREATE FUNCTION changes.guard_table(guarded regclass)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted record;
    enabled "char";
BEGIN
    IF to_regprocedure('changes.refuse_change()') IS NULL THEN
        RETURN;
    END IF;
    FOR wanted IN
        SELECT * FROM (VALUES ('waltrail_append_only', 'UPDATE OR DELETE', 'ROW'),
                              ('waltrail_append_only_truncate', 'TRUNCATE', 'STATEMENT')) AS v (name, event, level)
    LOOP
        SELECT t.tgenabled INTO enabled FROM pg_catalog.pg_trigger AS t
         WHERE t.tgrelid = guarded AND t.tgname = wanted.name;
        IF NOT FOUND THEN
            EXECUTE format('CREATE TRIGGER %I BEFORE %s ON %s FOR EACH %s EXECUTE FUNCTION changes.refuse_change()',
                           wanted.name, wanted.event, guarded, wanted.level);
        ELSIF enabled NOT IN ('O', 'A') THEN
            EXECUTE format('ALTER TABLE %s ENABLE TRIGGER %I', guarded, wanted.name);
        END IF;
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.guard_table(regclass) IS
'Internal. Puts the append-only triggers on a table where they are missing and enables them. Returns nothing.
Errors: 42501 where the table is not the caller''s.
Example: SELECT changes.guard_table(''public.changes'');';
