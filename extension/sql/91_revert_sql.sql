-- A script for the source that takes changes back, newest first.
--
--  * Order: transactions by their commits, the newest first, and in each its changes by position, descending. What a change depends on was
--    there when it was made: the row, the row that a foreign key names, the absence of another row with its key. A transaction that
--    made it so had committed, or was the same. Commits are ordered by their times; positions alone would not do, because a row
--    may be written before another one leaves its key (changes.came_later). Changes that share a position are of one transaction, and
--    its sequence orders them.
--  * Every statement looks at the row first: it must be what the change left, in the columns that the trail has of it. Both sides of
--    the comparison are made by the source's own types (changes.row_condition).
--  * Triggers: by default none fires (session_replication_role). They would change what is put back, and ON DELETE CASCADE
--    would delete what nobody asked for. Foreign keys are triggers too, and so are deferrable unique constraints: the last statement but
--    the COMMIT looks for itself whether any of the touched tables is violated, and takes all back if so (changes.revert_check).
CREATE FUNCTION changes.revert_sql(
    change_id uuid DEFAULT NULL, transaction_id bigint DEFAULT NULL, database text DEFAULT NULL, context jsonb DEFAULT NULL,
    since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL,
    on_conflict text DEFAULT 'stop', fire_triggers boolean DEFAULT false)
RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_variable
DECLARE
    conditions CONSTANT text := changes.revert_conditions(change_id, transaction_id, database, context, since, until);
    -- One transaction is whole or missing; of a time, or with a context, any transaction may be missing.
    asked_time CONSTANT tstzrange := CASE WHEN transaction_id IS NULL AND since < until IS NOT FALSE THEN tstzrange(since, until) END;
    source_database text;
    problem text;
    doubt text;
    shapes jsonb := '{}';
    tables text[] := '{}';
    name text;
    place record;
    t record;
    c changes.change;
BEGIN
    IF on_conflict IS NULL OR on_conflict NOT IN ('stop', 'skip') THEN
        RAISE EXCEPTION 'unknown on_conflict %', coalesce('"' || on_conflict || '"', 'NULL')
            USING ERRCODE = 'invalid_parameter_value', HINT = 'It is stop or skip.';
    END IF;
    source_database := changes.revert_database(conditions);
    -- A TRUNCATE is refused below, and may be one of a partition, which is no table.
    FOR t IN EXECUTE format('SELECT DISTINCT c.schema, c."table" FROM %s AS c WHERE c.operation <> ''TRUNCATE'' AND (%s) ORDER BY 1, 2',
                            changes.readable(), conditions) LOOP
        name := format('%I.%I', t.schema, t."table");
        place := changes.find_table(t."table", t.schema, source_database);
        shapes := shapes || jsonb_build_object(name, changes.shapes_json(place.source_id, t.schema, t."table"));
        tables := tables || name;
    END LOOP;
    problem := changes.revert_problem(conditions, source_database, shapes, change_id IS NULL, asked_time);
    IF problem IS NOT NULL THEN
        RAISE EXCEPTION 'the changes cannot be reverted'
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = problem,
                  HINT = 'What the trail does not know cannot be put back; changes.find() shows the changes, and since and until bound the time that is asked for.';
    END IF;
    IF change_id IS NULL AND lower_inf(asked_time) THEN
        doubt := changes.lost_before(source_database);
    END IF;
    IF doubt IS NOT NULL THEN
        RAISE WARNING 'older changes may be missing in the script'
            USING DETAIL = doubt || '.', HINT = 'With since => … nothing older is asked for.';
    END IF;

    RETURN QUERY SELECT changes.revert_opening(
        fire_triggers, jsonb_strip_nulls(jsonb_build_object('change_id', change_id, 'transaction_id', transaction_id, 'context', context,
                                                            'since', since, 'until', until)));
    IF doubt IS NOT NULL THEN
        RETURN NEXT format('-- Older changes may be missing here: %s.', doubt);
    END IF;
    FOR c IN EXECUTE format(
        'SELECT (s.c).* FROM (
             SELECT c, first_value(c.id) OVER same AS first_id, count(*) OVER same AS sharing
               FROM %s AS c WHERE %s
             WINDOW same AS (PARTITION BY c.position)) AS s
          ORDER BY coalesce(changes.commit_time((s.c).id), (s.c).committed_at) DESC, (s.c).position DESC, CASE WHEN s.sharing > 1 THEN changes.sequence((s.c).id, s.first_id) END DESC',
        changes.readable(), conditions)
    LOOP
        name := format('%I.%I', c.schema, c."table");
        RETURN NEXT changes.revert_statement(c, shapes->name, on_conflict = 'skip');
    END LOOP;
    IF NOT fire_triggers THEN
        RETURN NEXT changes.revert_check(tables);
    END IF;
    RETURN NEXT 'COMMIT;';
