-- The lawful way past the append-only triggers (create_protection() makes them). A permit is a row of changes.permits that
-- names a transaction: the triggers let pass what that very transaction does.
--
--  * Nobody else's: the row is not visible to others before it is committed, and a transaction id never comes again.
--  * Nobody forges one: it is no setting; who may not write changes.permits has none.
--  * None stays behind: a rollback takes it back, and a trigger at commit deletes what revoke_permit() has not.
--  * Between an upgrade from 0.1.0 and the next setup() there is no such table, and no trigger that would ask for it.
CREATE FUNCTION changes.permit_changes()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF to_regclass('changes.permits') IS NOT NULL THEN
        INSERT INTO changes.permits (transaction_id) VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
    END IF;
END
$$;

COMMENT ON FUNCTION changes.permit_changes() IS
'Internal. Lets this transaction update and delete rows of the trail until changes.revoke_permit() or its end. Returns nothing.
Errors: 42501 for a role that may not write changes.permits. Example: SELECT changes.permit_changes();';

CREATE FUNCTION changes.revoke_permit()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF to_regclass('changes.permits') IS NOT NULL THEN
        DELETE FROM changes.permits AS p WHERE p.transaction_id = pg_current_xact_id();
    END IF;
END
$$;

COMMENT ON FUNCTION changes.revoke_permit() IS
'Internal. Ends what changes.permit_changes() allowed to this transaction, if it did. Returns nothing.
Errors: 42501 for a role that may not write changes.permits. Example: SELECT changes.revoke_permit();';
