"""An oracle for the stream: row triggers that note, on the source, what every change must look like in the trail.

The server itself says what the row was (to_jsonb), what its table was called and what its key was, at the moment of the
change and with the catalogs of that moment. The notes are transactional, so what is rolled back was never noted. They are unlogged, so
they are no part of the stream; where the source is to crash, which empties unlogged tables, they are logged, and the stream must leave
schema audit out. Row triggers are put on tables and leaves, not on roots: a root would hand them down.
"""

import dataclasses
import json

SETUP = r"""
CREATE SCHEMA audit;
CREATE UNLOGGED TABLE audit.notes (
    number bigserial PRIMARY KEY, transaction_id bigint, schema text, "table" text, operation text, primary_key text,
    before jsonb, after jsonb);

CREATE FUNCTION audit.index_columns(index_oid oid) RETURNS text[] LANGUAGE sql AS $$
    SELECT coalesce(array_agg(a.attname::text ORDER BY k.ordinality), '{}')
    FROM pg_catalog.pg_index i, unnest(i.indkey) WITH ORDINALITY AS k (attnum, ordinality), pg_catalog.pg_attribute a
    WHERE i.indexrelid = index_oid AND k.ordinality <= i.indnkeyatts
      AND a.attrelid = i.indrelid AND a.attnum = k.attnum
$$;

-- The part of a row that the replica identity logs; NULL: all of it.
CREATE FUNCTION audit.identity_columns(relation pg_catalog.pg_class) RETURNS text[] LANGUAGE sql AS $$
    SELECT CASE relation.relreplident
           WHEN 'n' THEN '{}'
           WHEN 'd' THEN coalesce((SELECT audit.index_columns(indexrelid) FROM pg_catalog.pg_index
                                    WHERE indrelid = relation.oid AND indisprimary AND indimmediate AND indisvalid), '{}')
           WHEN 'i' THEN coalesce((SELECT audit.index_columns(indexrelid) FROM pg_catalog.pg_index
                                    WHERE indrelid = relation.oid AND indisreplident AND indisvalid), '{}')
           END
$$;

CREATE FUNCTION audit.part(whole jsonb, columns text[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT coalesce(jsonb_object_agg(c, whole->c), '{}') FROM unnest(columns) AS c
$$;

CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql
SET TimeZone = 'UTC' SET DateStyle = 'ISO' SET IntervalStyle = 'postgres' SET extra_float_digits = 1
SET bytea_output = 'hex' SET search_path = '' SET lc_monetary = 'C' AS $$
DECLARE
    relation pg_catalog.pg_class;
    root oid;
    known text[];
    key_columns text[];
    key text;
    before jsonb := '{}';
    after jsonb := '{}';
BEGIN
    SELECT * INTO relation FROM pg_catalog.pg_class WHERE oid = TG_RELID;
    IF relation.relpersistence <> 'p' THEN RETURN NULL; END IF;
    root := coalesce(pg_catalog.pg_partition_root(TG_RELID), TG_RELID);
    known := audit.identity_columns(relation);
    IF TG_OP <> 'INSERT' THEN before := pg_catalog.to_jsonb(OLD); END IF;
    IF TG_OP <> 'DELETE' THEN after := pg_catalog.to_jsonb(NEW); END IF;
    IF TG_OP <> 'INSERT' AND known IS NOT NULL THEN
        before := audit.part(before, known);
        -- An UPDATE logs the old key only when it has changed.
        IF TG_OP = 'UPDATE' AND audit.part(after, known)::text = before::text THEN before := '{}'; END IF;
    END IF;
    SELECT audit.index_columns(indexrelid) INTO key_columns FROM pg_catalog.pg_index
    WHERE indrelid = TG_RELID AND indisprimary AND indisvalid;
    IF key_columns IS NOT NULL AND (TG_OP <> 'DELETE' OR known IS NULL OR known @> key_columns) THEN
        EXECUTE pg_catalog.format(
            CASE pg_catalog.cardinality(key_columns) WHEN 1 THEN 'SELECT (%s)::text' ELSE 'SELECT ROW(%s)::text' END,
            (SELECT pg_catalog.string_agg(pg_catalog.format('($1).%I', c), ', ') FROM unnest(key_columns) AS c))
        USING CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END INTO key;
    END IF;
    IF length(key) > 255 THEN key := NULL; END IF;
    INSERT INTO audit.notes (transaction_id, schema, "table", operation, primary_key, before, after)
    SELECT pg_catalog.pg_current_xact_id()::text::bigint, n.nspname, c.relname,
           CASE TG_OP WHEN 'INSERT' THEN 'CREATE' ELSE TG_OP END, key, before, after
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = root;
    RETURN NULL;
END $$;
"""

