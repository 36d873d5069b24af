-- All changes of one record, for changes.erase(): those under the given key, and those under the keys that the record had before
-- and after, as far as its own rows tell. An UPDATE tells that a key changed when its before and after hold different key columns.
--
-- A key may have been another record's, earlier or later. So what is followed are spans of a key, given by positions:
--
--   key                            | span
--   -------------------------------+--------------------------------------------------------------------
--   that was asked for             | all of it: whoever had that key
--   that an UPDATE of a span left  | from after the last time before it that the key became free, to that UPDATE
--   that an UPDATE of a span took  | from that UPDATE to the next time that the key became free
--
-- A key becomes free by a DELETE, a TRUNCATE, and an UPDATE to another key. What the key columns are is known from
-- changes.relations; without, only the given key is looked for.

CREATE FUNCTION changes.key_of(document jsonb, key_columns text[])
RETURNS jsonb
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN document ?& key_columns
                THEN (SELECT jsonb_object_agg(k, document -> k) FROM unnest(key_columns) AS k) END
$$;

COMMENT ON FUNCTION changes.key_of(jsonb, text[]) IS
'Internal. Returns the key columns of a row with their values; NULL where it lacks one of them, or there are none. Errors: none of its own.
Example: SELECT changes.key_of(''{"id": 1, "name": "a"}'', ARRAY[''id'']);';

