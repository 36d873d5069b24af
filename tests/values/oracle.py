"""The oracle: what the source itself says that the trail must hold.

A row trigger of each table writes, in the transaction of the change, `to_jsonb` of the old and the new row into the unlogged
table oracle.expected. It runs in sessions that have set what docs/architecture.md promises (TimeZone = UTC …), while the
database and the role that `waltrail apply` connects as are set to something else.

Where the replica identity is not full, the trail holds what the WAL holds. The trigger reads that off the stored tuples
(pageinspect), after heap_update(), ExtractReplicaIdentity() and toast_tuple_init() of PostgreSQL:

old key of an UPDATE logged  | when a column of the identity differs in its bytes, or is the same and stored out of line
column missing from `after`  | stored out of line, by the same pointer as before, and not part of a logged old key
"""

from random_types import identifier, literal

# What the writing sessions set: DESIGN's and docs/architecture.md's rendering of values.
RENDERING = {"TimeZone": "UTC", "DateStyle": "ISO", "IntervalStyle": "postgres", "extra_float_digits": "1", "bytea_output": "hex",
             "search_path": "", "lc_monetary": "C"}  # fmt: skip

SETUP = r'''
CREATE SCHEMA ext;
CREATE EXTENSION pageinspect SCHEMA ext;
CREATE SCHEMA oracle;
CREATE SCHEMA oracle_round;
CREATE SCHEMA "odd schema";
CREATE TABLE "odd schema"."odd ""table""" (a integer);
CREATE ROLE "odd ""role""";

CREATE SEQUENCE oracle.sequence CACHE 1000;
CREATE UNLOGGED TABLE oracle.expected (
    sequence bigint NOT NULL DEFAULT nextval('oracle.sequence'),
    transaction_id bigint NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    "schema" text NOT NULL,
    "table" text NOT NULL,
    primary_key text,
    operation text NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    marks text NOT NULL DEFAULT ''
);
-- A change that comes after everything else of a round: once it is in the trail, so is the round.
CREATE TABLE oracle.marker (round integer);

-- What jsonb can hold is nested, as to_jsonb() does. Anything else is an error of class data_exception or program_limit_exceeded.
CREATE FUNCTION oracle.json_held(value json) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    IF length(value::text) > 1000 AND oracle.nesting(value::text) > 1000 THEN
        RAISE program_limit_exceeded;
    END IF;
    RETURN to_jsonb(value);
END $$;
CREATE FUNCTION oracle.json_held(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT value $$;

CREATE FUNCTION oracle.json_text(value json) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT to_jsonb(value::text) $$;
CREATE FUNCTION oracle.json_text(value jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$ SELECT to_jsonb(value::text) $$;

CREATE FUNCTION oracle.json_is_refused(value json) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    PERFORM oracle.json_held(value);
    RETURN false;
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN true;
END $$;

-- The context that tells of the columns whose json is text; empty without any.
CREATE FUNCTION oracle.marks(before text[], after text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN before = '{}' AND after = '{}' THEN '' ELSE jsonb_build_object('_waltrail',
        CASE WHEN before = '{}' THEN '{}' ELSE jsonb_build_object('before', jsonb_build_object('json_as_text', before)) END
        || CASE WHEN after = '{}' THEN '{}' ELSE jsonb_build_object('after', jsonb_build_object('json_as_text', after)) END)::text END
$$;

-- A column of type json.
CREATE FUNCTION oracle.json_value(value json) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
    RETURN oracle.json_held(value);
EXCEPTION WHEN data_exception OR program_limit_exceeded THEN
    RETURN oracle.json_text(value);
END $$;

CREATE FUNCTION oracle.nesting(json text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(max(depth), 0)::integer
    FROM (SELECT sum(CASE WHEN bracket IN ('{', '[') THEN 1 ELSE -1 END) OVER (ORDER BY n) AS depth
          FROM regexp_matches(regexp_replace(json, '"(\\.|[^"\\])*"', '""', 'g'), '[][{}]', 'g') WITH ORDINALITY AS found (bracket_of, n),
               LATERAL (SELECT bracket_of[1]) AS one (bracket)) AS depths
$$;

-- Nests the flat list of an array's elements by the array's lengths.
CREATE FUNCTION oracle.shaped(flat jsonb, lengths integer[]) RETURNS jsonb LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    size integer;
BEGIN
    IF flat IS NULL THEN
        RETURN '[]';
    END IF;
    FOR dimension IN REVERSE array_length(lengths, 1) .. 2 LOOP
        size := lengths[dimension];
        flat := (SELECT jsonb_agg((SELECT jsonb_agg(flat->i ORDER BY i) FROM generate_series(first, first + size - 1) AS i) ORDER BY first)
                 FROM generate_series(0, jsonb_array_length(flat) - 1, size) AS first);
    END LOOP;
    RETURN flat;
END $$;

-- The attributes of a stored tuple as they lie in the heap.
CREATE FUNCTION oracle.stored(relation oid, at tid) RETURNS bytea[] LANGUAGE plpgsql AS $$
DECLARE
    place point := at::text::point;
    page bytea := ext.get_raw_page(relation::regclass::text, 'main', place[0]::integer);
BEGIN
    RETURN (SELECT ext.tuple_data_split(relation, t_data, t_infomask, t_infomask2, t_bits)
            FROM ext.heap_page_items(page) WHERE lp = place[1]::integer);
END $$;

-- VARATT_IS_1B_E with VARTAG_ONDISK; VARATT_IS_4B_C.
CREATE FUNCTION oracle.is_out_of_line(stored bytea) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(substr(stored, 1, 2) = '\x0112', false) $$;
CREATE FUNCTION oracle.is_compressed(stored bytea) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(get_byte(stored, 0) & 3 = 2, false) $$;

CREATE FUNCTION oracle.is_plain(stored bytea) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT NOT oracle.is_out_of_line(stored) AND NOT oracle.is_compressed(stored) $$;

-- The stored forms are NULL where the column's type has but one. The same text may be other bytes: a composite that has grown since.
CREATE FUNCTION oracle.key_is_logged(old_text text, new_text text, old_stored bytea, new_stored bytea, assigned boolean) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT old_text IS DISTINCT FROM new_text OR oracle.is_out_of_line(old_stored) OR assigned AND oracle.is_compressed(old_stored)
        OR coalesce(oracle.is_plain(old_stored) AND oracle.is_plain(new_stored) AND old_stored <> new_stored, false)
$$;

-- Names of the columns whose value stayed out of line where it was.
CREATE FUNCTION oracle.unchanged_out_of_line(relation oid, old_stored bytea[], new_stored bytea[]) RETURNS text[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(attname::text), '{}') FROM pg_catalog.pg_attribute
    WHERE attrelid = relation AND attnum > 0 AND attlen = -1 AND old_stored[attnum] = new_stored[attnum] AND oracle.is_out_of_line(old_stored[attnum])
$$;

-- Which of the texts the type's input function takes, and takes again as they are written: COPY moves them as text, and the
-- newest timestamp(3), for one, is rounded to a year that cannot be read.
CREATE FUNCTION oracle.accepted(type text, texts text[]) RETURNS boolean[] LANGUAGE plpgsql AS $$
DECLARE
    answers boolean[] := '{}';
    candidate text;
BEGIN
    FOREACH candidate IN ARRAY texts LOOP
        BEGIN
            EXECUTE 'SELECT (($1::' || type || ')::text)::' || type USING candidate;
            answers := answers || true;
        EXCEPTION WHEN OTHERS THEN
            answers := answers || false;
        END;
    END LOOP;
    RETURN answers;
END $$;
'''


