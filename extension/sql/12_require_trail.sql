CREATE FUNCTION changes.require_trail()
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF to_regclass('public.changes') IS NULL OR to_regclass('changes.settings') IS NULL THEN
        RAISE EXCEPTION 'there is no trail in this database'
            USING ERRCODE = 'undefined_table', HINT = 'Call changes.setup() first.';
    END IF;
END
$$;

COMMENT ON FUNCTION changes.require_trail() IS
'Internal. Returns nothing where there is a trail. Writers may call it. Errors: 42P01 where there is none.
Example: SELECT changes.require_trail();';
