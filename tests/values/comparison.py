"""Compares what the oracle expects with what the trail holds, transaction by transaction and row by row.

Both servers make a line of each change: what identifies it, and hashes of its values as text (jsonb's own equality would
take 1.10 for 1.1). A row's changes within a transaction are numbered by sequence and by position, so that nothing depends
on ties of position. Only what differs is fetched whole.
"""

import collections
import dataclasses
import io

SHOWN_BYTES = 300

# `nr` is that of the new row where there is one. A DELETE whose old row is not logged has none.
_NUMBERED = """
SELECT transaction_id, "schema", "table", coalesce(after->>'nr', before->>'nr', '') AS nr, operation, primary_key, before, after, {order} AS ordinal,
       row_number() OVER (PARTITION BY transaction_id, "schema", "table", coalesce(after->>'nr', before->>'nr', '') ORDER BY {order}) AS k, {committed_at} AS committed_at, {rest} AS rest
FROM {relation} WHERE {where}
"""

EXPECTED = _NUMBERED.format(
    order="sequence",
    committed_at="extract(epoch FROM date_trunc('second', pg_xact_commit_timestamp(transaction_id::text::xid)))::bigint",
    rest="marks",
    relation="oracle.expected",
    where="true",
)
RECORDED = _NUMBERED.format(
    order='"position"',
    committed_at="extract(epoch FROM committed_at)::bigint",
    rest="""CASE WHEN "database" <> {label} THEN "database" WHEN context <> '{{}}' THEN context::text ELSE '' END""",
    relation="public.changes",
    where="transaction_id BETWEEN {first} AND {last}",
)
_LINES = """
COPY (SELECT transaction_id, "schema", "table", nr, k, operation, hashtextextended(primary_key, 0), hashtextextended(before::text, 0), hashtextextended(after::text, 0), committed_at, rest
      FROM ({rows}) AS numbered) TO STDOUT
"""
_KEY_FIELDS = 5


@dataclasses.dataclass
class Difference:
    """kind: missing, extra or different."""

    kind: str
    key: tuple
    expected: dict
    recorded: dict

    def text(self):
        transaction, schema, table, nr, k = self.key
        lines = [f'{self.kind}: transaction {transaction}, table "{schema}"."{table}", row nr {nr or "unknown"}, its change number {k}']
        if self.kind != "different":
            lines += [f"    {name}: {shortened(value)}" for name, value in (self.expected or self.recorded).items()]
            return "\n".join(lines)
        for name, expected in self.expected.items():
            recorded = self.recorded[name]
            if expected == recorded:
                continue
            if isinstance(expected, dict) and isinstance(recorded, dict):
                for member in sorted({*expected, *recorded}):
                    if expected.get(member, "(absent)") != recorded.get(member, "(absent)"):
                        lines += [f"    {name}, {member!r}:", f"        expected {shortened(expected.get(member, '(absent)'))}", f"        recorded {shortened(recorded.get(member, '(absent)'))}"]
            else:
                lines += [f"    {name}:", f"        expected {shortened(expected)}", f"        recorded {shortened(recorded)}"]
        return "\n".join(lines)


def shortened(value):
    text = repr(value)
    return text if len(text) <= SHOWN_BYTES else f"{text[:SHOWN_BYTES]}... ({len(text)} characters)"


def _lines(connection, rows):
    data = io.BytesIO()
    with connection.cursor() as cursor:
        cursor.copy_expert(_LINES.format(rows=rows), data)
    return data.getvalue().decode().splitlines()


def _unescaped(field):
    for escaped, plain in (("\\n", "\n"), ("\\t", "\t"), ("\\\\", "\\")):
        field = field.replace(escaped, plain)
    return field


def compare(source, destination, label, first, last, details_max):
    """Returns (expected changes, differences, [Difference …], counts of operations). `first` and `last` bound the round's transaction ids."""
    recorded_rows = RECORDED.format(label="'" + label.replace("'", "''") + "'", first=first, last=last)
    expected = _lines(source, EXPECTED)
    recorded = _lines(destination, recorded_rows)
    operations = collections.Counter(line.split("\t", 6)[5] for line in expected)
    if collections.Counter(expected) == collections.Counter(recorded):
        return len(expected), 0, [], operations
    missing = collections.Counter(expected) - collections.Counter(recorded)
    extra = collections.Counter(recorded) - collections.Counter(expected)
    keys = {}
    for line in [*missing.elements(), *extra.elements()]:
        keys.setdefault(tuple(line.split("\t")[:_KEY_FIELDS]), None)
    details = [_difference(source, destination, recorded_rows, key) for key in list(keys)[:details_max]]
    return len(expected), len(keys), details, operations


def _difference(source, destination, recorded_rows, key):
    found_expected = _whole(source, EXPECTED, key)
    found_recorded = _whole(destination, recorded_rows, key)
    kind = "missing" if not found_recorded else "extra" if not found_expected else "different"
    return Difference(kind, key, found_expected, found_recorded)


def _whole(connection, rows, key):
    transaction, schema, table, nr, k = key
    with connection.cursor() as cursor:
        # Members as text: a value's text is what counts.
        members = "(SELECT coalesce(json_object_agg(key, value::text), '{{}}') FROM jsonb_each({}))"
        cursor.execute(
            f"SELECT operation, primary_key, {members.format('before')}, {members.format('after')}, committed_at, rest FROM ({rows.replace('%', '%%')}) AS numbered"
            ' WHERE transaction_id = %s AND "schema" = %s AND "table" = %s AND nr = %s AND k = %s',
            (int(transaction), _unescaped(schema), _unescaped(table), nr, int(k)),
        )
        found = cursor.fetchone()
    names = ("operation", "primary_key", "before", "after", "committed_at", "rest")
    return dict(zip(names, found)) if found else None
