-- A record as it was. Two short queries: its newest change until then, and what may have ended it after that: an UPDATE of the key away from
-- it, a TRUNCATE. Both look only where that can be, so that the past of a record that changes often costs no more than that of another. Only
-- where a row left the key last, and one was brought to it or changed there by the same transaction or by one committed later, all events at
-- the key are gone through (changes.key_rows): another row may be there.
--
--   newest change until then      | ended after it | result
--   ------------------------------+----------------+----------------------------------------------------
--   CREATE or UPDATE              | no             | the row that it left
--   CREATE or UPDATE              | yes            | none
--   DELETE                        |                | none
--   none                          | yes            | none
--   none                          | no             | the first later change says: UPDATE or DELETE: its old row;
--                                 |                | CREATE, or brought there from another key: none
--                                 |                | there is no later one: none is in the trail (NOTICE)
--
-- Of each of these answers, also of "none", it is asked what makes it uncertain (changes.doubts), from the change that it rests on: forwards to the
-- moment from an earlier one, back to the moment from a later one.
CREATE FUNCTION changes.as_of(
    "table" text, primary_key text, at timestamptz, schema text DEFAULT NULL, database text DEFAULT NULL)
RETURNS SETOF changes.past_row
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_variable
DECLARE
    relation CONSTANT text := changes.readable();
    just_after CONSTANT timestamptz := at + interval '1 microsecond';
    place record;
    shapes jsonb;
    newest changes.change;
    there record;
    result changes.past_row;
    missing text[];
    ended_at bigint;
    left_at timestamptz;
    first record;
    known_from bigint;
BEGIN
    IF primary_key IS NULL THEN
        RAISE EXCEPTION 'the primary key must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    END IF;
    place := changes.find_table("table", schema, database);
    PERFORM changes.check_moment(place.source_id, place.database, place.schema, place."table", at);
    shapes := changes.shapes_json(place.source_id, place.schema, place."table");
    IF jsonb_path_match(shapes, 'exists($[*].key[0])') = false THEN
        RAISE EXCEPTION '%', CASE shapes WHEN '[]' THEN format('what table "%s" looked like is not known', place."table")
                                  ELSE format('table "%s" has no primary key', place."table") END
            USING ERRCODE = 'feature_not_supported',
                  HINT = CASE shapes WHEN '[]' THEN 'The question needs SELECT on changes.relations.'
                              ELSE 'changes.as_of(table, time) tells all of its rows.' END;
    END IF;
    IF length(changes.canonical_key(primary_key, shapes)) > 255 OR changes.had_other_key(place, shapes) THEN
        RETURN QUERY SELECT k.* FROM changes.as_of_any_key(place, shapes, primary_key, at) AS k;
        RETURN;
    END IF;
    primary_key := changes.canonical_key(primary_key, shapes);
    IF relation = 'public.changes' THEN
        newest := changes.newest_row(place.database, place.schema, place."table", primary_key, just_after);
    ELSE
        EXECUTE format(
            'SELECT c.* FROM %s AS c WHERE c.database = %L AND c.schema = %L AND c."table" = %L AND c.primary_key = %L%s
              ORDER BY c.position DESC LIMIT 1', relation, place.database, place.schema, place."table", primary_key,
            changes.time_condition(NULL, just_after)) INTO newest;
    END IF;
    SELECT e.ended_at, e.left_at INTO ended_at, left_at FROM changes.ended_at(place, shapes, relation, primary_key, newest, just_after) AS e;
    IF changes.is_contested(place, relation, primary_key, left_at, just_after) THEN
        SELECT t.* INTO there FROM changes.row_there(place, shapes, relation, primary_key, at) AS t;
        IF there.is_doubtful THEN
            PERFORM changes.refuse_record('two rows had its key in one transaction, and which of them has left is not known');
        ELSIF (there.change).id IS NOT NULL THEN
            newest := there.change;
            ended_at := NULL;
            left_at := NULL;
        END IF;
    END IF;
    IF ended_at IS NOT NULL OR left_at IS NOT NULL THEN
        PERFORM changes.refuse_doubt(place, at, greatest(newest.position, ended_at), NULL, false);
        RETURN;
    END IF;
    IF newest.id IS NULL THEN
        SELECT f.* INTO first FROM changes.first_known(place, shapes, relation, primary_key, just_after) AS f;
        result := first."row";
        known_from := first.known_from;
        IF result.primary_key IS NULL THEN
            PERFORM changes.refuse_doubt(place, at, 0, known_from, false);
            IF known_from IS NULL THEN
                RAISE NOTICE 'rows of table "%" that have not changed since % are not in the trail', place."table", changes.known_since(place.source_id, place.schema, place."table");
            END IF;
            RETURN;
        END IF;
    ELSE
        result := ROW(primary_key, newest.after, coalesce(changes.commit_time(newest.id), newest.committed_at), newest.id,
                      changes.marks(newest.context, 'after'));
        IF NOT newest.after ?& ARRAY(SELECT jsonb_array_elements_text(changes.shape_at(shapes, newest.position)->'columns')) THEN
            SELECT f."row", f.missing INTO result."row", missing
              FROM changes.fill_row(place, shapes, relation, primary_key, newest.id, newest.after) AS f;
            IF cardinality(missing) > 0 THEN
                RAISE EXCEPTION 'the record was not logged whole: its columns % are not known', array_to_string(missing, ', ')
                    USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = format('Its last change is %s.', newest.id),
                          HINT = 'With REPLICA IDENTITY FULL on the source, later changes are.';
            END IF;
        END IF;
    END IF;
    PERFORM changes.refuse_doubt(place, at, coalesce(newest.position, 0), known_from, true);
    PERFORM changes.tell_masked(place, shapes);
    RETURN NEXT result;
