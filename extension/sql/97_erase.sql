-- The lawful erasure of a person's data (docs/operations.md, "Erasing a person's data"): the one way to alter changes, and to delete
-- some of them before their time. It says in changes.erasures what it did, without repeating what it erased.
--
--  * SECURITY DEFINER, so that it can be granted to a role that may not touch the trail otherwise; nobody but its owner may call it
--    before that. Triggers of the tables run with the same rights, so the trail must not be a lesser owner's.
--  * maintain() moves rows from partition to partition, and erase() reads before it writes: they exclude each other.
--  * What a hold keeps is kept by somebody's order: it takes another one to erase it, despite_hold, and that is noted. A snapshot from before the
--    lock would not show a hold that came in between: so none that is kept for the whole transaction.
CREATE FUNCTION changes.erase(schema text, "table" text, primary_key text, reason text,
                              columns text[] DEFAULT NULL, database text DEFAULT NULL, despite_hold boolean DEFAULT false)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    chosen record;
    erased record;
    total bigint := 0;
    columns_found text[] := '{}';
    unknown text;
    quarantined bigint;
    is_held boolean := false;
BEGIN
    PERFORM changes.check_erasure(reason, schema IS NULL OR "table" IS NULL OR primary_key IS NULL,
                                  cardinality(columns) = 0 OR array_position(columns, NULL) IS NOT NULL);
    PERFORM changes.check_isolation();
    PERFORM changes.check_owners();
    PERFORM changes.lock_trail(wait => true);
    PERFORM changes.permit_changes();
    FOR chosen IN
        SELECT r.place, array_agg(r.id) AS ids, array_agg(r.committed_at) AS times
          FROM (SELECT DISTINCT c.*
                  FROM changes.databases_of(erase.schema, erase."table", erase.primary_key) AS d (label)
                 CROSS JOIN LATERAL changes.record_changes(d.label, erase.schema, erase."table", erase.primary_key) AS c
                 WHERE d.label = coalesce(erase.database, d.label)) AS r
         GROUP BY r.place
    LOOP
        is_held := is_held OR changes.is_any_held(chosen.place, chosen.ids, chosen.times);
        PERFORM changes.check_hold(is_held, despite_hold);
        erased := changes.erase_changes(chosen.place, schema, "table", columns, chosen.ids, chosen.times);
        total := total + erased.touched;
        columns_found := columns_found || erased.columns_found;
    END LOOP;
    PERFORM changes.revoke_permit();
    IF total = 0 THEN
        RAISE WARNING 'found no change of that record in table "%.%": nothing was erased', schema, "table";
        RETURN 0;
    END IF;
    SELECT c INTO unknown FROM unnest(columns) AS c WHERE c <> ALL (columns_found) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'no change of that record has a column "%"', unknown
            USING ERRCODE = 'undefined_column', HINT = 'Name columns of the table as they were when the changes were made.';
    END IF;
    SELECT count(*) INTO quarantined
      FROM changes.quarantine AS q JOIN changes.sources AS s ON s.id = q.source_id
     WHERE q.schema = erase.schema AND q."table" = erase."table" AND q.part = 0 AND s.label = coalesce(erase.database, s.label);
    IF quarantined > 0 THEN
        RAISE WARNING 'changes of table "%.%" in quarantine: %, in which nothing was erased', schema, "table", quarantined
            USING HINT = 'waltrail decode shows whose they are; delete those of that person from changes.quarantine.';
    END IF;
    INSERT INTO changes.erasures (reason, action, database, schema, "table", columns, changes, quarantined, despite_hold)
    VALUES (erase.reason, CASE WHEN erase.columns IS NULL THEN 'rows' ELSE 'columns' END, erase.database, erase.schema, erase."table",
            erase.columns, total, quarantined, is_held);
    RETURN total;
END
$$;

COMMENT ON FUNCTION changes.erase(text, text, text, text, text[], text, boolean) IS
'Erases a person''s data from the trail, for good: of all changes of the record with that primary key, also of those under its earlier and
later keys. With columns, their values in before and after become null, and the context says so (_waltrail.erased); where one of them is of
the key, primary_key becomes NULL too. Without columns the changes are deleted. In changes.held as well; changes in quarantine are
counted and left. database is the label of a source; without it all are meant. What a hold in force keeps is erased with despite_hold only.
Returns the number of changes, and notes in
changes.erasures who did it, when, why and to what, but not the key: the reason should not name the person either.
Errors: 22023 without a reason, a table, a key, or with an empty list of columns; 42703 for a column that no change of the record has; 55006 where a hold
keeps some of the changes; 55000 where the trail is not the extension''s owner''s; 25001 in a transaction that is REPEATABLE READ or SERIALIZABLE.
A record without changes is a WARNING, and 0.
Example: SELECT changes.erase(''public'', ''users'', ''42'', ''request 2026-117'', columns => ARRAY[''email'', ''name'']);';