def _pairs(record, columns):
    """Arguments of jsonb_build_object(), which takes 100 of them."""
    return ", ".join(f"{literal(column.name)}, {column.type.expected(f'{record}.{identifier(column.name)}')}" for column in columns)


def row(record, columns):
    """The expected jsonb of NEW or OLD."""
    if not any(column.type.own_expectation for column in columns):
        return f"to_jsonb({record})"
    return _members(record, columns)


def key_text(record, key):
    if not key:
        return "NULL::text"
    names = [f"{record}.{identifier(column.name)}" for column in key]
    text = f"{names[0]}::text" if len(key) == 1 else f"ROW({', '.join(names)})::text"
    return f"(SELECT k FROM (SELECT {text}) AS of_key (k) WHERE length(k) <= 255)"


def _names(columns):
    return "ARRAY[" + ", ".join(literal(column.name) for column in columns) + "]::text[]"


def _members(record, columns):
    """Of some columns only."""
    if not columns:
        return "'{}'::jsonb"
    return f"jsonb_build_object({_pairs(record, columns)})"


def _insert_row(schema, table, operation, key, before, after, marks="''"):
    return (
        f'INSERT INTO oracle.expected ("schema", "table", primary_key, operation, before, after, marks)'
        f" VALUES ({literal(schema)}, {literal(table)}, {key}, '{operation}', {before}, {after}, {marks});"
    )


