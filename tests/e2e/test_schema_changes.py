"""Every change has the shape, the names and the labels it had when it was made, whatever happens to the schema around it."""

import pytest

import audit
from schema_walk import SchemaWalk
WALK_STEPS = 1000

SHOP = """
CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('sad', 'ok');
CREATE TYPE shop.pair AS (a integer, b text);
CREATE DOMAIN shop.pairs AS shop.pair[];
CREATE TABLE shop.first (id integer PRIMARY KEY, mood shop.mood, pair shop.pair, pairs shop.pairs);
CREATE TABLE shop.second (LIKE shop.first INCLUDING ALL);
CREATE TABLE shop.root (id integer, mood shop.mood) PARTITION BY LIST (id);
CREATE TABLE leaf_1 PARTITION OF shop.root FOR VALUES IN (1);
CREATE TABLE leaf_2 PARTITION OF shop.root FOR VALUES IN (2, 3);
"""
INSERT = "INSERT INTO shop.{} VALUES ({}, 'ok', '(1,x)', '{{\"(1,x)\"}}')"

# What needs no lock on the tables that are being written: writes before and after it can be of one open transaction.
UNLOCKED_CHANGES = {
    "schema_renamed": (
        "ALTER SCHEMA shop RENAME TO store", INSERT.format("first", 1),
        INSERT.replace("shop", "store").format("second", 2), INSERT.replace("shop", "store").format("first", 3),
    ),
    "root_renamed": (
        "ALTER TABLE shop.root RENAME TO stem", "INSERT INTO leaf_1 VALUES (1)", "INSERT INTO leaf_2 VALUES (2)",
        "INSERT INTO leaf_1 VALUES (1)",
    ),
    "root_moved": (
        "ALTER TABLE shop.root SET SCHEMA public", "INSERT INTO leaf_1 VALUES (1)", "INSERT INTO leaf_2 VALUES (2)",
        "INSERT INTO leaf_1 VALUES (1)",
    ),
    "enum_value_renamed": (
        "ALTER TYPE shop.mood RENAME VALUE 'ok' TO 'fine'", INSERT.format("first", 1),
        INSERT.replace("ok", "fine").format("second", 2), INSERT.replace("ok", "fine").format("first", 3),
    ),
    "attribute_renamed": (
        "ALTER TYPE shop.pair RENAME ATTRIBUTE a TO c", INSERT.format("first", 1), INSERT.format("second", 2),
        INSERT.format("first", 3),
    ),
    "attribute_added": (
        "ALTER TYPE shop.pair ADD ATTRIBUTE c text", INSERT.format("first", 1),
        INSERT.replace("x", "x,y").format("second", 2), INSERT.replace("x", "x,y").format("first", 3),
    ),
}  # fmt: skip


@pytest.fixture
def audited_slot(source, slot):
    """The slot `slot`, and notes of what it must give."""
    audit.set_up(source)
    source.execute("SELECT pg_create_logical_replication_slot(%s, 'waltrail')", [slot])
    return slot


@pytest.mark.parametrize("change", UNLOCKED_CHANGES)
def test_open_transaction_sees_a_change_of_the_schema_from_its_commit_on(source, audited_slot, change):
    statement, before, elsewhere, after = UNLOCKED_CHANGES[change]
    source.execute(SHOP)
    for table in ("shop.first", "shop.second", "leaf_1", "leaf_2"):
        source.execute(audit.trigger_sql(table))
    changing, writing = (source.connect(autocommit=False, options="-c lock_timeout=5s") for _ in range(2))
    try:
        with changing.cursor() as cursor, writing.cursor() as writer:
            # A session that knows a type or a leaf's constraint already takes no lock on the type or the root.
            writer.execute("INSERT INTO leaf_1 VALUES (1)")
            writer.execute(INSERT.format("first", 0))
            writing.commit()
            cursor.execute(statement)
            writer.execute(before)
            changing.commit()
            # Decoded before the transaction that began first, with the new names.
            cursor.execute(elsewhere)
            changing.commit()
            writer.execute(after)
            writing.commit()
    finally:
        changing.close()
        writing.close()
    notes = audit.notes(source)
    assert len(notes) == 5
    audit.assert_same(notes, audit.decoded(source, audited_slot))


@pytest.mark.parametrize("seed", [1, 2])
def test_random_walk_through_schema_and_row_changes_is_followed(source, destination, audited_slot, waltrail, seed):
    # Decoded while it happens, by apply, and afterwards, in one stream whose transactions spill to disk.
    source.execute("ALTER DATABASE %s SET logical_decoding_work_mem = '64kB'" % source.name)
    live_slot = audited_slot + "_live"
    waltrail.init(source, destination, live_slot)
    process = waltrail.apply(source, destination, live_slot)
    process.wait_for_output("streaming")
    walk = SchemaWalk(source, seed)
    try:
        walk.run(WALK_STEPS)
    finally:
        walk.close()
    assert process.stop() == 0, process.output()
    waltrail.apply_until_now(source, destination, live_slot)
    notes = audit.notes(source)
    # Most steps are possible only now and then; a walk that makes none of them is no test.
    assert len(notes) > WALK_STEPS / 5, walk.made
    assert all(walk.made[step.__name__] for step, weight in walk.steps if weight >= 4), walk.made
    audit.assert_same(notes, audit.trail(destination))
    audit.assert_same(notes, audit.decoded(source, audited_slot))
