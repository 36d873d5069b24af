-- setup() and maintain() change the same partitions and must not do so at once. The lock belongs to
-- the transaction, not to the session: maintain() commits between its steps and takes it anew for
-- each, so a cancelled run leaves no lock behind in a pooled session.
CREATE FUNCTION changes.lock_trail(wait boolean)
RETURNS boolean
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key CONSTANT bigint := hashtextextended('waltrail: public.changes', 0);
BEGIN
    IF wait THEN
        PERFORM pg_advisory_xact_lock(key);
        RETURN true;
    END IF;
    RETURN pg_try_advisory_xact_lock(key);
END
$$;

COMMENT ON FUNCTION changes.lock_trail(boolean) IS
'Internal. Takes the advisory lock of setup() and maintain() until the end of the transaction and
returns true; without wait, returns false where another session holds it. Errors: none of its own.
Example: SELECT changes.lock_trail(wait => false);';