END
$$;

COMMENT ON FUNCTION changes.as_of(text, text, timestamptz, text, text) IS
'Returns a record as it was at a time, to the microsecond of the source''s clock, or no row where there was none: its key, the row as
JSON, and when and by which change it became so; the last two are NULL where that was before the trail begins. doubt is NULL unless
values are marked (docs/values.md) or erased. Into a typed row: jsonb_populate_record(NULL::users, "row"). A record that has never changed since the trail
began is not in it, which a NOTICE says. Errors: 22004 for a NULL; 42P01 for a table without changes; 42P08 where several tables are meant; 0A000 for a table without a
primary key; 55000 for a
time before the trail begins or past its horizon, and where the row, or that there was none, cannot be known (not logged whole, a gap, a change in
quarantine, erased keys, two rows that may have had the key in one transaction, another primary key). A NOTICE where the primary key was then another.
Example: SELECT * FROM changes.as_of(''users'', ''2'', now() - interval ''1 hour'');';

-- Of a table whose primary key has been another, whose changes are under several keys, and of a key past 255 characters, which primary_key does not
-- hold: only the question about the whole table brings the changes together. The key asked for is the one that the table had at the moment.
CREATE FUNCTION changes.as_of_any_key(place record, shapes jsonb, primary_key text, at timestamptz)
RETURNS SETOF changes.past_row
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    shape CONSTANT jsonb := changes.shape_then(place, shapes, at);
    result changes.past_row;
BEGIN
    IF jsonb_array_length(shape->'key') = 0 THEN
        RAISE EXCEPTION 'table "%" had no primary key at that time', place."table" USING ERRCODE = 'feature_not_supported',
            HINT = 'changes.as_of(table, time) tells all of its rows.';
    END IF;
    IF NOT changes.is_same_key(shape, shapes->-1) THEN
        RAISE NOTICE 'the primary key of table "%" was then: %', place."table",
            (SELECT string_agg(format('"%s"', k), ', ') FROM jsonb_array_elements_text(shape->'key') AS k);
    END IF;
    SELECT p.* INTO result FROM changes.as_of(place."table", at, place.schema, place.database) AS p
     WHERE p.primary_key = changes.canonical_key(as_of_any_key.primary_key, jsonb_build_array(shape));
    IF NOT FOUND THEN
        PERFORM changes.refuse_doubt(place, at, greatest((changes.filled_between(place, shapes, at)).since_position, 0), NULL, false);
    ELSIF result.doubt !~ '^(marked|erased)' THEN
        PERFORM changes.refuse_record(result.doubt);
    ELSE
        RETURN NEXT result;
    END IF;
END
$$;

COMMENT ON FUNCTION changes.as_of_any_key(record, jsonb, text, timestamptz) IS
'Internal. Returns a record as changes.as_of() does, by the primary key that its table had at the time. Errors: 0A000 where it had none; 55000 where the record is not certain.
Example: SELECT k.* FROM changes.find_table(''users'', NULL, NULL) AS t, changes.as_of_any_key(t, changes.shapes_json(t.source_id, t.schema, t."table"), ''7'', now()) AS k;';

-- What ended a record was committed after its newest change, and so stands behind it; its time may be an earlier one, where the source's clock was set
-- back. The position decides, and times only keep the search to some partitions: with a margin of a day, in which clocks are set right.
CREATE FUNCTION changes.ended_at(
    place record, shapes jsonb, relation text, key text, newest changes.change, just_after timestamptz,
    OUT ended_at bigint, OUT left_at timestamptz)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c changes.change;
    emptied_at bigint;
    since CONSTANT timestamptz := newest.committed_at - interval '24 hours';
    keys_json CONSTANT jsonb[] := changes.keys_json(key, shapes);