END
$$;

COMMENT ON FUNCTION changes.revert_sql(uuid, bigint, text, jsonb, timestamptz, timestamptz, text, boolean) IS
'Returns a script, to be run on the source, that takes changes back in one transaction: one change, a transaction of a database (the source''s
label), everything with a context (@>), or committed at or after since and before until; all conditions given must hold. Each statement finds the row
as the change left it; where the row has changed since, the script ends with an error (on_conflict => ''stop'') or goes on with a WARNING
(''skip''). Triggers do not fire, which needs a superuser, and foreign keys are verified at the end; with fire_triggers => true all is
as if an application did it. In psql at the destination: \t \a, \o revert.sql, the question, \o. Errors: 22023 without a condition; P0002 where no change meets
it; 42P08 where changes of several databases do; 55000 for what cannot be reverted: a TRUNCATE, old rows not logged whole, masked, marked or erased values,
and, but for one change, what may be half: a gap, a change in quarantine, what the retention or changes.erase() may have taken, or a reader of some tables may not
see; with since a time before the trail begins. Without since a WARNING, and a comment in the script, say where the trail no longer has all.
Example: SELECT * FROM changes.revert_sql(context => ''{"request": "r-17"}'');';

CREATE FUNCTION changes.revert_conditions(
    change_id uuid, transaction_id bigint, database text, context jsonb, since timestamptz, until timestamptz)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
    of_id text := '';
    committed timestamptz;
BEGIN
    IF num_nonnulls(change_id, transaction_id, context, since, until) = 0 THEN
        RAISE EXCEPTION 'say which changes are to be reverted'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'With change_id => …, transaction_id => …, context => …, or since => ….';
    END IF;
    IF change_id IS NOT NULL THEN
        -- The id says in which partition it is.
        committed := changes.commit_time(change_id);
        of_id := concat(format(' AND c.id = %L', change_id), ' AND c.committed_at = ' || quote_literal(date_trunc('second', committed)));
        IF num_nonnulls(transaction_id, database, context, since, until) = 0 THEN
            RETURN substr(of_id, 6);
        END IF;
    END IF;
    RETURN concat(
        changes.find_conditions(context, NULL, transaction_id, since, until, database, NULL, NULL, NULL, NULL, NULL), of_id);
END
$$;

COMMENT ON FUNCTION changes.revert_conditions(uuid, bigint, text, jsonb, timestamptz, timestamptz) IS
'Internal. Returns the condition, on a row c of the trail, that changes.revert_sql() with these arguments has. Errors: 22023 without any.
Example: SELECT changes.revert_conditions(NULL, 1234, ''shop'', NULL, NULL, NULL);';

CREATE FUNCTION changes.revert_database(conditions text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    databases text[];
BEGIN
    EXECUTE format('SELECT ARRAY(SELECT DISTINCT c.database::text FROM %s AS c WHERE %s ORDER BY 1)', changes.readable(), conditions)
       INTO databases;
    IF cardinality(databases) = 0 THEN
        RAISE EXCEPTION 'there is no such change in the trail' USING ERRCODE = 'no_data_found';
    END IF;
    IF cardinality(databases) > 1 THEN
        RAISE EXCEPTION 'changes of several databases meet the conditions: %', array_to_string(databases, ', ')
            USING ERRCODE = 'ambiguous_parameter', HINT = 'Say which with database => …: a script is for one.';
    END IF;
    RETURN databases[1];
END
$$;

COMMENT ON FUNCTION changes.revert_database(text) IS
'Internal. Returns the one database whose changes meet the condition. Errors: P0002 where none do; 42P08 where those of several do.
Example: SELECT changes.revert_database(''c.transaction_id = 950'');';
