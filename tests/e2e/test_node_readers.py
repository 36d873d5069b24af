"""Clients from npm read the table `changes` with the queries and models that they have for it."""

import datetime
import json

import pytest

from node_clients import NodeClients

# The names of the columns in models, and what a value of each becomes in JavaScript.
COLUMNS = {
    "id": ("id", "string"), "database": ("database", "string"), "schema": ("schema", "string"),
    "table": ("table", "string"), "primary_key": ("primaryKey", "string"), "operation": ("operation", "string"),
    "before": ("before", "object"), "after": ("after", "object"), "context": ("context", "object"),
    "committed_at": ("committedAt", "Date"), "queued_at": ("queuedAt", "Date"), "created_at": ("createdAt", "Date"),
    "transaction_id": ("transactionId", "string"), "position": ("position", "string"),
}  # fmt: skip


@pytest.fixture(scope="module")
def clients():
    return NodeClients()


@pytest.fixture
def read(source, destination, slot, waltrail, clients):
    """A function that lets a client read a small trail; what it returns has the client's rows."""
    source.execute("CREATE TABLE items (id int PRIMARY KEY, name text, price numeric)")
    waltrail.init(source, destination, slot)
    for user, statement in (
        (7, "INSERT INTO items VALUES (1, 'a', 1.10)"),
        (8, "INSERT INTO items VALUES (2, 'b', 0.5)"),
        (7, "UPDATE items SET name = 'b' WHERE id = 1"),
        (8, "DELETE FROM items WHERE id = 1"),
    ):
        context = json.dumps({"user": user, "trace": {"id": "x"}})
        source.psql(f"BEGIN; SELECT pg_logical_emit_message(true, 'waltrail', '{context}'); {statement}; COMMIT;")
    source.execute("TRUNCATE items")
    waltrail.apply_until_now(source, destination, slot)
    return lambda client: clients.run("read_changes.js", client, destination=destination)


def _in_javascript(value):
    """As JSON.stringify writes what a client makes of the value: a Date in UTC, a bigint as a string."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    return str(value) if isinstance(value, int) else value


def _rows(destination, names):
    rows = destination.query('SELECT id::text, "database", "schema", "table", primary_key, operation, before, after, context, '
                             "committed_at, queued_at, created_at, transaction_id, position FROM changes ORDER BY position")
    return [dict(zip(names, map(_in_javascript, row))) for row in rows]


def test_node_postgres_gets_each_column_in_the_type_it_expects(read, destination):
    result = read("nodePostgres")
    rows = _rows(destination, COLUMNS)
    assert result["kinds"] == {name: kind for name, (_, kind) in COLUMNS.items()}
    assert result["all"] == rows
    assert result["record"] == [rows[0], rows[2], rows[3]]
    assert result["byContext"] == result["byKey"] == [rows[0], rows[2]]
    assert result["byAfter"] == [rows[1], rows[2]]


def test_typeorm_reads_changes_with_an_entity(read, destination):
    result = read("typeorm")
    rows = _rows(destination, [name for name, _ in COLUMNS.values()])
    assert result["kinds"] == dict(COLUMNS.values())
    assert result["all"] == rows
    assert result["count"] == len(rows) == 5
    assert result["record"] == [rows[0], rows[2], rows[3]]
    assert result["byContext"] == [rows[0], rows[2]]
    assert result["one"] == rows[0]
