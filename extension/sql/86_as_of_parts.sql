-- The parts of changes.as_of(table, time).

-- The span of positions that says anything of the moment: after the last TRUNCATE until then (or after the table was made anew), -1 without
-- one, and up to the first TRUNCATE after it.
CREATE FUNCTION changes.filled_between(place record, shapes jsonb, at timestamptz, OUT since_position bigint, OUT until_position bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    just_after CONSTANT timestamptz := at + interval '1 microsecond';
    emptied CONSTANT text := format('FROM %s AS c WHERE %s', changes.readable(),
        changes.truncate_condition(place.database, place.schema, place."table", '{}'));
BEGIN
    EXECUTE format('SELECT max(c.position) %s%s', emptied, changes.time_condition(NULL, just_after)) INTO since_position;
    EXECUTE format('SELECT min(c.position) %s%s', emptied, changes.time_condition(just_after, NULL)) INTO until_position;
    since_position := greatest(since_position, -1,
        (SELECT max(p) - 1 FROM unnest(changes.new_table_positions(place, shapes, at, false)) AS p));
    until_position := least(until_position, 9223372036854775807,
        (SELECT min(p) FROM unnest(changes.new_table_positions(place, shapes, at, true)) AS p));
END
$$;

COMMENT ON FUNCTION changes.filled_between(record, jsonb, timestamptz) IS
'Internal. Returns the positions between which changes of a table say what it was at the time: since it was last empty, and until it was
emptied again. Errors: those of changes.readable().
Example: SELECT f.* FROM changes.find_table(''users'', NULL, NULL) AS t, changes.filled_between(t, ''[]'', now()) AS f;';

-- The shape in force at the moment: the last of which a change was committed until then, or else the first; and whether all rows of the table were
-- logged whole, so that a change tells of any of its columns.
CREATE FUNCTION changes.shape_then(place record, shapes jsonb, at timestamptz)
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_known boolean;
    is_whole CONSTANT jsonb := jsonb_build_object('is_whole', NOT EXISTS (
        SELECT FROM changes.relations AS r
         WHERE r.source_id = place.source_id AND r.schema = place.schema AND r."table" = place."table" AND r.replica_identity <> 'f'));
BEGIN
    FOR i IN REVERSE jsonb_array_length(shapes) - 1..1 LOOP
        EXECUTE format(
            'SELECT EXISTS (SELECT FROM %s AS c WHERE c.database = %L AND c.schema = %L AND c."table" = %L AND c.position >= %s%s%s)',
            changes.readable(), place.database, place.schema, place."table", shapes->i->>'from',
            ' AND c.position < ' || (shapes->i->>'until'), changes.time_condition(NULL, at + interval '1 microsecond'))
           INTO is_known;
        IF is_known THEN
            RETURN shapes->i || is_whole;
        END IF;
    END LOOP;
    RETURN shapes->0 || is_whole;
END
$$;

COMMENT ON FUNCTION changes.shape_then(record, jsonb, timestamptz) IS
'Internal. Returns which of its shapes a table had at the time, with "is_whole": whether its rows were always logged whole. Errors: those of changes.readable().
Example: SELECT changes.shape_then(t, ''[{"from": 1}]'', now()) FROM changes.find_table(''users'', NULL, NULL) AS t;';

-- Expressions on a change c, each as its shape has it: the key of a side of the change, whether the key has changed, whether a side lacks a
-- column.
--
--   the key at the change's position   | and rows were logged whole, | the change is under
--                                      | with the current key        |
--   -----------------------------------+-----------------------------+------------------------------------------------
--   the current one, or the same with  |                             | its primary_key
--   other names of its columns         |                             |
--   none                               | no                          | the key that the table got next, from the JSON
--   another, or none                   | yes                         | the current key, from the JSON
--   another                            | no                          | its primary_key, which is a doubt (is_foreign)
CREATE FUNCTION changes.change_expressions(
    shapes jsonb, current_shape jsonb, OUT key_after text, OUT key_before text, OUT is_moved text, OUT lacks_after text, OUT lacks_before text,
    OUT is_foreign text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    shape jsonb;
    keyed jsonb;
    is_same boolean;
    key_columns text[];
    key_types text[];
    columns text[];
    moved text;
    key_form text;
    branches text[] := '{}';
BEGIN
    FOR i IN 0..jsonb_array_length(shapes) - 1 LOOP
        shape := shapes->i;
        SELECT e INTO keyed FROM jsonb_array_elements(shapes) WITH ORDINALITY AS x (e, n)
         WHERE n > i AND jsonb_array_length(e->'key') > 0 ORDER BY n LIMIT 1;
        keyed := coalesce(keyed, shape);
        is_same := changes.is_same_key(keyed, current_shape);
        key_form := 'coalesce(c.primary_key, changes.key_text(c.%s, %L, %L))';
        IF NOT is_same AND (current_shape->>'is_whole')::boolean
           AND shape->'columns' ?& ARRAY(SELECT jsonb_array_elements_text(current_shape->'key')) THEN
            keyed := current_shape;
            is_same := true;
            key_form := 'coalesce(changes.key_text(c.%s, %L, %L), c.primary_key)';
        END IF;
        key_columns := ARRAY(SELECT jsonb_array_elements_text(keyed->'key'));
        key_types := ARRAY(SELECT jsonb_array_elements_text(keyed->'key_types'));
        columns := ARRAY(SELECT jsonb_array_elements_text(shape->'columns'));
        SELECT format('(c.before ?& %L::pg_catalog.text[] AND (%s))', key_columns,
                      string_agg(format('(c.before->%L)::text IS DISTINCT FROM (c.after->%L)::text', k, k), ' OR '))
          INTO moved FROM unnest(key_columns) AS k;
        branches := branches || ARRAY[ARRAY[
            format(key_form, 'after', key_columns, key_types),
            format('changes.key_text(c.before, %L, %L)', key_columns, key_types),
            moved,
            format('(NOT c.after ?& %L::pg_catalog.text[])', columns),
            format('(NOT c.before ?& %L::pg_catalog.text[])', columns),
            (NOT is_same)::text,
            format(key_form, 'before', key_columns, key_types)]];
    END LOOP;
    key_after := format('(CASE c.operation WHEN ''DELETE'' THEN %s ELSE %s END)',
        changes.shape_case(shapes, ARRAY(SELECT branches[i][7] FROM generate_subscripts(branches, 1) AS i ORDER BY i)),
        changes.shape_case(shapes, ARRAY(SELECT branches[i][1] FROM generate_subscripts(branches, 1) AS i ORDER BY i)));
    key_before := changes.shape_case(shapes, ARRAY(SELECT branches[i][2] FROM generate_subscripts(branches, 1) AS i ORDER BY i));
    is_moved := changes.shape_case(shapes, ARRAY(SELECT branches[i][3] FROM generate_subscripts(branches, 1) AS i ORDER BY i));
    lacks_after := changes.shape_case(shapes, ARRAY(SELECT branches[i][4] FROM generate_subscripts(branches, 1) AS i ORDER BY i));
    lacks_before := changes.shape_case(shapes, ARRAY(SELECT branches[i][5] FROM generate_subscripts(branches, 1) AS i ORDER BY i));
    is_foreign := changes.shape_case(shapes, ARRAY(SELECT branches[i][6] FROM generate_subscripts(branches, 1) AS i ORDER BY i));
END
$$;

COMMENT ON FUNCTION changes.change_expressions(jsonb, jsonb) IS
'Internal. Returns SQL expressions on a row c of the trail, for a table with these shapes and the current one: the key that it is under (key_after; after the change, of a
DELETE before it), the key before it, whether the key changed, whether after or before lacks a column, whether the key is not the current one. Errors: none.
Example: SELECT e.* FROM (VALUES (''{"from": 1, "key": ["id"], "key_types": ["integer"], "columns": ["id"]}''::jsonb)) AS s (shape), changes.change_expressions(jsonb_build_array(s.shape), s.shape) AS e;';

CREATE FUNCTION changes.keyed_query(place record, shapes jsonb, current_shape jsonb, at timestamptz, since_position bigint, until_position bigint)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e record;
    just_after CONSTANT timestamptz := at + interval '1 microsecond';
    source CONSTANT text := format('FROM %s AS c WHERE c.database = %L AND c.schema = %L AND c."table" = %L AND c.operation <> ''TRUNCATE'' AND NOT %s',
        changes.readable(), place.database, place.schema, place."table", changes.erased_key_condition(place));
    past text;
    future text;
    events text;
    moves text;
    is_move text;
BEGIN
    SELECT x.* INTO e FROM changes.change_expressions(shapes, current_shape) AS x;
    past := source || format(' AND c.position > %s', since_position) || changes.time_condition(NULL, just_after);
    future := source || format(' AND c.position < %s', until_position) || changes.time_condition(just_after, NULL)
              || CASE WHEN since_position >= 0 THEN ' AND false' ELSE '' END;
    events := format('
        SELECT (%1$s)::text AS key, c.position, c.id, c.transaction_id AS xid,
               CASE WHEN c.operation = ''DELETE'' THEN ''leaves'' WHEN c.operation = ''CREATE'' OR c.before <> ''{}'' AND %2$s THEN ''arrives'' ELSE ''stays'' END AS what,
               c.after, c.before, c.context, %3$s AS lacks_after, %4$s AS lacks_before, %5$s AS is_foreign, c.committed_at ',
        e.key_after, e.is_moved, e.lacks_after, e.lacks_before, e.is_foreign);
    moves := format('
        SELECT %1$s, c.position, c.id, c.transaction_id, ''leaves'', ''{}'', c.before, c.context, false, %2$s, %3$s, c.committed_at ',
        e.key_before, e.lacks_before, e.is_foreign);
    is_move := ' AND c.operation = ''UPDATE'' AND c.before <> ''{}'' AND ' || e.is_moved;
    -- Of each key the newest event until then, and the first after it. Where a row leaves the key last, and one came to it in that second or later, it may be
    -- another row's (changes.key_rows); so may what is known from later, where a row leaves no later than one comes.
    RETURN format('
    WITH past AS MATERIALIZED (
        SELECT p.* FROM (
            SELECT p.*, row_number() OVER next AS n,
                   coalesce(first_value(p.what) OVER next = ''leaves''
                            AND max(p.committed_at) FILTER (WHERE p.what = ''arrives'') OVER whole >= first_value(p.committed_at) OVER next, false) AS is_contested
              FROM (%1$s %3$s UNION ALL %2$s %3$s %5$s) AS p
             WHERE p.key IS NOT NULL
            WINDOW next AS (PARTITION BY p.key ORDER BY p.position DESC, p.id),
                   whole AS (PARTITION BY p.key ORDER BY p.position DESC, p.id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS p
         WHERE p.n = 1 OR p.is_contested),
    later AS MATERIALIZED (
        SELECT l.* FROM (
            SELECT l.*, row_number() OVER next AS n,
                   coalesce(first_value(l.what) OVER next = ''arrives''
                            AND min(l.committed_at) FILTER (WHERE l.what = ''leaves'') OVER whole <= first_value(l.committed_at) OVER next, false) AS is_contested
              FROM (%1$s %4$s UNION ALL %2$s %4$s %5$s) AS l
             WHERE l.key IS NOT NULL AND NOT EXISTS (SELECT FROM past AS p WHERE p.key = l.key)
            WINDOW next AS (PARTITION BY l.key ORDER BY l.position, l.id),
                   whole AS (PARTITION BY l.key ORDER BY l.position, l.id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS l
         WHERE l.n = 1 OR l.is_contested),
    there AS MATERIALIZED (
        SELECT e.key, k.id, k.is_doubtful
          FROM (SELECT p.key, array_agg(ROW(p.id, p.position, p.xid, p.what, p.before, p.after)::changes.key_event ORDER BY p.position, p.id) AS events
                  FROM past AS p WHERE p.is_contested GROUP BY p.key) AS e
         CROSS JOIN LATERAL changes.key_rows(e.events, %6$L) AS k
         WHERE k.is_there),
    was AS MATERIALIZED (
        SELECT DISTINCT ON (e.key) e.key, k.id, k.is_doubtful
          FROM (SELECT l.key, array_agg(ROW(l.id, l.position, l.xid, l.what, l.before, l.after)::changes.key_event ORDER BY l.position, l.id) AS events
                  FROM later AS l WHERE l.is_contested GROUP BY l.key) AS e
         CROSS JOIN LATERAL changes.key_rows(e.events, false) WITH ORDINALITY AS k (id, of_row, is_there, is_doubtful, n)
         WHERE k.of_row = 0 ORDER BY e.key, k.n)
    SELECT p.key, p.position, p.id, p.after AS content, p.lacks_after AS is_partial,
           concat_ws(''; '', CASE WHEN p.context ? ''_waltrail'' THEN changes.marks(p.context, ''after'') END, CASE WHEN t.is_doubtful THEN %7$L END, CASE WHEN p.is_foreign THEN %8$L END) AS doubt,
           coalesce(changes.commit_time(p.id), p.committed_at) AS changed_at, NULL::bigint AS known_from
      FROM past AS p LEFT JOIN there AS t ON t.key = p.key AND t.id = p.id
     WHERE CASE WHEN p.is_contested THEN t.id IS NOT NULL ELSE p.what <> ''leaves'' END
    UNION ALL
    SELECT l.key, NULL, NULL, l.before, l.lacks_before,
           concat_ws(''; '', CASE WHEN l.context ? ''_waltrail'' THEN changes.marks(l.context, ''before'') END, CASE WHEN w.is_doubtful THEN %7$L END, CASE WHEN l.is_foreign THEN %8$L END), NULL, l.position
      FROM later AS l LEFT JOIN was AS w ON w.key = l.key AND w.id = l.id
     WHERE CASE WHEN l.is_contested THEN w.id IS NOT NULL ELSE l.what <> ''arrives'' END
     ORDER BY key', events, moves, past, future, is_move, since_position >= 0, 'two rows may have had the key in one transaction',
    'the primary key was of other columns, and which row this is now is not known');
END
$$;

COMMENT ON FUNCTION changes.keyed_query(record, jsonb, jsonb, timestamptz, bigint, bigint) IS
'Internal. Returns the query for the rows that a table with a primary key, that of the current shape, had at the time. Errors: those of changes.readable().
Example: SELECT length(changes.keyed_query(t, jsonb_build_array(s.shape), s.shape, now(), -1, 9)) FROM changes.find_table(''users'', NULL, NULL) AS t, (VALUES (''{"key": ["id"], "key_types": ["integer"], "columns": ["id"]}''::jsonb)) AS s (shape);';

-- A table without a key is a bag of rows: a change puts one in, takes one out, or both. Of each content, what was taken out
-- before it was put in had been there before the trail began: the count never goes below nothing, and what later
-- changes take out beyond what is there was there already. Before and after are by commit: what a transaction has put in, others can take out only then.
CREATE FUNCTION changes.bag_as_of(
    place record, shapes jsonb, at timestamptz, since_position bigint, until_position bigint, doubts text[], later_doubts text[])
RETURNS SETOF changes.past_row
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e record;
    just_after CONSTANT timestamptz := at + interval '1 microsecond';
    source CONSTANT text := format('FROM %s AS c WHERE c.database = %L AND c.schema = %L AND c."table" = %L', changes.readable(),
        place.database, place.schema, place."table");
    span text;
    is_partial boolean;
BEGIN
    SELECT x.* INTO e FROM changes.change_expressions(shapes, shapes->-1) AS x;
    span := source || format(' AND c.position > %s AND c.position < %s', since_position, until_position);
    EXECUTE 'SELECT EXISTS (SELECT ' || span || ' AND (c.operation IN (''UPDATE'', ''DELETE'') AND ' || e.lacks_before || '
                                          OR c.operation IN (''CREATE'', ''UPDATE'') AND ' || e.lacks_after || '))' INTO is_partial;
    IF is_partial THEN
        RAISE EXCEPTION 'changes of table "%" were not logged whole, and it has no primary key', place."table"
            USING ERRCODE = 'object_not_in_prerequisite_state', HINT = 'It needs REPLICA IDENTITY FULL on the source.';
    END IF;
    RETURN QUERY EXECUTE '
    WITH moves AS (
        SELECT c.position, c.id, c.before::text AS content, -1 AS step, coalesce(changes.commit_time(c.id), c.committed_at) AS at, c.context ' || span || '
           AND c.operation IN (''UPDATE'', ''DELETE'')
        UNION ALL
        SELECT c.position, c.id, c.after::text, 1, coalesce(changes.commit_time(c.id), c.committed_at), c.context ' || span || '
           AND c.operation IN (''CREATE'', ''UPDATE'')),
    sums AS (
        SELECT m.*, m.at < $1 AS is_past,
               sum(m.step) OVER (PARTITION BY m.content, m.at < $1 ORDER BY m.at, m.position, m.id, m.step) AS running FROM moves AS m),
    counts AS (
        SELECT s.content,
               coalesce(sum(s.step) FILTER (WHERE s.is_past), 0) - least(0, min(s.running) FILTER (WHERE s.is_past)) AS past,
               - least(0, min(s.running) FILTER (WHERE NOT s.is_past)) AS later,
               (array_agg(s.id ORDER BY s.at DESC, s.position DESC, s.id) FILTER (WHERE s.is_past AND s.step = 1))[1] AS id,
               (array_agg(s.at ORDER BY s.at DESC, s.position DESC, s.id) FILTER (WHERE s.is_past AND s.step = 1))[1] AS changed_at,
               (array_agg(CASE WHEN s.context ? ''_waltrail'' THEN changes.marks(s.context, ''after'') END ORDER BY s.at DESC, s.position DESC, s.id) FILTER (WHERE s.is_past AND s.step = 1))[1] AS marks,
               (array_agg(CASE WHEN s.context ? ''_waltrail'' THEN changes.marks(s.context, ''before'') END ORDER BY s.at, s.position, s.id) FILTER (WHERE NOT s.is_past AND s.step = -1))[1] AS later_marks
          FROM sums AS s GROUP BY s.content)
    SELECT NULL::text, k.content::jsonb, CASE WHEN n <= k.past THEN k.changed_at END, CASE WHEN n <= k.past THEN k.id END,
           CASE WHEN n <= k.past THEN nullif(concat_ws(''; '', k.marks, $2), '''') ELSE nullif(concat_ws(''; '', k.later_marks, $4), '''') END
      FROM counts AS k, generate_series(1, greatest(k.past, CASE WHEN $3 < 0 THEN k.later ELSE 0 END)) AS n
     ORDER BY k.content'
    USING just_after, nullif(array_to_string(doubts, '; '), ''), since_position, nullif(array_to_string(later_doubts, '; '), '');
END
$$;

COMMENT ON FUNCTION changes.bag_as_of(record, jsonb, timestamptz, bigint, bigint, text[], text[]) IS
'Internal. Returns the rows that a table without a primary key had at the time, equal ones as often as there were. Errors: 55000 where changes
were not logged whole.
Example: SELECT b.* FROM changes.find_table(''users'', NULL, NULL) AS t, changes.bag_as_of(t, ''[{"key": [], "key_types": [], "columns": []}]'', now(), -1, 9, ''{}'', ''{}'') AS b;';