BEGIN
    IF newest.operation = 'DELETE' THEN
        ended_at := newest.position;
        left_at := changes.commit_time(newest.id);
    END IF;
    FOR c IN EXECUTE CASE WHEN relation = 'public.changes' AND cardinality(keys_json) <= 1
        THEN format('SELECT * FROM changes.ending_rows(%L, %L, %L, %L, %s, $1, $2)', place.database, place.schema, place."table", keys_json[1],
                    coalesce(newest.position, -1))
        ELSE format(
            'SELECT c.* FROM %s AS c WHERE (%s OR %s) AND c.position > %s%s ORDER BY c.position',
            relation, changes.record_condition(place.database, place.schema, place."table", key, keys_json),
            changes.truncate_condition(place.database, place.schema, place."table", '{}'),
            coalesce(newest.position, -1), changes.time_condition(since, just_after)) END
    USING since, just_after LOOP
        IF c.operation = 'TRUNCATE' THEN
            ended_at := c.position;
            left_at := NULL;
        ELSIF c.primary_key IS DISTINCT FROM key
              AND changes.moved_from(c.before, c.after, changes.shape_at(shapes, c.position)) IS NOT DISTINCT FROM key THEN
            ended_at := c.position;
            left_at := changes.commit_time(c.id);
        END IF;
    END LOOP;
    SELECT max(p) INTO emptied_at FROM unnest(changes.new_table_positions(place, shapes, just_after - interval '1 microsecond', false)) AS p
     WHERE p > coalesce(newest.position, -1);
    IF emptied_at IS NOT NULL THEN
        left_at := CASE WHEN ended_at > emptied_at THEN left_at END;
        ended_at := greatest(ended_at, emptied_at);
    END IF;
END
$$;

COMMENT ON FUNCTION changes.ended_at(record, jsonb, text, text, changes.change, timestamptz) IS
'Internal. Returns the last position before the time, its newest change or behind that, at which a record was deleted or got another key, or its table was truncated or
made anew, and the commit time of what deleted it or gave it another key; NULL where that was not.
Errors: none of its own.
Example: SELECT e.* FROM changes.find_table(''users'', NULL, NULL) AS t, changes.ended_at(t, ''[]'', ''public.changes'', ''7'', NULL, now()) AS e;';

CREATE FUNCTION changes.is_contested(place record, relation text, key text, left_at timestamptz, just_after timestamptz)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    is_contested boolean;
BEGIN
    IF left_at IS NULL OR relation = 'public.changes' THEN
        RETURN left_at IS NOT NULL AND changes.is_changed_since(place.database, place.schema, place."table", key, left_at, just_after);
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS c WHERE c.database = %L AND c.schema = %L AND c."table" = %L AND c.primary_key = %L
                                      AND c.operation IN (''CREATE'', ''UPDATE'')%s)',
                   relation, place.database, place.schema, place."table", key, changes.time_condition(left_at, just_after))
       INTO is_contested;
    RETURN is_contested;
END
$$;

COMMENT ON FUNCTION changes.is_contested(record, text, text, timestamptz, timestamptz) IS
'Internal. Returns whether a row was brought to a key, or changed there, in the transaction that is the last to take a row away, or in one committed later.
Errors: none of its own.
Example: SELECT changes.is_contested(t, ''public.changes'', ''7'', now(), now()) FROM changes.find_table(''users'', NULL, NULL) AS t;';

CREATE FUNCTION changes.row_there(
    place record, shapes jsonb, relation text, key text, at timestamptz, OUT change changes.change, OUT is_doubtful boolean)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    emptied_at CONSTANT bigint := (changes.filled_between(place, shapes, at)).since_position;
    rows CONSTANT changes.change[] := changes.key_changes(place, shapes, relation, key, '{}',
        format(' AND c.position > %s', emptied_at) || changes.time_condition(NULL, at + interval '1 microsecond'));
    there record;
BEGIN
    SELECT ROW(r.*)::changes.change AS change, k.is_doubtful INTO there
      FROM changes.key_rows(changes.key_events(rows, key, shapes), emptied_at >= 0) AS k JOIN unnest(rows) AS r ON r.id = k.id
     WHERE k.is_there;
    change := there.change;
    is_doubtful := there.is_doubtful;
END
$$;

COMMENT ON FUNCTION changes.row_there(record, jsonb, text, text, timestamptz) IS
'Internal. Returns the change that left the row which was at a key at the time, NULL without one, and whether that is doubtful. Errors: none of its own.
Example: SELECT t.* FROM changes.find_table(''users'', NULL, NULL) AS p, changes.row_there(p, ''[]'', ''public.changes'', ''7'', now()) AS t;';

