-- Why changes cannot be reverted, with the changes that are in the way: at most ten are named. What may be missing depends on what was asked for:
--
--   asked for             | changes in quarantine     | gaps                           | dropped, or before the trail begins | records erased
--   ----------------------+---------------------------+--------------------------------+-------------------------------------+---------------
--   one change            |                           |                                |                                     |
--   a transaction         | of its time               | between its first and last     | of its time                         | since then
--   a time, from since on | of that time              | unless known to be outside     | since is before the trail begins    | since then
--   a context, or a time  | of any time until then: a | unless known to be after until | no error but a WARNING, or every    | since the first
--   without since         | frame's context is not    |                                | trail with a retention would refuse | change, and a
--                         | known here                |                                | all (changes.lost_before)           | WARNING
CREATE FUNCTION changes.revert_problem(conditions text, database text, shapes jsonb, needs_all boolean, asked_time tstzrange DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    relation CONSTANT text := changes.readable();
    problems text[] := '{}';
    problem text;
    ids text;
    span record;
    c record;
    shape jsonb;
    reasons jsonb := '{}';
BEGIN
    FOR c IN EXECUTE format(
        'SELECT c.id, c.schema, c."table", c.operation, c.before, c.after, c.context, c.position FROM %s AS c WHERE %s ORDER BY c.position, c.id',
        relation, conditions)
    LOOP
        shape := changes.shape_at(shapes->format('%I.%I', c.schema, c."table"), c.position);
        problem := CASE
            WHEN c.operation = 'TRUNCATE' THEN 'a TRUNCATE, whose rows are not known'
            WHEN shape IS NULL THEN 'what its table looked like is not known'
            WHEN jsonb_array_length(shape->'masked') > 0 THEN 'masked columns, of which the trail has hashes'
            WHEN c.context->'_waltrail' ? 'erased' THEN 'erased values'
            WHEN c.context->'_waltrail' ?| ARRAY['before', 'after', 'names_escaped'] THEN 'marked values'
            WHEN c.operation <> 'CREATE' AND NOT c.before ?& ARRAY(SELECT jsonb_array_elements_text(shape->'columns'))
                THEN 'the old row was not logged whole'
            WHEN c.operation <> 'DELETE' AND NOT c.after ?& ARRAY(SELECT jsonb_array_elements_text(shape->'columns'))
                THEN 'the new row was not logged whole'
        END;
        IF problem IS NOT NULL THEN
            reasons := jsonb_set(reasons, ARRAY[problem], coalesce(reasons->problem, '[]') || to_jsonb(c.id));
        END IF;
    END LOOP;
    FOR problem, ids IN
        SELECT r.key, (SELECT string_agg(e, ', ' ORDER BY n) FROM jsonb_array_elements_text(r.value) WITH ORDINALITY AS x (e, n) WHERE n <= 10)
                      || CASE WHEN jsonb_array_length(r.value) > 10 THEN format(' and %s more', jsonb_array_length(r.value) - 10) ELSE '' END
          FROM jsonb_each(reasons) AS r ORDER BY r.key
    LOOP
        problems := problems || format('%s: %s', problem, ids);
    END LOOP;
    IF needs_all THEN
        EXECUTE format(
            'SELECT min(c.position) AS first, max(c.position) AS last, array_agg(DISTINCT coalesce(changes.commit_time(c.id), c.committed_at)) AS times FROM %s AS c WHERE %s',
            relation, conditions) INTO span;
        problems := problems || CASE WHEN asked_time IS NULL THEN changes.missing_between(database, span.first, span.last, span.times)
                                     ELSE changes.missing_in_time(database, asked_time) END
                             || changes.lost_since(database, span.times, lower(asked_time));
        IF relation = 'changes.changes' THEN
            problems := problems || 'you may read some tables only, and not what was done to others'::text;
        END IF;
    END IF;
    RETURN CASE WHEN cardinality(problems) > 0 THEN array_to_string(problems, '; ') || '.' END;
END
$$;

COMMENT ON FUNCTION changes.revert_problem(text, text, jsonb, boolean, tstzrange) IS
'Internal. Returns why the changes that meet a condition cannot be reverted, NULL where they can; asked_time is the time of which all were asked for,
NULL where they are of one transaction. Errors: those of changes.readable().
Example: SELECT changes.revert_problem(''c.transaction_id = 1234'', ''shop'', ''{}'', true);';

-- Changes that belong to the same transaction, or lie between them, and are not in the trail.
CREATE FUNCTION changes.missing_between(of_database text, first_position bigint, last_position bigint, times timestamptz[])
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing text[] := '{}';
BEGIN
    IF changes.may_read('gaps') THEN
        missing := missing || ARRAY(
            SELECT format('changes are missing between %s and %s (%s)', g.start_lsn, g.end_lsn, g.reason)
              FROM changes.gaps AS g JOIN changes.sources AS s ON s.id = g.source_id
             WHERE s.label = of_database
               AND (g.end_lsn - '0/0'::pg_lsn) > first_position AND (g.start_lsn - '0/0'::pg_lsn) <= last_position
             ORDER BY g.start_lsn);
    END IF;
    IF changes.may_read('quarantine') THEN
        missing := missing || ARRAY(
            SELECT format('change %s of the same transaction is in changes.quarantine', q.id)
              FROM changes.quarantine AS q JOIN changes.sources AS s ON s.id = q.source_id
             WHERE s.label = of_database AND q.part = 0 AND changes.commit_time(q.id) = ANY (times)
             ORDER BY q.id);
    END IF;
    RETURN missing;
END
$$;

COMMENT ON FUNCTION changes.missing_between(text, bigint, bigint, timestamptz[]) IS
'Internal. Returns texts that name what is missing of a database between two positions: gaps, and changes in quarantine of transactions committed at
one of the times. Errors: none. Example: SELECT changes.missing_between(''shop'', 1, 9, ''{}'');';

-- What is missing of a time. When a gap was only its neighbours tell: what lies behind it was committed after it, what lies before it before.
CREATE FUNCTION changes.missing_in_time(of_database text, asked_time tstzrange)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
    of_source integer;
    missing text[] := '{}';
BEGIN
    IF NOT changes.may_read('sources') THEN
        RETURN missing;
    END IF;
    SELECT s.id INTO of_source FROM changes.sources AS s WHERE s.label = of_database;
    IF lower(asked_time) < changes.known_since(of_source) THEN
        missing := missing || format('the trail of database "%s" begins at %s', of_database, changes.known_since(of_source));
    END IF;
    missing := missing || ARRAY(SELECT format('changes are missing between %s and %s (%s)', g.start_lsn, g.end_lsn, g.reason)
                                  FROM changes.gaps_in_time(of_source, asked_time) AS g);
    IF changes.may_read('quarantine') THEN
        missing := missing || ARRAY(
            SELECT format('change %s of that time is in changes.quarantine', q.id)
              FROM changes.quarantine AS q
             WHERE q.source_id = of_source AND q.part = 0 AND coalesce(asked_time @> changes.commit_time(q.id), true)
             ORDER BY q.id);
    END IF;
    RETURN missing;
END
$$;

COMMENT ON FUNCTION changes.missing_in_time(text, tstzrange) IS
'Internal. Returns texts that name what may be missing of a database''s changes of a time: its beginning, gaps, and changes in quarantine.
Errors: those of changes.readable(). Example: SELECT changes.missing_in_time(''shop'', tstzrange(now() - interval ''1 day'', NULL));';

CREATE FUNCTION changes.gaps_in_time(of_source integer, asked_time tstzrange)
RETURNS TABLE (start_lsn pg_lsn, end_lsn pg_lsn, reason text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    label text;
    is_outside boolean;
BEGIN
    IF NOT changes.may_read('gaps') THEN
        RETURN;
    END IF;
    FOR start_lsn, end_lsn, reason, label IN
        SELECT g.start_lsn, g.end_lsn, g.reason, s.label FROM changes.gaps AS g JOIN changes.sources AS s ON s.id = g.source_id
         WHERE g.source_id = of_source ORDER BY g.start_lsn
    LOOP
        EXECUTE format(
            'SELECT %s OR %s',
            CASE WHEN lower(asked_time) IS NULL THEN 'false' ELSE format('EXISTS (SELECT FROM %s AS c WHERE c.database = %L AND c.position >= %s%s)',
                changes.readable(), label, (end_lsn - '0/0'::pg_lsn)::bigint, changes.time_condition(NULL, lower(asked_time))) END,
            CASE WHEN upper(asked_time) IS NULL THEN 'false' ELSE format('EXISTS (SELECT FROM %s AS c WHERE c.database = %L AND c.position < %s%s)',
                changes.readable(), label, (start_lsn - '0/0'::pg_lsn)::bigint, changes.time_condition(upper(asked_time), NULL)) END)
           INTO is_outside;
        IF NOT is_outside THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.gaps_in_time(integer, tstzrange) IS
'Internal. Returns the gaps of a source that are not known to lie outside of a time. Errors: those of changes.readable().
Example: SELECT g.* FROM changes.sources AS s, changes.gaps_in_time(s.id, tstzrange(now() - interval ''1 day'', NULL)) AS g;';

-- Changes that the trail once had: what is left of a transaction is not all of it. What was erased is not known, only of which table it was, and so
-- whatever was done before then may lack something.
CREATE FUNCTION changes.lost_since(of_database text, times timestamptz[], since timestamptz DEFAULT NULL)
RETURNS text[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
    lost text[] := '{}';
BEGIN
    IF changes.may_read('drops') THEN
        lost := lost || ARRAY(
            SELECT format('the retention has dropped changes committed between %s and %s', min(d.lower_bound), max(d.upper_bound))
              FROM changes.drops AS d, unnest(times) AS t
             WHERE t >= d.lower_bound AND t < d.upper_bound
            HAVING count(*) > 0);
    END IF;
    IF changes.may_read('erasures') THEN
        lost := lost || ARRAY(
            SELECT DISTINCT format('changes of table %I.%I were erased since, which may have been among them', e.schema, e."table")
              FROM changes.erasures AS e
             WHERE e.action = 'rows' AND coalesce(e.database, of_database) = of_database AND e.erased_at > least(lost_since.since, (SELECT min(t) FROM unnest(times) AS t))
             ORDER BY 1);
    END IF;
    RETURN lost;
END
$$;

COMMENT ON FUNCTION changes.lost_since(text, timestamptz[], timestamptz) IS
'Internal. Returns texts that name what the retention has dropped, or changes.erase() has deleted, of a database and what may have been of transactions
committed at one of the times, or after since. Errors: none. Example: SELECT changes.lost_since(''shop'', ARRAY[now()]);';

CREATE FUNCTION changes.lost_before(of_database text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
    lost text[] := '{}';
BEGIN
    IF changes.may_read('sources') THEN
        lost := lost || ARRAY(
            SELECT format('the retention has dropped what was committed before %s', changes.known_since(s.id))
              FROM changes.sources AS s WHERE s.label = of_database AND changes.known_since(s.id) > s.registered_at);
    END IF;
    IF changes.may_read('erasures') THEN
        IF EXISTS (SELECT FROM changes.erasures AS e WHERE e.action = 'rows' AND coalesce(e.database, of_database) = of_database) THEN
            lost := lost || 'records were erased with all their changes'::text;
        END IF;
    END IF;
    RETURN nullif(array_to_string(lost, '; '), '');
END
$$;

COMMENT ON FUNCTION changes.lost_before(text) IS
'Internal. Returns a text that says what the trail no longer has of a database, from its beginning; NULL where that is nothing. Errors: none.
Example: SELECT changes.lost_before(''shop'');';
