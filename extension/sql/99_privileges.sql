-- Last, so that it covers all of the above: nothing is granted to PUBLIC, to which PostgreSQL grants EXECUTE on every new function. Only where that is so:
-- each right that a GRANT or REVOKE of an extension's script leaves on an object counts as the extension's own, and pg_dump leaves it out. A routine that
-- roles have been given is closed already; so is the schema, which is new, or one that outlived DROP EXTENSION.
DO $$
DECLARE
    opened regprocedure;
BEGIN
    FOR opened IN
        SELECT p.oid FROM pg_catalog.pg_proc AS p
         WHERE p.pronamespace = 'changes'::regnamespace
           AND EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a WHERE a.grantee = 0)
    LOOP
        EXECUTE format('REVOKE ALL ON ROUTINE %s FROM PUBLIC', opened);
    END LOOP;
END
$$;
