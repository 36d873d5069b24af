-- Who reads and who writes the trail. A role that was granted before starts from nothing: rights of the trail that were given to
-- it by hand are gone, too. changes.grants remembers, so that setup() can grant again what a new version adds.
CREATE FUNCTION changes.check_grantee(role name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    trail_owner oid;
    problem text;
BEGIN
    SELECT c.relowner INTO trail_owner FROM pg_catalog.pg_class AS c WHERE c.oid = to_regclass('public.changes');
    IF trail_owner IS NULL OR to_regclass('changes.grants') IS NULL THEN
        RAISE EXCEPTION 'there is no trail in this database'
            USING ERRCODE = 'undefined_table', HINT = 'Call changes.setup() first.';
    END IF;
    problem := CASE
        WHEN role IS NULL THEN 'Name a role.'
        WHEN lower(role) = 'public' THEN 'Nothing of the trail is granted to everybody: name a role, which others may be members of.'
        WHEN EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = role AND r.rolsuper)
            THEN 'It is a superuser, and no right restricts it.'
        WHEN EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = role AND pg_has_role(r.oid, trail_owner, 'USAGE'))
            THEN 'It has the rights of the trail''s owner.'
    END;
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'could not change the rights of role %', coalesce('"' || role || '"', 'NULL')
            USING ERRCODE = 'invalid_grant_operation', DETAIL = problem,
                  HINT = 'Use a role of its own for waltrail apply, and others for those who read.';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = role) THEN
        RAISE EXCEPTION 'role "%" does not exist', role USING ERRCODE = 'undefined_object';
    END IF;
END
$$;

COMMENT ON FUNCTION changes.check_grantee(name) IS
'Internal. Returns nothing where a role''s rights on the trail can be granted and revoked. Errors: 0LP01 for PUBLIC, a superuser, the
trail''s owner; 42704 for an unknown role; 42P01 before changes.setup(). Example: SELECT changes.check_grantee(''pg_monitor'');';

