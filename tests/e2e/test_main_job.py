"""The main job: a row changes on the source, and the table `changes` says what, who and when."""

import datetime
import decimal
import json

import pytest

import servers

MAIN_QUERY = """
SELECT * FROM "changes"
WHERE "database" = %(database)s AND "schema" = 'public' AND "table" = 'users' AND
  "primary_key" = %(id)s AND "operation" = 'UPDATE' AND
  "after" @> '{"email": "new@example.com"}' AND NOT ("before" @> '{"email": "new@example.com"}') AND
  "committed_at" BETWEEN (NOW() - INTERVAL '3 months') AND NOW()
LIMIT 1
"""

COLUMNS = [
    ("id", "uuid"),
    ("database", "character varying(255)"),
    ("schema", "character varying(255)"),
    ("table", "character varying(255)"),
    ("primary_key", "character varying(255)"),
    ("operation", "text"),
    ("before", "jsonb"),
    ("after", "jsonb"),
    ("context", "jsonb"),
    ("committed_at", "timestamp(0) with time zone"),
    ("queued_at", "timestamp(0) with time zone"),
    ("created_at", "timestamp(0) with time zone"),
    ("transaction_id", "bigint"),
    ("position", "bigint"),
]


@pytest.fixture
def pair(source, destination, slot, waltrail):
    """Both ends prepared, with a table `users`."""
    source.execute("CREATE TABLE users (id bigserial PRIMARY KEY, email text, name text)")
    waltrail.init(source, destination, slot)
    return source, destination, slot


def test_update_is_found_by_the_main_query_in_the_same_second(pair, waltrail):
    source, destination, slot = pair
    source.execute("INSERT INTO users (email, name) VALUES ('old@example.com', 'Grace')")
    process = waltrail.apply(source, destination, slot)
    process.wait_for_output("streaming")
    for attempt in range(20):
        source.execute("UPDATE users SET email = %s WHERE id = 1", [f"other{attempt}@example.com"])
        xid = source.value(
            "WITH u AS (UPDATE users SET email = 'new@example.com' WHERE id = 1 RETURNING id) "
            "SELECT pg_current_xact_id()::text FROM u"
        )
        found = servers.wait_until(
            lambda: [
                row
                for row in destination.query(
                    MAIN_QUERY.replace("LIMIT 1", "ORDER BY position DESC LIMIT 1"), {"database": source.name, "id": "1"}
                )
                if str(row[12]) == xid
            ],
            "the change of this transaction",
            timeout_s=30,
            interval_s=0.001,
        )
        assert found[0][6] == {"id": 1, "email": f"other{attempt}@example.com", "name": "Grace"}
        assert found[0][7] == {"id": 1, "email": "new@example.com", "name": "Grace"}
    assert process.stop() == 0


