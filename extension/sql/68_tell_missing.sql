-- What changes.history(), find() and activity() say beside their rows: that there may be more, which the trail does not have. It costs them a look at
-- tables of a few rows; only for a gap, in a question about a time, the trail itself is asked.
--
--  * A reader who may not see a table is not told of it (docs/operations.md, "Roles").
--  * A question may be asked for each row of another one. A NOTICE is raised once for all that a client asks at once, by its
--    statement_timestamp(); the setting changes.told remembers that until the transaction ends.
CREATE FUNCTION changes.missing_texts(of_database text, of_schema text, of_table text, since timestamptz, until timestamptz)
RETURNS SETOF text
LANGUAGE plpgsql STABLE ROWS 1
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
    asked_time CONSTANT tstzrange := CASE WHEN since >= until THEN 'empty' ELSE tstzrange(since, until) END;
    source record;
    dropped_until timestamptz;
    known_since timestamptz;
    counted bigint;
BEGIN
    IF isempty(asked_time) OR NOT changes.may_read('sources') THEN
        RETURN;
    END IF;
    IF changes.may_read('drops') THEN
        SELECT max(d.upper_bound) INTO dropped_until FROM changes.drops AS d;
    END IF;
    FOR source IN SELECT s.id, s.label, s.registered_at FROM changes.sources AS s WHERE of_database IS NULL OR s.label = of_database ORDER BY s.label LOOP
        -- changes.known_since() looks at each partition, which takes longer than all else here: only where the records say that it is later.
        IF since < source.registered_at OR since < dropped_until THEN
            known_since := changes.known_since(source.id, of_schema, of_table);
            IF since < known_since THEN
                RETURN NEXT format('the trail of database "%s" begins at %s', source.label, known_since);
            END IF;
        END IF;
        RETURN QUERY SELECT format('changes of database "%s" are missing between %s and %s (%s)', source.label, g.start_lsn, g.end_lsn, g.reason)
                       FROM changes.gaps_in_time(source.id, asked_time) AS g;
        IF changes.may_read('quarantine') THEN
            SELECT count(*) INTO counted FROM changes.quarantine AS q
             WHERE q.source_id = source.id AND q.schema = coalesce(of_schema, q.schema) AND q."table" = coalesce(of_table, q."table") AND q.part = 0
               AND coalesce(asked_time @> changes.commit_time(q.id), true);
            IF counted > 0 THEN
                RETURN NEXT format('changes of %s in changes.quarantine: %s',
                                   CASE WHEN of_table IS NULL THEN format('database "%s"', source.label) ELSE format('table "%s"', of_table) END, counted);
            END IF;
        END IF;
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.missing_texts(text, text, text, timestamptz, timestamptz) IS
'Internal. Returns texts that say what the trail may lack of a table, or where names are NULL of a schema, a database, all of them, at or after since and before
until: the time before it begins, gaps, changes in quarantine. Errors: those of changes.readable().
Example: SELECT * FROM changes.missing_texts(''shop'', ''public'', ''users'', now() - interval ''1 day'', NULL);';

CREATE FUNCTION changes.tell_missing(of_database text, of_schema text, of_table text, since timestamptz, until timestamptz)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    statement_of CONSTANT text := extract(epoch FROM statement_timestamp())::text;
    told text := coalesce(current_setting('changes.told', true), '');
    missing text;
BEGIN
    FOR missing IN SELECT m FROM changes.missing_texts(of_database, of_schema, of_table, since, until) AS m LOOP
        IF split_part(told, ' ', 1) <> statement_of THEN
            told := statement_of;
        END IF;
        CONTINUE WHEN position(md5(missing) IN told) > 0;
        told := told || ' ' || md5(missing);
        PERFORM set_config('changes.told', told, true);
        RAISE NOTICE '%', missing;
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.tell_missing(text, text, text, timestamptz, timestamptz) IS
'Internal. Raises what changes.missing_texts() returns as NOTICEs, each once for all statements that a client sends together. Returns nothing. Errors: those of
changes.readable().
Example: SELECT changes.tell_missing(''shop'', ''public'', ''users'', now() - interval ''1 day'', NULL);';
