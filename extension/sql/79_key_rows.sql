-- Whose a change at a key is. A key goes from row to row, and for a while within a transaction two rows may have it: a deferrable key is looked
-- at after the statement, or at COMMIT. What happens at one key are events: a row arrives (CREATE, or an UPDATE from another key),
-- stays (any other UPDATE), leaves (DELETE, or an UPDATE to another key), or all are gone (TRUNCATE). They are told apart by going
-- through them in order, with the rows that are there:
--
--   event            | rows there        | it is of
--   -----------------+-------------------+----------------------------------------------------------------------------
--   arrives          |                   | a new row
--   stays or leaves  | none              | row 0, which was there before all events; where the key was free, one whose arrival is not known
--                    | one               | that row, even if it looks different: what changed it need not be in the trail (ignored columns, another
--                    |                   | type, a gap, a change in quarantine)
--                    | one, which came   | row 0, if it looks different: two rows had the key, or what changed the one is not in the trail. Doubtful,
--                    | in the same       | unless the next transaction finds a row there, or none
--                    | transaction, to a |
--                    | key of which      |
--                    | nothing is known  |
--                    | several           | the one that looks like `before`; of rows that look alike the one that was there first. Doubtful, where
--                    |                   | `before` is partial or none looks like it
-- When a transaction ends, one row is there at most: the last of them, if the trail lacks how others left.
CREATE TYPE changes.key_event AS (
    id         uuid,
    "position" bigint,
    xid        bigint,
    what       text,
    before     jsonb,
    after      jsonb
);

REVOKE ALL ON TYPE changes.key_event FROM PUBLIC;
COMMENT ON TYPE changes.key_event IS 'Internal. What a change did at a key: what is arrives, stays, leaves or emptied.';