CREATE FUNCTION changes.check_erasure(reason text, lacks_target boolean, lacks_columns boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    problem CONSTANT text := CASE
        WHEN to_regclass('changes.erasures') IS NULL THEN 'There is no trail in this database, or it is of an earlier version: call changes.setup() first.'
        WHEN reason IS NULL OR btrim(reason) = '' THEN 'Give a reason: it is kept in changes.erasures.'
        WHEN coalesce(lacks_target, true) THEN 'Say what is to be erased: no argument of these may be NULL or empty.'
        WHEN lacks_columns THEN 'Name columns, or leave the argument out to delete the changes.'
    END;
BEGIN
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'could not erase from the trail'
            USING ERRCODE = 'invalid_parameter_value', DETAIL = problem;
    END IF;
END
$$;

COMMENT ON FUNCTION changes.check_erasure(text, boolean, boolean) IS
'Internal. Returns nothing where an erasure has what it needs. Errors: 22023 where it lacks a reason, a target or columns.
Example: SELECT changes.check_erasure(''a reason'', false, false);';

CREATE FUNCTION changes.check_isolation()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted') THEN
        RAISE EXCEPTION 'could not erase from the trail in a % transaction', current_setting('transaction_isolation')
            USING ERRCODE = 'active_sql_transaction',
                  DETAIL = 'It may not see a hold that was placed since it began.', HINT = 'Begin it with ISOLATION LEVEL READ COMMITTED.';
    END IF;
END
$$;

COMMENT ON FUNCTION changes.check_isolation() IS
'Internal. Returns nothing where each statement of the transaction sees what was committed before it. Errors: 25001 otherwise.
Example: SELECT changes.check_isolation();';

CREATE FUNCTION changes.is_any_held(place regclass, ids uuid[], times timestamptz[])
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_held boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS c JOIN unnest($1, $2) AS u (id, committed_at) ON c.id = u.id AND c.committed_at = u.committed_at
                                    WHERE %s)', place, changes.hold_condition())
       INTO is_held USING ids, times;
    RETURN is_held;
END
$$;

COMMENT ON FUNCTION changes.is_any_held(regclass, uuid[], timestamptz[]) IS
'Internal. Returns whether a hold in force keeps one of the changes that are given by id and commit time, in public.changes or changes.held. Errors: 42P01 before
changes.setup(). Example: SELECT changes.is_any_held(''public.changes'', ''{}'', ''{}'');';

