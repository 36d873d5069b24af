-- The rights of readers and writers, in one place.
--
-- Which functions: decided by what a function is, so that one that is added later is covered.
--
--   function of the extension                    | reader | writer
--   ---------------------------------------------+--------+-------
--   neither VOLATILE nor SECURITY DEFINER        | yes    | no      it does nothing that its caller could not do himself
--   COMMENT says "Readers may call it."          | yes    |
--   COMMENT says "Writers may call it."          |        | yes
--   any other                                    | no     | no
CREATE FUNCTION changes.role_routines(kind text)
RETURNS SETOF regprocedure
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p.oid::regprocedure
      FROM pg_catalog.pg_proc AS p
      JOIN pg_catalog.pg_depend AS d
        ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
      JOIN pg_catalog.pg_extension AS e
        ON d.refclassid = 'pg_catalog.pg_extension'::regclass AND e.oid = d.refobjid
     CROSS JOIN LATERAL (SELECT coalesce(obj_description(p.oid, 'pg_proc'), '')) AS c (comment)
     WHERE e.extname = 'waltrail'
       AND CASE kind
               WHEN 'reader' THEN (p.prokind = 'f' AND p.provolatile <> 'v' AND NOT p.prosecdef)
                                  OR c.comment LIKE '%Readers may call it.%'
               WHEN 'writer' THEN c.comment LIKE '%Writers may call it.%'
           END
     ORDER BY p.oid::regprocedure::text
$$;

COMMENT ON FUNCTION changes.role_routines(text) IS
'Internal. Returns the functions and procedures that a ''reader'' or a ''writer'' of the trail may call.
Errors: none of its own. Example: SELECT changes.role_routines(''reader'');';

-- A writer may insert, and move the end of a range; the columns that say which range it is are not his. The frames in quarantine
-- are rows of tables, and he has no right to read any; the rest of it is what `waltrail check` counts.
CREATE FUNCTION changes.give_writer_rights(role name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    columns_of CONSTANT text :=
        'SELECT string_agg(quote_ident(a.attname), '', '') FROM pg_catalog.pg_attribute AS a
          WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> ALL ($2)';
    columns text;
BEGIN
    EXECUTE format('GRANT INSERT ON public.changes TO %I', role);
    EXECUTE format('GRANT SELECT ON changes.sources, changes.applied, changes.relations, changes.gaps TO %I', role);
    EXECUTE columns_of INTO columns USING 'changes.applied', ARRAY['source_id', 'start_lsn'];
    EXECUTE format('GRANT UPDATE (%s) ON changes.applied TO %I', columns, role);
    EXECUTE format('GRANT INSERT, UPDATE (from_position) ON changes.relations TO %I', role);
    EXECUTE columns_of INTO columns USING 'changes.quarantine', ARRAY['frame'];
    EXECUTE format('GRANT INSERT, SELECT (%s) ON changes.quarantine TO %I', columns, role);
END
$$;

COMMENT ON FUNCTION changes.give_writer_rights(name) IS
'Internal. Grants what waltrail apply needs on the trail and the tables beside it. Returns nothing.
Errors: 42704 for an unknown role. Example: SELECT changes.give_writer_rights(''pg_monitor'');';

-- A reader of the whole trail reads every table and view beside it but the permits; one of some tables the view, and what
-- tells of no other table: changes.relations and changes.quarantine have row security, and changes.erasures is not his.
CREATE FUNCTION changes.give_reader_rights(role name, is_whole boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    relations text;
BEGIN
    SELECT string_agg(c.oid::regclass::text, ', ') INTO relations
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_class AS trail ON trail.oid = 'public.changes'::regclass AND trail.relowner = c.relowner
     WHERE c.relnamespace = 'changes'::regnamespace AND c.relkind IN ('r', 'p', 'v')
       AND CASE WHEN is_whole THEN c.relname <> 'permits'
                ELSE c.relname IN ('changes', 'sources', 'applied', 'relations', 'gaps', 'quarantine', 'settings', 'grants') END;
    EXECUTE format('GRANT SELECT ON %s TO %I', relations, role);
    IF is_whole THEN
        EXECUTE format('GRANT SELECT ON public.changes TO %I', role);
    END IF;
END
$$;

COMMENT ON FUNCTION changes.give_reader_rights(name, boolean) IS
'Internal. Grants SELECT on the whole trail and the tables beside it, or on what a reader of some tables reads. Returns nothing.
Errors: 42704 for an unknown role. Example: SELECT changes.give_reader_rights(''pg_monitor'', true);';

CREATE FUNCTION changes.give_rights(role name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    given record;
    routines text;
BEGIN
    FOR given IN SELECT g.kind, g.tables IS NULL AS is_whole FROM changes.grants AS g WHERE g.role = give_rights.role LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA changes TO %I', role);
        IF NOT has_schema_privilege(role, 'public', 'USAGE') THEN
            EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role);
        END IF;
        IF given.kind = 'writer' THEN
            PERFORM changes.give_writer_rights(role);
        ELSE
            PERFORM changes.give_reader_rights(role, given.is_whole);
        END IF;
        SELECT string_agg(r::text, ', ') INTO routines FROM changes.role_routines(given.kind) AS r;
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO %I', routines, role);
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.give_rights(name) IS
'Internal. Grants a role what changes.grants says of it. Returns nothing. Errors: 42704 for an unknown role.
Example: SELECT changes.give_rights(g.role) FROM changes.grants AS g;';

CREATE FUNCTION changes.take_rights(role name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format('REVOKE ALL ON public.changes FROM %I', role);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA changes FROM %I', role);
    EXECUTE format('REVOKE ALL ON ALL ROUTINES IN SCHEMA changes FROM %I', role);
    EXECUTE format('REVOKE ALL ON SCHEMA changes FROM %I', role);
END
$$;

COMMENT ON FUNCTION changes.take_rights(name) IS
'Internal. Revokes every right on the trail and on schema "changes" from a role. Returns nothing. Errors: 42704 for an unknown role.
Example: SELECT changes.take_rights(''pg_monitor'');';

-- setup() calls it: tables, views and functions may have been added, or made anew. A role of that name that may not use the schema
-- is another one than was granted, or the rights were taken away by hand: it gets nothing.
CREATE FUNCTION changes.renew_grants()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM changes.give_rights(r.rolname)
       FROM pg_catalog.pg_namespace AS n
      CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
       JOIN pg_catalog.pg_roles AS r ON r.oid = a.grantee
      WHERE n.nspname = 'changes' AND a.privilege_type = 'USAGE'
        AND r.rolname IN (SELECT g.role FROM changes.grants AS g);
    PERFORM changes.renew_policy();
END
$$;

COMMENT ON FUNCTION changes.renew_grants() IS
'Internal. Grants again to the roles of changes.grants that may use schema "changes". Returns nothing. Errors: none of its own.
Example: SELECT changes.renew_grants();';