def _marked(record, columns, absent="'{}'::text[]"):
    """The names of the columns whose json is text, in order."""
    tests = [f"({n}, {literal(column.name)}, {column.type.is_marked(f'{record}.{identifier(column.name)}')})"
             for n, column in enumerate(columns) if column.type.holds_json]  # fmt: skip
    if not tests:
        return "'{}'"
    return f"ARRAY(SELECT name FROM (VALUES {', '.join(tests)}) AS of_column (n, name, is_marked) WHERE is_marked AND name <> ALL ({absent}) ORDER BY n)"


def _marks(before="'{}'", after="'{}'"):
    return f"oracle.marks({before}, {after})"


def _update_where_full(leaf, put):
    marks = _marks(_marked("OLD", leaf.columns), _marked("NEW", leaf.columns))
    return put("UPDATE", key_text("NEW", leaf.key), row("OLD", leaf.columns), row("NEW", leaf.columns), marks)


def _update_where_partial(leaf, put):
    logged = ["false"]
    for column in leaf.identity_columns:
        name = identifier(column.name)
        assigned = f"position(',{column.number},' in current_setting('oracle.assigned')) > 0"
        attribute = f"(SELECT attnum FROM pg_catalog.pg_attribute WHERE attrelid = TG_RELID AND attname = {literal(column.name)} AND attlen = -1)"
        logged.append(f"oracle.key_is_logged(OLD.{name}::text, NEW.{name}::text, old_stored[{attribute}], new_stored[{attribute}], {assigned})")
    return f"""
        old_stored := oracle.stored(TG_RELID, OLD.ctid);
        new_stored := oracle.stored(TG_RELID, NEW.ctid);
        logged := {' OR '.join(logged)};
        absent := oracle.unchanged_out_of_line(TG_RELID, old_stored, new_stored);
        IF logged THEN
            absent := ARRAY(SELECT unnest(absent) EXCEPT SELECT unnest({_names(leaf.identity_columns)}));
        END IF;
        {put('UPDATE', f"CASE WHEN absent && {_names(leaf.key)} THEN NULL ELSE {key_text('NEW', leaf.key)} END",
             f"CASE WHEN logged THEN {_members('OLD', leaf.identity_columns)} ELSE '{{}}' END",
             f"{row('NEW', leaf.columns)} - absent", _marks(after=_marked("NEW", leaf.columns, "absent")))}"""  # fmt: skip


def observer(leaf, schema, table):
    """(Re)creates the trigger function of a table; `leaf` has name, columns, key, identity, identity_columns."""

    def put(*values):
        return _insert_row(schema, table, *values)

    full = leaf.identity == "full"
    known = full or (leaf.key and all(column in leaf.identity_columns for column in leaf.key))
    before = row("OLD", leaf.columns) if full else _members("OLD", leaf.identity_columns)
    body = f"""
DECLARE
    old_stored bytea[];
    new_stored bytea[];
    absent text[];
    logged boolean;
BEGIN
    IF TG_OP = 'INSERT' THEN
        {put('CREATE', key_text('NEW', leaf.key), "'{}'", row('NEW', leaf.columns), _marks(after=_marked('NEW', leaf.columns)))}
    ELSIF TG_OP = 'DELETE' THEN
        {put('DELETE', key_text('OLD', leaf.key) if known else 'NULL', before, "'{}'", _marks(_marked('OLD', leaf.columns) if full else "'{}'"))}
    ELSE
        {_update_where_full(leaf, put) if full else _update_where_partial(leaf, put)}
    END IF;
    RETURN NULL;
END"""
    return f"CREATE OR REPLACE FUNCTION oracle_round.observe_{leaf.number}() RETURNS trigger LANGUAGE plpgsql AS {literal(body)}"


def trigger(leaf):
    return (
        f"CREATE TRIGGER zz_oracle AFTER INSERT OR UPDATE OR DELETE ON {leaf.name}"
        f" FOR EACH ROW EXECUTE FUNCTION oracle_round.observe_{leaf.number}()"
    )


def truncated(schema, table):
    return _insert_row(schema, table, "TRUNCATE", "NULL", "'{}'", "'{}'")