CREATE FUNCTION changes.key_events(rows changes.change[], key text, shapes jsonb)
RETURNS changes.key_event[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c changes.change;
    old_key text;
    what text;
    events changes.key_event[] := '{}';
BEGIN
    FOREACH c IN ARRAY coalesce(rows, '{}') LOOP
        old_key := CASE WHEN c.operation = 'UPDATE' THEN changes.moved_from(c.before, c.after, changes.shape_at(shapes, c.position)) END;
        what := CASE WHEN c.operation = 'TRUNCATE' THEN 'emptied'
                     WHEN c.operation = 'DELETE' OR old_key = key AND c.primary_key IS DISTINCT FROM key THEN 'leaves'
                     WHEN c.primary_key = key THEN CASE WHEN c.operation = 'CREATE' OR old_key <> key THEN 'arrives' ELSE 'stays' END END;
        IF what IS NOT NULL THEN
            events := events || ROW(c.id, c.position, c.transaction_id, what, c.before, c.after)::changes.key_event;
        END IF;
    END LOOP;
    RETURN events;
END
$$;

COMMENT ON FUNCTION changes.key_events(changes.change[], text, jsonb) IS
'Internal. Returns what changes of a table did at a key, in the order given; those that did nothing there are left out. Errors: none.
Example: SELECT changes.key_events(ARRAY[ROW(c.*)::changes.change], ''7'', ''[]'') FROM public.changes AS c LIMIT 1;';

CREATE FUNCTION changes.looks_like(before jsonb, after jsonb)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN before::text = after::text OR NOT EXISTS (
        SELECT FROM jsonb_each(before) AS b JOIN jsonb_each(after) AS a ON a.key = b.key WHERE a.value::text <> b.value::text);
END
$$;

COMMENT ON FUNCTION changes.looks_like(jsonb, jsonb) IS
'Internal. Returns whether two states of a row hold the same in all columns that both of them have. Errors: none.
Example: SELECT changes.looks_like(''{"id": 7}'', ''{"id": 7, "name": "Ada"}'');';

-- Positions order the changes of a row, but not who had a key after whom. A transaction that brings rows to keys writes them first, up to a thousand
-- in one record, and looks into the unique index then: others that change the key's former row, and take it away, and commit, in between have
-- the higher positions for that. Of these transactions one has waited for the others, so commit times are right about them: an
-- arrival counts after a leave if all that stands between was committed before it.
CREATE FUNCTION changes.in_key_order(events changes.key_event[])
RETURNS changes.key_event[]
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e changes.key_event;
    after_place integer;
BEGIN
    FOR i IN REVERSE cardinality(events) - 1..1 LOOP
        CONTINUE WHEN events[i].what <> 'arrives';
        e := events[i];
        after_place := NULL;
        FOR j IN i + 1..cardinality(events) LOOP
            EXIT WHEN NOT changes.came_later(e.xid, changes.commit_time(e.id), events[j].xid, changes.commit_time(events[j].id));
            after_place := CASE WHEN events[j].what IN ('leaves', 'emptied') THEN j ELSE after_place END;
        END LOOP;
        IF after_place IS NOT NULL THEN
            events := events[:i - 1] || events[i + 1:after_place] || e || events[after_place + 1:];
        END IF;
    END LOOP;
    RETURN events;
END
$$;

COMMENT ON FUNCTION changes.in_key_order(changes.key_event[]) IS
'Internal. Returns events at a key, given by position, in the order in which rows had the key. Errors: none.
Example: SELECT changes.in_key_order(''{}'');';

CREATE FUNCTION changes.key_rows(events changes.key_event[], is_free boolean)
RETURNS TABLE (id uuid, of_row integer, is_there boolean, is_doubtful boolean)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    ordered CONSTANT changes.key_event[] := changes.in_key_order(events);
    e changes.key_event;
    owners integer[] := '{}';
    live integer[] := '{}';         -- of each row there the place of its last event, the newest at the end
    alike integer[];
    chosen integer;
    last_row integer := 0;
    is_guess boolean := false;      -- that row 0 was there beside the row of the first event
    doubted_xid bigint;             -- the transaction that left a doubt
BEGIN
    FOR i IN 1..cardinality(ordered) LOOP
        e := ordered[i];
        IF doubted_xid <> e.xid THEN
            IF is_guess AND e.what = 'arrives' THEN
                -- The key was free: it was the one row all the time.
                owners := array_replace(owners, 0, owners[1]);
                live := '{}';
            END IF;
            doubted_xid := NULL;
            is_guess := false;
        END IF;
        IF e.what = 'emptied' THEN
            live := '{}';
            owners := owners || NULL::integer;
            CONTINUE;
        END IF;
        chosen := NULL;
        IF e.what = 'arrives' THEN
            last_row := last_row + 1;
            owners := owners || last_row;
        ELSE
            IF cardinality(live) = 1 THEN
                IF NOT is_free AND ordered[1].what = 'arrives' AND owners[live[1]] = owners[1] AND 0 <> ALL (owners)
                   AND (e.xid = ordered[1].xid OR changes.came_later(ordered[1].xid, changes.commit_time(ordered[1].id), e.xid, changes.commit_time(e.id)))
                   AND NOT changes.looks_like(e.before, ordered[live[1]].after) THEN
                    is_guess := true;
                    doubted_xid := ordered[1].xid;
                ELSE
                    chosen := live[1];
                END IF;
            ELSIF cardinality(live) > 1 THEN
                alike := ARRAY(SELECT l FROM unnest(live) WITH ORDINALITY AS u (l, n) WHERE changes.looks_like(e.before, ordered[l].after) ORDER BY n);
                chosen := CASE WHEN e.before::text = ordered[alike[1]].after::text OR cardinality(alike) = 1 THEN alike[1]
                               ELSE coalesce(alike[cardinality(alike)], live[1]) END;
                IF cardinality(alike) = 0 OR cardinality(alike) > 1 AND e.before::text <> ordered[chosen].after::text THEN
                    doubted_xid := e.xid;
                END IF;
            END IF;
            IF chosen IS NOT NULL THEN
                owners := owners || owners[chosen];
                live := array_remove(live, chosen);
            ELSIF is_guess OR i = 1 AND NOT is_free THEN
                owners := owners || 0;
            ELSE
                last_row := last_row + 1;
                owners := owners || last_row;
            END IF;
        END IF;
        live := CASE WHEN e.what = 'leaves' THEN live ELSE live || i END;
        IF cardinality(live) > 1 THEN
            live := ARRAY(
                SELECT u.l FROM (SELECT l, n, x.is_open, max(n) FILTER (WHERE NOT x.is_open) OVER () AS newest
                                   FROM unnest(live) WITH ORDINALITY AS v (l, n)
                                  CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM unnest(ordered[i + 1:]) AS o WHERE o.xid = ordered[l].xid)) AS x (is_open)) AS u
                 WHERE u.is_open OR u.n = u.newest ORDER BY u.n);
        END IF;
    END LOOP;
    RETURN QUERY
    SELECT o.id, owners[o.n], o.n = live[1],
           doubted_xid IS NOT NULL AND (o.n = live[1] OR is_guess AND owners[o.n] = 0)
      FROM unnest(ordered) WITH ORDINALITY AS o (id, "position", xid, what, before, after, n)
     ORDER BY o.n;