-- The changes of a table with their keys as JSON, as SQL text; $1, $2, $3 are its database's label, its schema and its name. A change is
-- of the shape that the table had last at its position.
CREATE FUNCTION changes.keyed_changes_sql()
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(format(
        'SELECT %L::regclass AS place, c.id, c.committed_at, c.position, c.primary_key, c.operation, c.before, c.after,
                changes.key_of(c.before, k.key_columns) AS key_before, changes.key_of(c.after, k.key_columns) AS key_after
           FROM %s AS c
           LEFT JOIN LATERAL (SELECT r.key_columns FROM changes.relations AS r JOIN changes.sources AS s ON s.id = r.source_id
                               WHERE s.label = c.database AND r.schema = c.schema AND r."table" = c."table"
                                 AND r.from_position <= c.position
                               ORDER BY r.from_position DESC LIMIT 1) AS k ON true
          WHERE c.database = $1 AND c.schema = $2 AND c."table" = $3', t.name, t.name), ' UNION ALL ')
      FROM unnest(ARRAY['public.changes', 'changes.held']) AS t (name)
     WHERE to_regclass(t.name) IS NOT NULL
$$;

COMMENT ON FUNCTION changes.keyed_changes_sql() IS
'Internal. Returns a query for the changes of a table, held ones included, with their keys as JSON: $1, $2, $3 are database, schema and table.
Errors: none of its own. Example: SELECT changes.keyed_changes_sql();';

-- The conditions repeat what the keys say in the words of the indexes: primary_key, and @> on before and after.
CREATE FUNCTION changes.neighbour_spans_sql()
RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format(
        'WITH rows AS NOT MATERIALIZED (%s),
              own AS (SELECT * FROM rows AS r WHERE r.primary_key = $4 AND r.position BETWEEN $5 AND $6),
              keys AS (SELECT DISTINCT coalesce(o.key_after, o.key_before) AS key FROM own AS o),
              moved AS (SELECT r.* FROM keys AS k
                          JOIN rows AS r ON r.operation = ''UPDATE'' AND r.before @> k.key AND r.key_before = k.key
                         WHERE r.primary_key IS DISTINCT FROM $4 AND r.position BETWEEN $5 AND $6)
         SELECT was.primary_key AS key, coalesce(freed.position + 1, $7) AS low, o.position AS high,
                NULL::regclass AS place, NULL::uuid AS id, NULL::timestamptz AS committed_at
           FROM own AS o
          CROSS JOIN LATERAL (SELECT r.primary_key FROM rows AS r
                               WHERE r.after @> o.key_before AND r.key_after = o.key_before AND r.position < o.position
                               ORDER BY r.position DESC LIMIT 1) AS was
          CROSS JOIN LATERAL (SELECT greatest(
                     (SELECT max(r.position) FROM rows AS r
                       WHERE r.position < o.position AND r.primary_key IS NULL AND r.operation = ''TRUNCATE''),
                     (SELECT max(r.position) FROM rows AS r
                       WHERE r.position < o.position AND r.primary_key = was.primary_key AND r.operation = ''DELETE''),
                     (SELECT max(r.position) FROM rows AS r
                       WHERE r.position < o.position AND r.operation = ''UPDATE'' AND r.before @> o.key_before
                         AND r.key_before = o.key_before AND r.key_after <> r.key_before))) AS freed (position)
          WHERE o.operation = ''UPDATE'' AND o.key_before <> o.key_after
         UNION ALL
         SELECT m.primary_key, m.position, coalesce(freed.position, $8), m.place, m.id, m.committed_at
           FROM moved AS m
          CROSS JOIN LATERAL (SELECT least(
                     (SELECT min(r.position) FROM rows AS r
                       WHERE r.position > m.position AND r.primary_key IS NULL AND r.operation = ''TRUNCATE''),
                     (SELECT min(r.position) FROM rows AS r
                       WHERE r.position > m.position AND r.primary_key = m.primary_key AND r.operation = ''DELETE''),
                     (SELECT min(r.position) FROM rows AS r
                       WHERE r.position > m.position AND r.operation = ''UPDATE'' AND r.before @> m.key_after
                         AND r.key_before = m.key_after AND r.key_after <> r.key_before))) AS freed (position)',
        changes.keyed_changes_sql())
$$;

COMMENT ON FUNCTION changes.neighbour_spans_sql() IS
'Internal. Returns a query for the spans that follow from the span of key $4 from position $5 to $6; $7 and $8 are the least and the
greatest position. With a span come the place, id and commit time of the change that took its key. Errors: none of its own.
Example: SELECT changes.neighbour_spans_sql();';

-- A plan over many partitions is dear enough for JIT, whose compilation took twelve seconds for forty milliseconds of work.
CREATE FUNCTION changes.record_changes(database text, schema text, "table" text, primary_key text,
                                       OUT place regclass, OUT id uuid, OUT committed_at timestamptz)
RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    lowest CONSTANT bigint := -9223372036854775808;
    highest CONSTANT bigint := 9223372036854775807;
    changes_sql CONSTANT text := changes.keyed_changes_sql();
    neighbours_sql CONSTANT text := changes.neighbour_spans_sql();
    keys text[] := ARRAY[primary_key];
    lows bigint[] := ARRAY[lowest];
    highs bigint[] := ARRAY[highest];
    seen text[] := '{}';
    next_span record;
BEGIN
    FOR number IN 1..1000000 LOOP
        EXIT WHEN number > cardinality(keys);
        RETURN QUERY EXECUTE format('SELECT r.place, r.id, r.committed_at FROM (%s) AS r
                                      WHERE r.primary_key = $4 AND r.position BETWEEN $5 AND $6', changes_sql)
               USING database, schema, "table", keys[number], lows[number], highs[number];
        FOR next_span IN EXECUTE neighbours_sql
            USING database, schema, "table", keys[number], lows[number], highs[number], lowest, highest
        LOOP
            IF next_span.id IS NOT NULL THEN
                place := next_span.place;
                id := next_span.id;
                committed_at := next_span.committed_at;
                RETURN NEXT;
            END IF;
            CONTINUE WHEN next_span.key IS NULL
                       OR (next_span.key, next_span.low, next_span.high)::text = ANY (seen);
            seen := seen || (next_span.key, next_span.low, next_span.high)::text;
            keys := keys || next_span.key::text;
            lows := lows || next_span.low;
            highs := highs || next_span.high;
        END LOOP;
    END LOOP;
END
$$;

COMMENT ON FUNCTION changes.record_changes(text, text, text, text) IS
'Internal. Returns the changes of a record, also under its earlier and later keys: the table they are in (public.changes or changes.held), id and
commit time. A change may come more than once. Errors: 42P01 before changes.setup().
Example: SELECT DISTINCT * FROM changes.record_changes(''shop'', ''public'', ''users'', ''1'');';
