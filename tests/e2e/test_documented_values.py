"""docs/values.md is true: each row of its tables goes through a slot and through apply, and arrives as the page says."""

import dataclasses
import pathlib
import re

import psycopg2
import pytest

from servers import quoted

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "values.md"

# The same value must come out whatever these are; to_jsonb needs the settings that the page names.
SETTINGS_OF_THE_SOURCE = {
    "TimeZone": "Asia/Kathmandu",
    "DateStyle": "SQL, DMY",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "-5",
    "bytea_output": "escape",
}
SETTINGS_OF_THE_PAGE = {
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "search_path": "",
    "lc_monetary": "C",
}


@dataclasses.dataclass
class Row:
    """A row of the page's tables. `to_jsonb` is None where it must equal `trail`."""

    line: int
    type: str
    sql: str
    trail: str
    to_jsonb: str | None = None

    @property
    def column(self):
        return f"line_{self.line}"


def cells_of(line):
    cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
    return [cell.strip("`").replace("\\|", "|") for cell in cells]


def read_page():
    """Sections as a mapping of heading to (SQL of its code blocks, rows)."""
    sections = {}
    heading, in_code = "", False
    for number, line in enumerate(PAGE.read_text().splitlines(), start=1):
        if line.startswith("```"):
            in_code = line == "```sql"
        elif line.startswith("#") and not in_code:
            heading = line.lstrip("# ")
        else:
            sql, rows = sections.setdefault(heading, ([], []))
            if in_code:
                sql.append(line)
            elif line.startswith("| `"):
                rows.append(Row(number, *cells_of(line)))
    return {heading: ("\n".join(sql), rows) for heading, (sql, rows) in sections.items()}


def without(sections, *headings):
    """SQL and rows of all sections but the named ones, which must exist."""
    assert set(headings) <= set(sections), f"the page has no section {headings}"
    kept = [section for heading, section in sections.items() if heading not in headings]
    return "\n".join(sql for sql, _ in kept), [row for _, rows in kept for row in rows]


def make_table(source, sql, rows):
    for name, value in SETTINGS_OF_THE_SOURCE.items():
        source.execute(f"ALTER DATABASE {quoted(source.name)} SET {name} = '{value}'")
    with source.connect() as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        columns = ", ".join(f"{row.column} {row.type}" for row in rows)
        cursor.execute(f"CREATE TABLE documented (id integer PRIMARY KEY, {columns})")
    connection.close()


def insert_row(source, rows):
    values = ", ".join(row.sql for row in rows)
    source.psql(f"INSERT INTO documented VALUES (1, {values});")


def documented_values(source, rows):
    """What the page says, as jsonb writes it."""
    said = {}
    for row in rows:
        expression = row.trail if row.trail.startswith("(") else "'" + row.trail.replace("'", "''") + "'"
        said[row.column] = source.value(f"SELECT {expression}::jsonb::text")
    return said


def values_of_lines(source, slot):
    """By the plugin's option format 'json', as a person would look."""
    return dict(source.query(
        "SELECT key, value::text FROM pg_logical_slot_get_changes(%s, NULL, NULL, 'format', 'json'), "
        "jsonb_each(data::jsonb->'after') WHERE data::jsonb->>'table' = 'documented'", [slot]))  # fmt: skip


def values_of_trail(destination):
    return dict(destination.query(
        "SELECT key, value::text FROM changes, jsonb_each(after) WHERE \"table\" = 'documented'"))  # fmt: skip


def values_by_to_jsonb(source, rows):
    """What to_jsonb gives; "error" where it fails."""
    given = {}
    connection = source.connect()
    with connection.cursor() as cursor:
        for name, value in SETTINGS_OF_THE_PAGE.items():
            cursor.execute(f"SET {name} = '{value}'")
        for row in rows:
            try:
                cursor.execute(f"SELECT coalesce(to_jsonb({row.column}), 'null')::text FROM public.documented")
                given[row.column] = cursor.fetchone()[0]
            except psycopg2.DataError:
                given[row.column] = "error"
    connection.close()
    return given


def differences(rows, said, found):
    return [f"{PAGE.name}:{row.line}: {row.type} {row.sql} is {found.get(row.column, 'absent')[:200]}, not {said[row.column][:200]}"
            for row in rows if found.get(row.column) != said[row.column]]  # fmt: skip


def differences_from_to_jsonb(source, rows, said):
    given = values_by_to_jsonb(source, rows)
    exceptions = [row for row in rows if row.to_jsonb not in (None, "error")]
    expected = dict(said)
    expected.update(documented_values(source, [dataclasses.replace(row, trail=row.to_jsonb) for row in exceptions]))
    expected.update({row.column: "error" for row in rows if row.to_jsonb == "error"})
    no_exceptions = [row for row in rows if row.to_jsonb is not None and given[row.column] == said[row.column]]
    return differences(rows, expected, given) + no_exceptions


def check(sql, rows, source, destination, slot, waltrail):
    lines = slot + "_lines"
    make_table(source, sql, rows)
    source.execute("SELECT pg_create_logical_replication_slot(%s, 'waltrail')", [lines])
    waltrail.init(source, destination, slot)
    insert_row(source, rows)
    waltrail.apply_until_now(source, destination, slot)
    said = documented_values(source, rows)
    assert differences(rows, said, values_of_trail(destination)) == []
    assert differences(rows, said, values_of_lines(source, lines)) == []
    assert differences_from_to_jsonb(source, rows, said) == []


def test_values_arrive_as_documented(source, destination, slot, waltrail):
    sql, rows = without(read_page(), "PostGIS")
    assert len(rows) > 200
    check(sql, rows, source, destination, slot, waltrail)


def test_values_of_postgis_arrive_as_documented(source, destination, slot, waltrail):
    if not source.query("SELECT 1 FROM pg_available_extensions WHERE name = 'postgis'"):
        pytest.skip("PostGIS is not installed")
    check(*read_page()["PostGIS"], source, destination, slot, waltrail)


def test_every_type_of_a_stock_server_has_a_row(source):
    make_table(source, *without(read_page(), "PostGIS"))
    missing = source.query("""
        SELECT format_type(oid, -1) FROM pg_type AS t
        WHERE typnamespace = 'pg_catalog'::regnamespace AND typtype NOT IN ('p', 'c')
          AND NOT EXISTS (SELECT FROM pg_type WHERE typarray = t.oid)
          AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'documented'::regclass AND atttypid = t.oid)
        ORDER BY 1""")
    assert missing == []
