-- Why changes cannot be reverted, with the changes that are in the way: at most ten are named.
CREATE FUNCTION changes.revert_problem(conditions text, database text, shapes jsonb, needs_all boolean)
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
        problems := problems || changes.missing_between(database, span.first, span.last, span.times) || changes.lost_since(database, span.times);
        IF relation = 'changes.changes' THEN
            problems := problems || 'you may read some tables only, and not what was done to others'::text;
        END IF;
    END IF;
    RETURN CASE WHEN cardinality(problems) > 0 THEN array_to_string(problems, '; ') || '.' END;
END
$$;

COMMENT ON FUNCTION changes.revert_problem(text, text, jsonb, boolean) IS
'Internal. Returns why the changes that meet a condition cannot be reverted, NULL where they can. Errors: those of changes.readable().
Example: SELECT changes.revert_problem(''c.transaction_id = 1234'', ''shop'', ''{}'', true);';

-- Changes that belong to the same transactions, or lie between them, and are not in the trail.
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

-- Changes that the trail once had: what is left of a transaction is not all of it. What was erased is not known, only of which table it was, and so
-- whatever was done before then may lack something.
CREATE FUNCTION changes.lost_since(of_database text, times timestamptz[])
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
             WHERE e.action = 'rows' AND coalesce(e.database, of_database) = of_database AND e.erased_at > (SELECT min(t) FROM unnest(times) AS t)
             ORDER BY 1);
    END IF;
    RETURN lost;
END
$$;

COMMENT ON FUNCTION changes.lost_since(text, timestamptz[]) IS
'Internal. Returns texts that name what the retention has dropped, or changes.erase() has deleted, of a database and what may have been of transactions
committed at one of the times. Errors: none. Example: SELECT changes.lost_since(''shop'', ARRAY[now()]);';
