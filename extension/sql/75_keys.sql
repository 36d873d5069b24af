-- A key as text (what primary_key holds) and as JSON (what before and after hold), each from the other. Both are what PostgreSQL
-- makes of the key's value, so the way from one to the other leads through the value, under the settings of docs/values.md.

-- ROW(…)::text taken apart, as record_out() has put it together: a field in quotes doubles quotes and backslashes.
CREATE FUNCTION changes.record_fields(record_text text)
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF record_text !~ '^\(.*\)$' THEN
        RETURN NULL;
    END IF;
    RETURN ARRAY(
        SELECT CASE WHEN m[2] IS NOT NULL THEN replace(replace(m[2], '""', '"'), '\\', '\') ELSE m[3] END
          FROM regexp_matches(substr(record_text, 2, length(record_text) - 2),
                              '(^|,)(?:"((?:[^"]|"")*)"|([^",]*))', 'g') WITH ORDINALITY AS f (m, place)
         ORDER BY place);
END
$$;

COMMENT ON FUNCTION changes.record_fields(text) IS
'Internal. Returns the fields of ROW(…)::text, NULL for other text. Errors: none.
Example: SELECT changes.record_fields(''(7,"a, ""b""")'');';

CREATE FUNCTION changes.key_json(key text, key_columns text[], key_types text[])
RETURNS jsonb
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
SET lc_monetary = 'C'
AS $$
DECLARE
    fields CONSTANT text[] := CASE cardinality(key_columns) WHEN 1 THEN ARRAY[key] ELSE changes.record_fields(key) END;
    value jsonb;
    result jsonb := '{}';
BEGIN
    IF cardinality(key_columns) = 0 OR cardinality(fields) IS DISTINCT FROM cardinality(key_columns) THEN
        RETURN NULL;
    END IF;
    FOR i IN 1..cardinality(fields) LOOP
        IF coalesce(key_types[i], 'text') IN ('text', 'character varying') THEN
            value := to_jsonb(fields[i]);
        ELSIF key_types[i] IN ('integer', 'bigint', 'smallint') AND fields[i] ~ '^-?\d+$' THEN
            value := fields[i]::numeric;
        ELSE
            BEGIN
                EXECUTE format('SELECT to_jsonb($1::%s)', key_types[i]) INTO value USING fields[i];
            EXCEPTION WHEN data_exception THEN
                RETURN NULL;  -- no value of the key
            END;
        END IF;
        result := result || jsonb_build_object(key_columns[i], value);
    END LOOP;
    RETURN result;
END
$$;

COMMENT ON FUNCTION changes.key_json(text, text[], text[]) IS
'Internal. Returns a key, given as primary_key has it, as the JSON object of its columns; NULL where it cannot be a key of these columns.
A type that is NULL stands for text. Errors: none.
Example: SELECT changes.key_json(''(7,x)'', ARRAY[''id'', ''part''], ARRAY[''integer'', ''text'']);';

CREATE FUNCTION changes.key_text(row_json jsonb, key_columns text[], key_types text[])
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
SET intervalstyle = 'postgres'
SET extra_float_digits = 1
SET bytea_output = 'hex'
SET lc_monetary = 'C'
AS $$
DECLARE
    columns_of_key jsonb := '{}';
    result text;
BEGIN
    IF cardinality(key_columns) = 0 OR NOT row_json ?& key_columns THEN
        RETURN NULL;
    END IF;
    IF cardinality(key_columns) = 1
       AND coalesce(key_types[1], 'text') IN ('text', 'character varying', 'uuid', 'integer', 'bigint', 'smallint', 'numeric') THEN
        RETURN row_json ->> key_columns[1];
    END IF;
    FOR i IN 1..cardinality(key_columns) LOOP
        columns_of_key := columns_of_key || jsonb_build_object('k' || i, row_json -> key_columns[i]);
    END LOOP;
    EXECUTE (
        SELECT format('SELECT %s FROM jsonb_to_record($1) AS r (%s)',
                      CASE cardinality(key_columns) WHEN 1 THEN 'r.k1::text'
                           ELSE format('ROW(%s)::text', string_agg('r.k' || k.place, ', ' ORDER BY k.place)) END,
                      string_agg(format('k%s %s', k.place, coalesce(k.type, 'text')), ', ' ORDER BY k.place))
          FROM unnest(key_types) WITH ORDINALITY AS k (type, place))
       INTO result USING columns_of_key;
    RETURN result;
END
$$;

COMMENT ON FUNCTION changes.key_text(jsonb, text[], text[]) IS
'Internal. Returns the key of a row as primary_key has it, whatever its length; NULL where the row does not hold all of the key.
A type that is NULL stands for text. Errors: none.
Example: SELECT changes.key_text(''{"id": 7, "part": "x"}'', ARRAY[''id'', ''part''], ARRAY[''integer'', ''text'']);';

-- Whoever asks may write a value otherwise than the server does: 007, a uuid in capitals, a time without its zone (UTC is meant).
CREATE FUNCTION changes.canonical_key(key text, shapes jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key_columns CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(shapes->-1->'key'));
    key_types CONSTANT text[] := ARRAY(SELECT jsonb_array_elements_text(shapes->-1->'key_types'));
BEGIN
    RETURN coalesce(changes.key_text(changes.key_json(key, key_columns, key_types), key_columns, key_types), key);
END
$$;

COMMENT ON FUNCTION changes.canonical_key(text, jsonb) IS
'Internal. Returns a key as primary_key has it, by the newest shape of its table; what cannot be such a key as it is. Errors: none.
Example: SELECT changes.canonical_key(''007'', ''[{"key": ["id"], "key_types": ["integer"]}]'');';

-- A key as JSON, for each set of key columns that its table has had.
CREATE FUNCTION changes.keys_json(key text, shapes jsonb)
RETURNS jsonb[]
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN ARRAY(
        SELECT DISTINCT k.json
          FROM (SELECT DISTINCT s->'key' AS columns, s->'key_types' AS types FROM jsonb_array_elements(shapes) AS s) AS s
         CROSS JOIN LATERAL changes.key_json(
                  key, ARRAY(SELECT jsonb_array_elements_text(s.columns)), ARRAY(SELECT jsonb_array_elements_text(s.types))) AS k (json)
         WHERE k.json IS NOT NULL);
END
$$;

COMMENT ON FUNCTION changes.keys_json(text, jsonb) IS
'Internal. Returns a key as JSON, once for each key that the shapes of its table have. Errors: none.
Example: SELECT changes.keys_json(''7'', ''[{"key": ["id"], "key_types": ["integer"]}]'');';

-- A column of a key that gets another name is no other key; one that is still there, but not in the key, makes it another.
CREATE FUNCTION changes.is_same_key(shape jsonb, other jsonb)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN shape->'key' = other->'key'
        OR jsonb_array_length(shape->'key') = jsonb_array_length(other->'key') AND NOT EXISTS (
               SELECT FROM ROWS FROM (jsonb_array_elements_text(shape->'key'), jsonb_array_elements_text(other->'key')) AS k (name, other_name)
                WHERE k.name <> k.other_name AND (other->'columns' ? k.name OR shape->'columns' ? k.other_name));
END
$$;

COMMENT ON FUNCTION changes.is_same_key(jsonb, jsonb) IS
'Internal. Returns whether an earlier and a later shape of a table have the same key, but for names of its columns. Errors: none.
Example: SELECT changes.is_same_key(''{"key": ["no"], "columns": ["no"]}'', ''{"key": ["number"], "columns": ["number"]}'');';

CREATE FUNCTION changes.had_other_key(place record, shapes jsonb)
RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last_position CONSTANT bigint := (
        SELECT max((s->>'until')::bigint) FROM jsonb_array_elements(shapes) AS s
         WHERE jsonb_array_length(shapes->-1->'key') > 0 AND NOT changes.is_same_key(s, shapes->-1));
    is_in_trail boolean := false;
BEGIN
    IF last_position IS NOT NULL THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS c WHERE c.database = %L AND c.schema = %L AND c."table" = %L AND c.position < %s)',
                       changes.readable(), place.database, place.schema, place."table", last_position)
           INTO is_in_trail;
    END IF;
    RETURN is_in_trail;
