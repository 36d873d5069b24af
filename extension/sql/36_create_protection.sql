-- What keeps the trail append-only, for its owner and for superusers too: it is there against a careless statement. Whoever
-- means to destroy a trail that he owns can still drop it, or its triggers.
--
-- Tables, trigger functions and triggers are made here, at run time, and so are no members: they stay and work when the
-- extension is dropped. They use no member function for the same reason.
--
--  * Trigger functions are SECURITY DEFINER: they read and write changes.permits whoever runs the statement.
--  * The trigger at commit is what makes a forgotten permit end with its transaction.
CREATE FUNCTION changes.create_protection()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET client_min_messages = 'warning'
AS $create$
BEGIN
    CREATE TABLE IF NOT EXISTS changes.permits (
        transaction_id xid8 PRIMARY KEY
    );
    REVOKE ALL ON TABLE changes.permits FROM PUBLIC;
    COMMENT ON TABLE changes.permits IS
        'Transactions that may change the trail just now. Always empty to others.';
    PERFORM changes.create_trigger_functions();

    IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger
                    WHERE tgrelid = 'changes.permits'::regclass AND tgname = 'waltrail_end_permit') THEN
        CREATE CONSTRAINT TRIGGER waltrail_end_permit AFTER INSERT ON changes.permits
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION changes.end_permit();
    END IF;
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_trigger
                    WHERE tgrelid = 'changes.applied'::regclass AND tgname = 'waltrail_no_way_back') THEN
        CREATE TRIGGER waltrail_no_way_back BEFORE UPDATE ON changes.applied FOR EACH ROW
            WHEN (new.end_lsn < old.end_lsn) EXECUTE FUNCTION changes.refuse_way_back();
    END IF;
    PERFORM changes.guard_table(t.name::regclass)
       FROM (VALUES ('public.changes'), ('changes.held'), ('changes.erasures')) AS t (name)
      WHERE to_regclass(t.name) IS NOT NULL;
END
$create$;

COMMENT ON FUNCTION changes.create_protection() IS
'Internal. Makes what refuses changes of the trail: changes.permits, the trigger functions and the triggers, but for those of
partitions (changes.settle_partition). Returns nothing. Errors: 42P01 before changes.create_records().
Example: SELECT changes.create_protection();';

CREATE FUNCTION changes.create_trigger_functions()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $create$
BEGIN
    CREATE OR REPLACE FUNCTION changes.refuse_change()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        IF EXISTS (SELECT FROM changes.permits AS p WHERE p.transaction_id = pg_current_xact_id_if_assigned()) THEN
            IF tg_op = 'DELETE' THEN
                RETURN old;
            END IF;
            RETURN new;
        END IF;
        RAISE EXCEPTION '% on table "%.%" is refused: the trail is append-only', tg_op, tg_table_schema, tg_table_name
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'Use changes.erase() to erase a person''s data. changes.maintain() drops what is past its retention.';
    END
    $$;

    CREATE OR REPLACE FUNCTION changes.refuse_way_back()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        IF EXISTS (SELECT FROM changes.permits AS p WHERE p.transaction_id = pg_current_xact_id_if_assigned()) THEN
            RETURN new;
        END IF;
        RAISE EXCEPTION 'the recorded end % of source % cannot go back to %', old.end_lsn, old.source_id, new.end_lsn
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = 'What comes after it is in the trail already.';
    END
    $$;

    CREATE OR REPLACE FUNCTION changes.end_permit()
    RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS $$
    BEGIN
        DELETE FROM changes.permits AS p WHERE p.transaction_id = new.transaction_id;
        RETURN NULL;
    END
    $$;

    REVOKE ALL ON FUNCTION changes.refuse_change(), changes.refuse_way_back(), changes.end_permit() FROM PUBLIC;
    COMMENT ON FUNCTION changes.refuse_change() IS 'Trigger: the trail is append-only, but for transactions in changes.permits.';
    COMMENT ON FUNCTION changes.refuse_way_back() IS 'Trigger: the recorded end of a source does not go back.';
    COMMENT ON FUNCTION changes.end_permit() IS 'Trigger: a permit ends with its transaction.';
END
$create$;

COMMENT ON FUNCTION changes.create_trigger_functions() IS
'Internal. Makes the trigger functions of changes.create_protection(), or replaces them by those of this version. Returns nothing.
Errors: 42501 where they are somebody else''s. Example: SELECT changes.create_trigger_functions();';