END
$$;

COMMENT ON FUNCTION changes.key_rows(changes.key_event[], boolean) IS
'Internal. Returns of events at a key, given by position, in the order in which rows had the key: the change, the number of the row that it is of (0
for the one that was there before all of them, NULL for a TRUNCATE), whether it left the row that is there in the end, and whether that is doubtful. The
flag says that the key is known to have been free before. Errors: none.
Example: SELECT k.* FROM changes.key_rows(''{}'', false) AS k;';

CREATE FUNCTION changes.key_changes(place record, shapes jsonb, relation text, key text, partitions text[] DEFAULT '{}', condition text DEFAULT '')
RETURNS changes.change[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys_json CONSTANT jsonb[] := changes.keys_json(key, shapes);
    rows changes.change[];
BEGIN
    IF condition = '' AND relation = 'public.changes' AND cardinality(keys_json) <= 1 THEN
        RETURN changes.record_rows(place.database, place.schema, place."table", key, keys_json[1], partitions);
    END IF;
    EXECUTE format('SELECT array_agg(ROW(c.*)::changes.change ORDER BY c.position, c.id) FROM %s AS c WHERE (%s OR %s)%s', relation,
                   changes.record_condition(place.database, place.schema, place."table", key, keys_json),
                   changes.truncate_condition(place.database, place.schema, place."table", partitions), condition)
       INTO rows;
    RETURN rows;
END
$$;

COMMENT ON FUNCTION changes.key_changes(record, jsonb, text, text, text[], text) IS
'Internal. Returns the changes of a key, the UPDATEs that may have taken a row away from it, and the TRUNCATEs of its table and of the given partitions (quoted
schema.table), in order, as far as they meet the condition on c; NULL where there are none. Errors: none of its own.
Example: SELECT changes.key_changes(t, ''[]'', ''public.changes'', ''7'') FROM changes.find_table(''users'', NULL, NULL) AS t;';

CREATE FUNCTION changes.same_row(place record, shapes jsonb, relation text, key text, of_change uuid, condition text DEFAULT '')
RETURNS changes.change[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rows CONSTANT changes.change[] := changes.key_changes(place, shapes, relation, key, '{}', condition);
BEGIN
    RETURN ARRAY(
        WITH numbered AS MATERIALIZED (
            SELECT k.id, k.of_row, k.n FROM changes.key_rows(changes.key_events(rows, key, shapes), false) WITH ORDINALITY AS k (id, of_row, is_there, is_doubtful, n))
        SELECT ROW(r.*)::changes.change FROM numbered AS k JOIN unnest(rows) AS r ON r.id = k.id
         WHERE k.of_row = (SELECT o.of_row FROM numbered AS o WHERE o.id = of_change) ORDER BY k.n);
END
$$;

COMMENT ON FUNCTION changes.same_row(record, jsonb, text, text, uuid, text) IS
'Internal. Returns what happened at a key to the row that a change there is of, in order, as far as it meets the condition on c. Errors: none of its own.
Example: SELECT changes.same_row(t, ''[]'', ''public.changes'', ''7'', NULL) FROM changes.find_table(''users'', NULL, NULL) AS t;';