CREATE FUNCTION changes.grant_writer(role name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM changes.check_grantee(role);
    PERFORM changes.check_owners();
    PERFORM changes.take_rights(role);
    INSERT INTO changes.grants AS g (role, kind) VALUES (role, 'writer')
        ON CONFLICT ON CONSTRAINT grants_pkey DO UPDATE SET granted_at = now(), granted_by = session_user;
    PERFORM changes.give_rights(role);
END
$$;

COMMENT ON FUNCTION changes.grant_writer(name) IS
'Lets a role do what waltrail apply does, and nothing else: insert changes, record progress, and have partitions made and dropped
(changes.maintain). It reads no change, and updates and deletes none. Returns nothing.
Errors: 0LP01 for PUBLIC, a superuser, the trail''s owner; 42704 for an unknown role; 42P01 before changes.setup(); 55000 where the trail
is not the extension''s owner''s.
Example: SELECT changes.grant_writer(''pg_monitor'');';

CREATE FUNCTION changes.grant_reader(role name, tables text[] DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schemas_like text[];
    tables_like text[];
BEGIN
    PERFORM changes.check_grantee(role);
    IF tables IS NOT NULL THEN
        SELECT array_agg(p.schema_like ORDER BY t.place), array_agg(p.table_like ORDER BY t.place)
          INTO schemas_like, tables_like
          FROM unnest(tables) WITH ORDINALITY AS t (pattern, place)
         CROSS JOIN LATERAL changes.table_pattern(t.pattern) AS p;
        IF schemas_like IS NULL THEN
            RAISE EXCEPTION 'no table is named'
                USING ERRCODE = 'invalid_parameter_value',
                      HINT = 'Give patterns schema.table, or NULL for the whole trail.';
        END IF;
    END IF;
    PERFORM changes.take_rights(role);
    INSERT INTO changes.grants AS g (role, kind, tables, schemas_like, tables_like)
    VALUES (role, 'reader', tables, schemas_like, tables_like)
        ON CONFLICT ON CONSTRAINT grants_pkey DO UPDATE
        SET (tables, schemas_like, tables_like, granted_at, granted_by)
          = (excluded.tables, excluded.schemas_like, excluded.tables_like, now(), session_user);
    PERFORM changes.give_rights(role);
    PERFORM changes.renew_policy();
    IF tables IS NOT NULL THEN
        RAISE NOTICE 'role "%" reads the view changes.changes', role
            USING HINT = format('For a "changes" without schema to mean that view: ALTER ROLE %I IN DATABASE %I SET search_path = changes, public.',
                                role, current_database());
    END IF;
END
$$;

COMMENT ON FUNCTION changes.grant_reader(name, text[]) IS
'Lets a role read the trail, and the tables beside it, and call the functions that answer questions; it changes nothing. With tables,
patterns ''schema.table'' in which * stands for any characters, it sees the changes of these tables only, in the view changes.changes,
which has the columns of public.changes. What it was granted before is replaced. Returns nothing.
Errors: 0LP01 for PUBLIC, a superuser, the trail''s owner; 42704 for an unknown role; 22023 for an empty list or a bad pattern;
42P01 before changes.setup().
Example: SELECT changes.grant_reader(''pg_monitor'', ARRAY[''public.orders'', ''billing.*'']);';

-- A role that is gone has left its rows in changes.grants; they go. The trail's owner keeps his rights, even where he was granted some.
CREATE FUNCTION changes.revoke_all(role name)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    was_granted boolean := false;
BEGIN
    IF to_regclass('changes.grants') IS NOT NULL THEN
        DELETE FROM changes.grants AS g WHERE g.role = revoke_all.role;
        was_granted := FOUND;
    END IF;
    IF NOT was_granted THEN
        PERFORM changes.check_grantee(role);
    END IF;
    PERFORM changes.renew_policy();
    PERFORM changes.take_rights(r.rolname)
       FROM pg_catalog.pg_roles AS r
      WHERE r.rolname = role
        AND r.oid <> (SELECT c.relowner FROM pg_catalog.pg_class AS c WHERE c.oid = 'public.changes'::regclass);
END
$$;

COMMENT ON FUNCTION changes.revoke_all(name) IS
'Takes from a role every right on the trail, on the tables beside it and on the functions of waltrail, also what was granted
by hand. The right to use schema "public" it keeps. Returns nothing. Errors: 42704 for an unknown role; 0LP01 for PUBLIC, a superuser, the trail''s owner, where they were granted nothing; 42P01
before changes.setup(). Example: SELECT changes.revoke_all(''pg_monitor'');';

-- What is SECURITY DEFINER runs with the rights of the extension's owner, and the triggers of the tables would, too: the trail must belong
-- to the same role, or to a superuser.
CREATE FUNCTION changes.check_owners()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    trail_owner oid;
    extension_owner oid;
BEGIN
    SELECT c.relowner INTO trail_owner FROM pg_catalog.pg_class AS c WHERE c.oid = 'public.changes'::regclass;
    SELECT e.extowner INTO extension_owner FROM pg_catalog.pg_extension AS e WHERE e.extname = 'waltrail';
    IF trail_owner <> extension_owner
       AND NOT (SELECT r.rolsuper FROM pg_catalog.pg_roles AS r WHERE r.oid = trail_owner) THEN
        RAISE EXCEPTION 'the trail belongs to role "%" and extension "waltrail" to role "%"',
                        pg_get_userbyid(trail_owner), pg_get_userbyid(extension_owner)
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Give tables, views and functions of the trail to the extension''s owner, or let waltrail apply run as the trail''s owner.';
    END IF;
END
$$;

COMMENT ON FUNCTION changes.check_owners() IS
'Internal. Returns nothing where functions that are SECURITY DEFINER may work on the trail. Errors: 55000 where it is a lesser owner''s than the extension.
Example: SELECT changes.check_owners();';
