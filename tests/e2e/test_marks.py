"""What jsonb cannot hold arrives all the same, marked in its context and counted."""

import servers


def trail(destination, columns):
    return destination.query(f'SELECT {columns} FROM changes ORDER BY position, primary_key')


def test_json_that_jsonb_cannot_hold_is_marked_and_counted(source, destination, slot, waltrail):
    source.execute("CREATE TABLE documents (id integer PRIMARY KEY, doc json, note text)")
    waltrail.init(source, destination, slot)
    source.execute(r"""INSERT INTO documents VALUES (1, '{"a": 1}', 'held'), (2, '{"a": "\u0000"}', 'zero')""")
    source.execute("UPDATE documents SET note = 'again'")
    waltrail.apply_until_now(source, destination, slot)
    assert trail(destination, "primary_key, operation, jsonb_typeof(after->'doc'), context") == [
        ("1", "CREATE", "object", {}),
        ("2", "CREATE", "string", {"_waltrail": {"after": {"json_as_text": ["doc"]}}}),
        ("1", "UPDATE", "object", {}),
        ("2", "UPDATE", "string",
         {"_waltrail": {"before": {"json_as_text": ["doc"]}, "after": {"json_as_text": ["doc"]}}}),
    ]  # fmt: skip
    assert destination.query("SELECT changes, marked FROM changes.applied") == [(4, 2)]
    (text,) = destination.query("SELECT after->>'doc' FROM changes WHERE primary_key = '2' AND operation = 'CREATE'")[0]
    assert text == r'{"a": "\u0000"}'


def test_bytes_of_an_sql_ascii_source_are_kept_and_marked(source_server, destination, slot, waltrail):
    name = f"{slot}_ascii"
    source_server.execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'")
    source = servers.Database(source_server, name)
    try:
        check_sql_ascii(source, destination, slot, waltrail)
    finally:
        waltrail.close()
        source.drop()


def check_sql_ascii(source, destination, slot, waltrail):
    source.execute("CREATE TABLE notes (id integer PRIMARY KEY, note text)")
    source.execute(r"""
        CREATE FUNCTION note(bytes bytea) RETURNS text LANGUAGE sql AS $$ SELECT convert_from(bytes, 'SQL_ASCII') $$""")
    waltrail.init(source, destination, slot)
    values = [b"plain", "größe".encode(), "größe".encode("latin1"), bytes(range(1, 256)), b"\xff", b"back\\slash\xe9"]
    for number, value in enumerate(values):
        source.execute("INSERT INTO notes VALUES (%s, note(decode(%s, 'hex')))", (number, value.hex()))
    waltrail.apply_until_now(source, destination, slot)
    kept = trail(
        destination,
        """primary_key::integer,
           CASE WHEN context @> '{"_waltrail": {"after": {"bytes_escaped": ["note"]}}}'
                THEN decode(after->>'note', 'escape') ELSE convert_to(after->>'note', 'UTF8') END""",
    )
    assert [(number, bytes(value)) for number, value in kept] == list(enumerate(values))
    assert destination.query("SELECT changes, marked FROM changes.applied") == [(6, 4)]
    assert destination.query("SELECT count(*) FROM changes.quarantine") == [(0,)]