CREATE FUNCTION changes.check_hold(is_held boolean, despite_hold boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF is_held AND despite_hold IS NOT TRUE THEN
        RAISE EXCEPTION 'a hold keeps changes that would be erased'
            USING ERRCODE = 'object_in_use',
                  HINT = 'Table changes.holds says why they are kept. Release the hold, or erase in spite of it with despite_hold => true, which is noted.';
    END IF;
END
$$;

COMMENT ON FUNCTION changes.check_hold(boolean, boolean) IS
'Internal. Returns nothing where no hold is in the way of an erasure, or it is meant to be done in spite of it. Errors: 55006 otherwise.
Example: SELECT changes.check_hold(true, true);';

CREATE FUNCTION changes.databases_of(schema text, "table" text, primary_key text)
RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE (
        SELECT string_agg(format('SELECT DISTINCT c.database::text FROM %s AS c WHERE c.schema = $1 AND c."table" = $2 AND c.primary_key = $3',
                                 t.name), ' UNION ')
          FROM unnest(ARRAY['public.changes', 'changes.held']) AS t (name)
         WHERE to_regclass(t.name) IS NOT NULL)
      USING schema, "table", primary_key;
END
$$;

COMMENT ON FUNCTION changes.databases_of(text, text, text) IS
'Internal. Returns the labels of the sources that have changes under this key, also of sources that are no longer registered. Errors: 42P01
before changes.setup(). Example: SELECT changes.databases_of(''public'', ''users'', ''42'');';

-- The columns are looked for after they were erased: their names are still there.
CREATE FUNCTION changes.erase_changes(place regclass, schema text, "table" text, columns text[], ids uuid[], times timestamptz[],
                                      OUT touched bigint, OUT columns_found text[])
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    of_ids CONSTANT text := 'unnest($1, $2) AS u (id, committed_at) WHERE c.id = u.id AND c.committed_at = u.committed_at';
    has_key boolean;
BEGIN
    IF columns IS NULL THEN
        EXECUTE format('DELETE FROM %s AS c USING %s', place, of_ids) USING ids, times;
        GET DIAGNOSTICS touched = ROW_COUNT;
    ELSE
        SELECT coalesce(bool_or(r.key_columns && erase_changes.columns), false) INTO has_key
          FROM changes.relations AS r WHERE r.schema = erase_changes.schema AND r."table" = erase_changes."table";
        EXECUTE format('UPDATE %s AS c
                           SET before = changes.null_columns(c.before, $3), after = changes.null_columns(c.after, $3),
                               context = changes.mark_erased(c.context, ''erased'', $3),
                               primary_key = CASE WHEN $4 THEN NULL ELSE c.primary_key END
                          FROM %s', place, of_ids)
          USING ids, times, columns, has_key;
        GET DIAGNOSTICS touched = ROW_COUNT;
        EXECUTE format('SELECT array_agg(n) FROM unnest($3) AS n
                         WHERE EXISTS (SELECT FROM %s AS c, %s AND (c.before ? n OR c.after ? n))', place, of_ids)
           INTO columns_found USING ids, times, columns;
    END IF;
    IF touched <> cardinality(ids) THEN
        RAISE EXCEPTION 'found % changes of that record and could erase %', cardinality(ids), touched
            USING ERRCODE = 'serialization_failure', HINT = 'Try again.';
    END IF;
END
$$;

COMMENT ON FUNCTION changes.erase_changes(regclass, text, text, text[], uuid[], timestamptz[]) IS
'Internal. Erases columns of changes that are given by id and commit time, in public.changes or changes.held, or without columns the changes.
Returns how many, and which of the columns they have. Errors: 40001 where they are no longer there; 55000 without a permit.
Example: SELECT * FROM changes.erase_changes(''public.changes'', ''public'', ''users'', ARRAY[''email''], ''{}'', ''{}'');';

-- Whatever application or actor a context names: a request of a person may have changed the records of others.
CREATE FUNCTION changes.erase_context(filter jsonb, reason text, database text DEFAULT NULL, despite_hold boolean DEFAULT false)
RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    paths CONSTANT text[] := ARRAY(SELECT changes.member_paths(filter));
    place text;
    touched bigint;
    total bigint := 0;
    is_held boolean := false;
BEGIN
    PERFORM changes.check_erasure(reason, coalesce(cardinality(paths), 0) = 0, false);
    PERFORM changes.check_isolation();
    PERFORM changes.check_owners();
    PERFORM changes.lock_trail(wait => true);
    PERFORM changes.permit_changes();
    FOREACH place IN ARRAY ARRAY['public.changes', 'changes.held'] LOOP
        CONTINUE WHEN to_regclass(place) IS NULL;
        IF NOT is_held THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s AS c WHERE c.context @> $1 AND c.database = coalesce($2, c.database) AND %s)',
                           place, changes.hold_condition())
               INTO is_held USING filter, database;
            PERFORM changes.check_hold(is_held, despite_hold);
        END IF;
        EXECUTE format('UPDATE %s AS c
                           SET context = changes.mark_erased(changes.null_members(c.context, $1), ''erased_context'', $2)
                         WHERE c.context @> $1 AND c.database = coalesce($3, c.database)', place)
          USING filter, paths, database;
        GET DIAGNOSTICS touched = ROW_COUNT;
        total := total + touched;
    END LOOP;
    PERFORM changes.revoke_permit();
    IF total = 0 THEN
        RAISE WARNING 'no context is like that: nothing was erased';
        RETURN 0;
    END IF;
    INSERT INTO changes.erasures (reason, action, database, columns, changes, despite_hold)
    VALUES (erase_context.reason, 'context', erase_context.database, paths, total, is_held);
    RETURN total;
END
$$;

COMMENT ON FUNCTION changes.erase_context(jsonb, text, text, boolean) IS
'Erases a person''s data from contexts, for good: where a context contains the filter (@>), the members that the filter names become null, and
_waltrail.erased_context says which. The actor is in the context too: {"_waltrail": {"actor": {"session_user": "…"}}}. database is the label of a
source; without it all are meant. What a hold in force keeps is erased with despite_hold only. Returns the number of changes, and notes the erasure in
changes.erasures, without the filter''s values.
Errors: 22023 without a reason, or a filter that is no object with members; 55006, 55000 and 25001 as changes.erase(). Where no context is like that, a WARNING, and 0.
Example: SELECT changes.erase_context(''{"user": {"email": "ada@example.com"}}'', ''request 2026-117'');';