def test_table_has_exactly_the_promised_columns(pair):
    _, destination, _ = pair
    assert (
        destination.query(
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = 'public.changes'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        == COLUMNS
    )


def test_every_operation_is_recorded_with_who_when_and_where(pair, waltrail):
    source, destination, slot = pair
    before = source.value("SELECT date_trunc('second', clock_timestamp())")
    source.psql("""
        INSERT INTO users (email, name) VALUES ('a@example.com', 'A'), ('b@example.com', 'B');
        UPDATE users SET email = 'c@example.com' WHERE id = 1;
        DELETE FROM users WHERE id = 2;
        BEGIN; INSERT INTO users (email) VALUES ('never@example.com'); ROLLBACK;
        BEGIN; SAVEPOINT s; INSERT INTO users (email) VALUES ('never@example.com'); ROLLBACK TO s;
        INSERT INTO users (email) VALUES ('kept@example.com'); COMMIT;
        TRUNCATE users;
    """)
    waltrail.apply_until_now(source, destination, slot)
    rows = destination.query(
        'SELECT operation, primary_key, before, after, context, "database", schema, "table" FROM changes ORDER BY position, id'
    )
    names = (source.name, "public", "users")
    user_a = {"id": 1, "email": "a@example.com", "name": "A"}
    user_b = {"id": 2, "email": "b@example.com", "name": "B"}
    assert sorted(rows[:2], key=lambda row: row[1]) == [
        ("CREATE", "1", {}, user_a, {}, *names),
        ("CREATE", "2", {}, user_b, {}, *names),
    ]
    assert rows[2:] == [
        ("UPDATE", "1", user_a, dict(user_a, email="c@example.com"), {}, *names),
        ("DELETE", "2", user_b, {}, {}, *names),
        ("CREATE", "5", {}, {"id": 5, "email": "kept@example.com", "name": None}, {}, *names),
        ("TRUNCATE", None, {}, {}, {}, *names),
    ]
    after = source.value("SELECT clock_timestamp()")
    for times in destination.query("SELECT committed_at, queued_at, created_at FROM changes"):
        assert all(before <= time <= after for time in times)


def test_transaction_id_and_position_are_those_of_the_source(pair, waltrail):
    source, destination, slot = pair
    with source.connect(autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'")
        start = cursor.fetchone()[0]
        cursor.execute("INSERT INTO users (email) VALUES ('x') RETURNING pg_current_xact_id()::text")
        xid = int(cursor.fetchone()[0])
    connection.close()
    end = source.value("SELECT pg_current_wal_insert_lsn() - '0/0'")
    waltrail.apply_until_now(source, destination, slot)
    [(transaction_id, position)] = destination.query("SELECT transaction_id, position FROM changes")
    assert transaction_id == xid
    assert start <= decimal.Decimal(position) <= end


def test_transaction_id_has_64_bits(fresh_source, fresh_destination, slot, waltrail):
    source, destination = fresh_source, fresh_destination
    source.server.stop()
    servers._run([servers.BINDIR / "pg_resetwal", "-e", "3", "-D", source.server.data])
    source.server.start()
    source.execute("CREATE TABLE users (id bigserial PRIMARY KEY, email text)")
    waltrail.init(source, destination, slot)
    xid = int(source.value("WITH i AS (INSERT INTO users (email) VALUES ('x') RETURNING id) "
                           "SELECT pg_current_xact_id()::text FROM i"))
    assert xid >> 32 == 3
    waltrail.apply_until_now(source, destination, slot)
    assert destination.query("SELECT transaction_id FROM changes") == [(xid,)]


def test_ids_are_those_of_the_json_format_and_of_decode(pair, waltrail, tmp_path):
    source, destination, slot = pair
    recorder = slot + "_recorder"
    source.execute("SELECT pg_create_logical_replication_slot(%s, 'waltrail')", [recorder])
    source.psql("INSERT INTO users (email) SELECT 'x' || i FROM generate_series(1, 1000) i; DELETE FROM users WHERE id < 10;")
    lines = [json.loads(row[0]) for row in source.query(
        "SELECT data FROM pg_logical_slot_peek_changes(%s, NULL, NULL, 'format', 'json')", [recorder])]
    frames = tmp_path / "frames"
    frames.write_bytes(b"\n".join(bytes(row[0]) for row in source.query(
        "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, NULL, NULL)", [recorder])))
    decoded = [json.loads(line) for line in waltrail.run("decode", frames).stdout.splitlines()]
    waltrail.apply_until_now(source, destination, slot)
    stored = {row[0] for row in destination.query("SELECT id::text FROM changes")}
    assert len(stored) == 1009
    assert {line["id"] for line in lines} == stored

    def lasting(line):
        return {name: value for name, value in line.items() if name != "queued_at"}

    assert list(map(lasting, decoded)) == list(map(lasting, lines))
    assert list(lines[0]) == [name for name, _ in COLUMNS]


def test_trail_of_a_million_changes_answers_by_index_and_prunes_partitions(pair, waltrail):
    source, destination, slot = pair
    source.execute("INSERT INTO users (email, name) SELECT 'user' || i || '@example.com', 'Name ' || i "
                   "FROM generate_series(1, 500000) i")
    source.execute("UPDATE users SET name = upper(name)")
    source.execute("UPDATE users SET email = 'new@example.com' WHERE id = 4711")
    waltrail.apply_until_now(source, destination, slot, timeout_s=600)
    destination.execute("ANALYZE changes")
    assert destination.value("SELECT count(*) FROM changes") == 1_000_001
    parameters = {"database": source.name, "id": "4711"}
    [row] = destination.query(MAIN_QUERY, parameters)
    assert row[7] == {"id": 4711, "email": "new@example.com", "name": "NAME 4711"}
    plan = "\n".join(line[0] for line in destination.query("EXPLAIN (ANALYZE) " + MAIN_QUERY, parameters))
    assert "Subplans Removed" in plan, plan
    today = datetime.datetime.now(datetime.timezone.utc).strftime("p%Y_%m_%d")
    scans = [line for line in plan.splitlines() if "Scan" in line and today in line]
    assert scans and not any("Seq Scan" in line for line in scans), plan