# Tables and leaves that are made from then on note their changes by themselves; so do the rows that they are made with.
FOLLOW = r"""
CREATE FUNCTION audit.follow_new_tables() RETURNS event_trigger LANGUAGE plpgsql
SET TimeZone = 'UTC' SET DateStyle = 'ISO' SET IntervalStyle = 'postgres' SET extra_float_digits = 1
SET bytea_output = 'hex' SET search_path = '' SET lc_monetary = 'C' AS $$
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT DISTINCT c.oid, n.nspname, c.relname FROM pg_catalog.pg_event_trigger_ddl_commands() AS command
        JOIN pg_catalog.pg_class c ON command.classid = 'pg_catalog.pg_class'::regclass AND c.oid = command.objid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname <> 'audit'
    LOOP
        EXECUTE pg_catalog.format(
            'INSERT INTO audit.notes (transaction_id, schema, "table", operation, before, after)
             SELECT pg_catalog.pg_current_xact_id()::text::bigint, %L, %L, ''CREATE'', ''{}'', pg_catalog.to_jsonb(t)
             FROM %s AS t ORDER BY ctid', made.nspname, made.relname, made.oid::regclass);
        EXECUTE pg_catalog.format(
            'CREATE TRIGGER zz_audit AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION audit.note()',
            made.oid::regclass);
    END LOOP;
END $$;
CREATE EVENT TRIGGER audit_new_tables ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO')
EXECUTE FUNCTION audit.follow_new_tables();
"""

COLUMNS = 'transaction_id, schema, "table", operation, primary_key, before::text, after::text'


@dataclasses.dataclass(frozen=True)
class Number:
    """As it is written: 1.5 and 1.50 differ, and no digit is lost."""

    text: str


def read_rows(rows):
    return [(*labels, *(json.loads(text, parse_int=Number, parse_float=Number) for text in (before, after)))
            for *labels, before, after in rows]  # fmt: skip


def set_up(source, logged=False):
    source.execute(SETUP.replace("UNLOGGED ", "") if logged else SETUP)


def follow_new_tables(source):
    source.execute(FOLLOW)


def trigger_sql(table):
    """`table` is quoted. Named so that it fires after the triggers of foreign keys and of a test's own."""
    return f"CREATE TRIGGER zz_audit AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION audit.note()"


def notes(source, condition="true"):
    return read_rows(source.query(f"SELECT {COLUMNS} FROM audit.notes WHERE {condition} ORDER BY number"))


def decoded(source, slot):
    """What a slot still holds, in one stream, as the notes have it."""
    return read_rows(source.query("""
        SELECT (d->>'transaction_id')::bigint, d->>'schema', d->>'table', d->>'operation', d->>'primary_key',
               (d->'before')::text, (d->'after')::text
        FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes(%s, NULL, NULL, 'format', 'json')) AS changes
        WHERE d->>'operation' <> 'TRUNCATE'""", [slot]))  # fmt: skip


def trail(destination, condition="true"):
    return read_rows(destination.query(f"SELECT {COLUMNS} FROM changes WHERE operation <> 'TRUNCATE' AND {condition} ORDER BY position"))


def per_table(rows):
    """For assert_same() where the server runs triggers of a row later than it writes the row: only the order of each table's
    changes is compared."""
    return [((row[0], row[1], row[2]), *row[1:]) for row in rows]


def by_transaction(rows):
    grouped = {}
    for row in rows:
        grouped.setdefault(row[0], []).append(row[1:])
    return grouped


def same(expected, seen):
    """Equal, or an UPDATE whose old row is not whole, where a value is stored out of line: `before` holds a key that has such a
    value although it did not change, and `after` need not hold what `before` does not."""
    if expected == seen:
        return True
    *labels, before, after = expected
    *seen_labels, seen_before, seen_after = seen
    if labels != seen_labels or labels[2] != "UPDATE" or before.keys() == after.keys():
        return False
    missing = {name: value for name, value in after.items() if name not in seen_after}
    return (
        seen_before == (before or {name: after.get(name) for name in seen_before})
        and {**seen_after, **missing} == after
        and not missing.keys() & seen_before.keys()
        and all(may_be_out_of_line(value) for value in missing.values())
    )


def may_be_out_of_line(value):
    return isinstance(value, (str, list, dict)) or (isinstance(value, Number) and len(value.text) > 100)


def shortened(value):
    if isinstance(value, str) and len(value) > 60:
        return value[:60] + "…"
    if isinstance(value, Number):
        return Number(shortened(value.text))
    if isinstance(value, dict):
        return {name: shortened(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [shortened(item) for item in value]
    return value


def assert_same(expected, seen):
    """Every transaction has the noted changes, in their order, and there are no others."""
    expected, seen = by_transaction(expected), by_transaction(seen)
    assert expected, "nothing was noted"
    for transaction, rows in expected.items():
        found = seen.get(transaction, [])
        for number, (row, other) in enumerate(zip(rows, found)):
            assert same(row, other), (
                f"change {number} of transaction {transaction}:\n expected {shortened(row)}\n seen     {shortened(other)}"
            )
        assert len(rows) == len(found), f"transaction {transaction}: {shortened(rows)} became {shortened(found)}"
    assert seen.keys() <= expected.keys(), f"not noted: {[seen[x] for x in seen.keys() - expected.keys()][:3]}"