-- Of a record without a change until then.
CREATE FUNCTION changes.first_known(
    place record, shapes jsonb, relation text, key text, just_after timestamptz, OUT "row" changes.past_row, OUT known_from bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c changes.change;
    rows changes.change[] := '{}';
    events changes.key_event[];
    was record;
    is_doubtful boolean := false;
BEGIN
    FOR c IN EXECUTE format(
        'SELECT c.* FROM %s AS c WHERE (%s OR %s)%s ORDER BY c.position', relation,
        changes.record_condition(place.database, place.schema, place."table", key, changes.keys_json(key, shapes)),
        changes.truncate_condition(place.database, place.schema, place."table", '{}'), changes.time_condition(just_after, NULL))
    LOOP
        EXIT WHEN c.operation = 'TRUNCATE';
        CONTINUE WHEN cardinality(changes.key_events(ARRAY[c], key, shapes)) = 0;
        rows := rows || c;
        events := changes.key_events(rows[1:1], key, shapes);
        -- Behind an arrival only a row counts that had left before it, or in its transaction.
        EXIT WHEN events[1].what <> 'arrives' OR c.operation <> 'CREATE' AND changes.came_later(
                  c.transaction_id, changes.commit_time(c.id), rows[1].transaction_id, changes.commit_time(rows[1].id));
    END LOOP;
    known_from := rows[1].position;
    IF events[1].what = 'arrives' THEN
        c := NULL;
        SELECT ROW(r.*)::changes.change AS change, k.is_doubtful INTO was
          FROM changes.key_rows(changes.key_events(rows, key, shapes), false) WITH ORDINALITY AS k (id, of_row, is_there, is_doubtful, n)
          JOIN unnest(rows) AS r ON r.id = k.id
         WHERE k.of_row = 0 ORDER BY k.n LIMIT 1;
        c := was.change;
        is_doubtful := was.is_doubtful;
    ELSE
        c := rows[1];
    END IF;
    IF c.id IS NULL THEN
        RETURN;
    END IF;
    IF is_doubtful THEN
        PERFORM changes.refuse_record('two rows had its key in one transaction, and whether it was there before is not known');
    END IF;
    IF NOT c.before ?& ARRAY(SELECT jsonb_array_elements_text(changes.shape_at(shapes, c.position)->'columns')) OR c.before = '{}' THEN
        RAISE EXCEPTION 'the record was there, but what it held is not known'
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = format('Its first known change is %s, which was logged without the whole old row.', c.id),
                  HINT = 'With REPLICA IDENTITY FULL on the source, old rows are logged whole.';
    END IF;
    "row" := ROW(key, c.before, NULL, NULL, changes.marks(c.context, 'before'));
    known_from := c.position;
END
$$;

COMMENT ON FUNCTION changes.first_known(record, jsonb, text, text, timestamptz) IS
'Internal. Returns a record as the first change from the time on has it before, NULL where that change brings the record; and the position of that
change, NULL where there is none.
Errors: 55000 where the change was logged without the whole old row.
Example: SELECT f.* FROM changes.find_table(''users'', NULL, NULL) AS t, changes.first_known(t, ''[]'', ''public.changes'', ''7'', now()) AS f;';

CREATE FUNCTION changes.refuse_doubt(place record, at timestamptz, since_position bigint, known_from bigint, is_there boolean)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    reasons text;
BEGIN
    SELECT string_agg(DISTINCT d.doubt, '; ') INTO reasons
      FROM changes.doubts(place, at, since_position, known_from) AS d WHERE d.is_of_rows OR NOT is_there;
    IF reasons IS NOT NULL THEN
        PERFORM changes.refuse_record(reasons);
    END IF;
END
$$;

COMMENT ON FUNCTION changes.refuse_doubt(record, timestamptz, bigint, bigint, boolean) IS
'Internal. Returns nothing where nothing can have changed a row of the table without a trace after the position and until the time, nor, if it is
given, before the position from which the row is known. The flag says whether there is a row of which this is asked, or none.
Errors: 55000 where something may have.
Example: SELECT changes.refuse_doubt(t, now(), 0, NULL, true) FROM changes.find_table(''users'', NULL, NULL) AS t;';

CREATE FUNCTION changes.refuse_record(reasons text)
RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'what the record was is not certain: %', reasons
        USING ERRCODE = 'object_not_in_prerequisite_state',
              HINT = 'changes.history() tells what the trail has of it.';
END
$$;

COMMENT ON FUNCTION changes.refuse_record(text) IS
'Internal. Raises the error that says why a record is not certain. Returns nothing. Errors: 55000, always.
Example: SELECT changes.refuse_record(reason) FROM changes.gaps WHERE false;';
