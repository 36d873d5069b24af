-- What stands behind grant_reader() and grant_writer(): who was granted what, the view for readers of some tables, and the row
-- security of the tables beside the trail that name tables. All of it is made at run time, is no member and uses no member.
--
--  * public.changes itself has no row security: COPY FROM, which apply writes with, is refused on such a table, and the operator
--    of the JSON indexes, @>, is not leakproof, so that for everybody under a policy they would be useless.
--  * A reader of some tables has no right on public.changes but on the view, which is a security barrier: what a condition says is
--    evaluated for rows that he may see, unless its operator is leakproof (=, < and so on of text, numbers, times).
--  * A role that is a member of a reader, and inherits its rights, sees what that reader does.
--  * The policy that reads changes.grants is for readers of some tables alone (renew_policy() names them): other roles, such as one
--    that was granted apply's rights by hand, need no right on that table.
CREATE FUNCTION changes.create_rights()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = 'warning'
AS $$
DECLARE
    protected text;
    -- The patterns of the current user, which the planner looks up once for a statement and not once for a row.
    patterns CONSTANT text :=
        '(SELECT array_agg(l.pattern ORDER BY g.role, l.place)
            FROM changes.grants AS g
            JOIN pg_catalog.pg_roles AS r ON r.rolname = g.role
           CROSS JOIN LATERAL unnest(g.%I) WITH ORDINALITY AS l (pattern, place)
           WHERE g.kind = ''reader'' AND pg_catalog.pg_has_role(CURRENT_USER, r.oid, ''USAGE''))';
    -- Of a row c with the name of a table: whether the current user is a reader of that table.
    is_reader CONSTANT text := format(
        'EXISTS (SELECT FROM unnest(%s, %s) AS p (schema_like, table_like)
                  WHERE c.schema LIKE p.schema_like AND c."table" LIKE p.table_like)',
        format(patterns, 'schemas_like'), format(patterns, 'tables_like'));
BEGIN
    CREATE TABLE IF NOT EXISTS changes.grants (
        role         name NOT NULL,
        kind         text NOT NULL CHECK (kind IN ('reader', 'writer')),
        tables       text[],
        schemas_like text[],
        tables_like  text[],
        granted_at   timestamptz NOT NULL DEFAULT now(),
        granted_by   name NOT NULL DEFAULT session_user,
        PRIMARY KEY (role, kind)
    );
    REVOKE ALL ON TABLE changes.grants FROM PUBLIC;
    COMMENT ON TABLE changes.grants IS
        'Who was granted what by changes.grant_reader() and changes.grant_writer(). "tables": patterns; NULL for the whole trail.';
    EXECUTE format(
        'CREATE OR REPLACE VIEW changes.changes WITH (security_barrier = true) AS
         SELECT c.id, c.database, c.schema, c."table", c.primary_key, c.operation, c.before, c.after, c.context,
                c.committed_at, c.queued_at, c.created_at, c.transaction_id, c.position
           FROM %s AS c
          WHERE (SELECT pg_catalog.has_table_privilege(CURRENT_USER, ''public.changes'', ''SELECT'')) OR %s',
        coalesce(to_regclass('changes.trail'), 'public.changes'), is_reader);
    REVOKE ALL ON TABLE changes.changes FROM PUBLIC;
    COMMENT ON VIEW changes.changes IS
        'The changes that the current user may read: all of them, or those of the tables that changes.grant_reader() named.';

    PERFORM changes.create_policy('changes.grants', 'waltrail_members', 'SELECT TO PUBLIC',
        'EXISTS (SELECT FROM pg_catalog.pg_roles AS r
                  WHERE r.rolname = grants.role AND pg_catalog.pg_has_role(CURRENT_USER, r.oid, ''USAGE''))');
    FOREACH protected IN ARRAY ARRAY['relations', 'quarantine'] LOOP
        PERFORM changes.create_policy(format('changes.%I', protected)::regclass, 'waltrail_whole_trail', 'ALL TO PUBLIC',
            '(SELECT pg_catalog.has_table_privilege(CURRENT_USER, ''public.changes'', ''SELECT, INSERT''))');
        PERFORM changes.create_policy(format('changes.%I', protected)::regclass, 'waltrail_some_tables', 'SELECT TO CURRENT_USER',
            replace(replace(is_reader, 'c.schema', protected || '.schema'), 'c."table"', protected || '."table"'));
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.create_rights() IS
'Internal. Makes changes.grants, the view changes.changes and the row security of changes.grants, changes.relations and
changes.quarantine, where they are missing. Returns nothing. Errors: 42P01 before changes.create_records(). Example: SELECT changes.create_rights();';

-- Made only where it is missing: ALTER TABLE and CREATE POLICY wait for every transaction that has used the table.
CREATE FUNCTION changes.create_policy(protected regclass, policy name, whom text, condition text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_policy AS p WHERE p.polrelid = protected AND p.polname = policy) THEN
        EXECUTE format('CREATE POLICY %I ON %s FOR %s USING (%s)', policy, protected, whom, condition);
    END IF;
    IF NOT (SELECT c.relrowsecurity FROM pg_catalog.pg_class AS c WHERE c.oid = protected) THEN
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', protected);
    END IF;
END
$$;

COMMENT ON FUNCTION changes.create_policy(regclass, name, text, text) IS
'Internal. Makes a row security policy (whom: FOR …) where it is missing, and turns row security on. Returns nothing.
Errors: 42501 where the table is not the caller''s.
Example: SELECT changes.create_policy(''changes.sources'', ''everybody'', ''SELECT TO PUBLIC'', ''true'');';

CREATE FUNCTION changes.renew_policy()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    protected regclass;
    readers oid[] := ARRAY(SELECT r.oid FROM changes.grants AS g JOIN pg_catalog.pg_roles AS r ON r.rolname = g.role
                            WHERE g.kind = 'reader' AND g.tables IS NOT NULL ORDER BY r.oid);
BEGIN
    -- A policy is for somebody; to the table's owner none applies.
    IF readers = '{}' THEN
        readers := ARRAY(SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid = 'changes.relations'::regclass);
    END IF;
    FOR protected IN
        SELECT p.polrelid::regclass FROM pg_catalog.pg_policy AS p
         WHERE p.polname = 'waltrail_some_tables' AND p.polrelid IN ('changes.relations'::regclass, 'changes.quarantine'::regclass)
           AND readers <> ARRAY(SELECT unnest(p.polroles) AS role ORDER BY role)
    LOOP
        EXECUTE format('ALTER POLICY waltrail_some_tables ON %s TO %s', protected,
                       (SELECT string_agg(quote_ident(pg_get_userbyid(r)), ', ') FROM unnest(readers) AS r));
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.renew_policy() IS
'Internal. Names the readers of some tables in the row security of changes.relations and changes.quarantine. Returns nothing.
Errors: 42P01 before changes.setup(). Example: SELECT changes.renew_policy();';
