-- Where pg_partman is and which one. CREATE EXTENSION ... CASCADE puts it into whatever schema comes
-- first on the path, `waltrail init` into "partman"; versions 4 and 5 differ in their signatures.
--
-- Rules for every caller of pg_partman, learnt from its source:
--  * Its functions put their own schema and pg_temp before the search_path they find. With
--    'pg_catalog' written in that path, everything in pg_partman's schema (perhaps public) and in
--    pg_temp would mask it; with an empty path, pg_temp would. Callers therefore pin search_path = pg_temp:
--    pg_catalog is then implicitly first, and functions are never looked for in pg_temp.
--  * They set search_path for the session, not for the transaction, and so defeat the SET clause of
--    the function that calls them: its pinned value stays behind. The outermost functions, setup()
--    and maintain(), therefore have no such clause; they remember the caller's path and put it back.
--  * Partition bounds and names follow the session's TimeZone: callers pin UTC.
CREATE FUNCTION changes.partman(OUT schema name, OUT major integer)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT n.nspname, split_part(e.extversion, '.', 1)::integer
      INTO schema, major
      FROM pg_catalog.pg_extension AS e
      JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
     WHERE e.extname = 'pg_partman';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'extension "pg_partman" is not installed'
            USING ERRCODE = 'undefined_object',
                  HINT = 'Run CREATE EXTENSION pg_partman.';
    END IF;
    IF major NOT IN (4, 5) THEN
        RAISE EXCEPTION 'version % of extension "pg_partman" is not supported', major
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Versions 4.7 and 5 are supported.';
    END IF;
END
$$;

COMMENT ON FUNCTION changes.partman() IS
'Internal. Returns the schema and the major version of the installed pg_partman.
Errors: 42704 where it is not installed, 0A000 for a major version other than 4 and 5.
Example: SELECT schema, major FROM changes.partman();';