END
$$;

COMMENT ON FUNCTION changes.had_other_key(record, jsonb) IS
'Internal. Returns whether the trail has changes of a table from when its primary key was of other columns than now, or it had none. Errors: those of changes.readable().
Example: SELECT changes.had_other_key(t, ''[]'') FROM changes.find_table(''users'', NULL, NULL) AS t;';

CREATE FUNCTION changes.moved_from(before jsonb, after jsonb, shape jsonb)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key_columns text[];
BEGIN
    IF shape IS NULL OR before = '{}' THEN
        RETURN NULL;
    END IF;
    key_columns := ARRAY(SELECT jsonb_array_elements_text(shape->'key'));
    IF cardinality(key_columns) = 0 OR NOT before ?& key_columns
       OR NOT EXISTS (SELECT FROM unnest(key_columns) AS k WHERE (before->k)::text IS DISTINCT FROM (after->k)::text) THEN
        RETURN NULL;
    END IF;
    RETURN changes.key_text(before, key_columns, ARRAY(SELECT jsonb_array_elements_text(shape->'key_types')));
END
$$;

COMMENT ON FUNCTION changes.moved_from(jsonb, jsonb, jsonb) IS
'Internal. Returns the key that a row had before an UPDATE that changed it; NULL where the key is the same or the old one is not known.
Errors: none.
Example: SELECT changes.moved_from(''{"id": 1}'', ''{"id": 2, "name": "Ada"}'', ''{"key": ["id"], "key_types": ["integer"]}'');';

-- Of two transactions at one key one has waited for the other: their commit times say which (changes.in_key_order).
CREATE FUNCTION changes.came_later(arriving_xid bigint, arriving_time timestamptz, leaving_xid bigint, leaving_time timestamptz)
RETURNS boolean
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN arriving_xid <> leaving_xid AND coalesce(arriving_time > leaving_time, false);
END
$$;

COMMENT ON FUNCTION changes.came_later(bigint, timestamptz, bigint, timestamptz) IS
'Internal. Returns whether a row came to a key after another had left it, although its position is lower: of both changes the transaction and commit
time. Errors: none.
Example: SELECT changes.came_later(7, now(), 6, now() - interval ''1 ms'');';
