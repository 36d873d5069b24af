-- Which relation a question reads. The questions act with the rights of whoever asks, and not everybody may see everything:
--
--   may select public.changes | rows are held, and he may see them | reads
--   --------------------------+------------------------------------+------------------------------------------------
--   yes                       | no                                 | public.changes
--   yes                       | yes                                | changes.trail: the rows held for longer, too
--   no                        |                                    | changes.changes: of the tables granted to him
--   no, nor changes.changes   |                                    | error
--
-- The views are made by later versions of changes.setup() than some trails have seen: they may not be there.
CREATE FUNCTION changes.readable()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    trail CONSTANT regclass := to_regclass('public.changes');
    whole CONSTANT regclass := to_regclass('changes.trail');
    held CONSTANT regclass := to_regclass('changes.held');
    granted CONSTANT regclass := to_regclass('changes.changes');
    is_held boolean := false;
BEGIN
    IF trail IS NULL THEN
        RAISE EXCEPTION 'there is no trail in this database'
            USING ERRCODE = 'undefined_table', HINT = 'Call changes.setup() first.';
    END IF;
    IF has_table_privilege(trail, 'SELECT') THEN
        IF whole IS NOT NULL AND held IS NOT NULL
           AND has_table_privilege(whole, 'SELECT') AND has_table_privilege(held, 'SELECT') THEN
            EXECUTE 'SELECT EXISTS (SELECT FROM changes.held)' INTO is_held;
        END IF;
        RETURN CASE WHEN is_held THEN 'changes.trail' ELSE 'public.changes' END;
    END IF;
    IF granted IS NOT NULL AND has_table_privilege(granted, 'SELECT') THEN
        RETURN 'changes.changes';
    END IF;
    RAISE EXCEPTION 'permission denied for the trail'
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'Its owner can let you read it with changes.grant_reader().';
END
$$;

COMMENT ON FUNCTION changes.readable() IS
'Internal. Returns the relation that questions of the current role read: public.changes, or changes.trail where rows are held, or
changes.changes for a reader of some tables only. Errors: 42P01 before changes.setup(); 42501 for a role that may read none.
Example: SELECT changes.readable();';

-- Records beside the trail that a reader of some tables may not see: a question says less then, or says that it cannot know.
CREATE FUNCTION changes.may_read(record_table text)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce(has_table_privilege(to_regclass(format('changes.%I', record_table)), 'SELECT'), false);
END
$$;

COMMENT ON FUNCTION changes.may_read(text) IS
'Internal. Returns whether the table of that name in schema "changes" is there and the current role may read it. Errors: none.
Example: SELECT changes.may_read(''quarantine'');';
