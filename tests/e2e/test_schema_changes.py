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


# Scripts that can be one transaction or one a statement; nothing is looked up between them.
STEPS = {
    "columns": """
        INSERT INTO one VALUES (1, 'a', 1), (2, 'b', NULL);
        ALTER TABLE one ADD COLUMN added numeric DEFAULT 1.50, ADD COLUMN listed integer[] DEFAULT '{1}';
        UPDATE one SET note = 'long ' || repeat('x', 9000) WHERE id = 1;
        ALTER TABLE one RENAME note TO remark;
        ALTER TABLE one RENAME added TO note;
        UPDATE one SET note = 2.50;
        ALTER TABLE one ALTER note DROP DEFAULT;
        ALTER TABLE one ALTER number TYPE text USING 'n' || number, ALTER note TYPE boolean USING note > 2;
        UPDATE one SET number = coalesce(number, 'none');
        ALTER TABLE one DROP COLUMN remark;
        DELETE FROM one WHERE id = 2;
        ALTER TABLE one ADD COLUMN remark jsonb DEFAULT '{"again": true}';
        UPDATE one SET id = 3;
        ALTER TABLE one ALTER remark TYPE text USING remark->>'again', ALTER id TYPE bigint;
        INSERT INTO one (id, remark) VALUES (5000000000, 'last');
        ALTER TABLE one ADD COLUMN made text GENERATED ALWAYS AS ('m' || id) STORED;
        DELETE FROM one;
    """,
    "keys_and_identities": """
        INSERT INTO one VALUES (1, 'a', 1), (2, 'b', 2), (3, 'c', 3);
        ALTER TABLE one REPLICA IDENTITY DEFAULT;
        UPDATE one SET note = 'by default' WHERE id = 1;
        ALTER TABLE one DROP CONSTRAINT one_pkey, ADD PRIMARY KEY (note, id);
        UPDATE one SET number = 7 WHERE id = 1;
        UPDATE one SET note = 'new key' WHERE id = 1;
        ALTER TABLE one DROP CONSTRAINT one_pkey;
        INSERT INTO one VALUES (4, 'no key', 4);
        ALTER TABLE one ADD CONSTRAINT unique_number UNIQUE (number), ALTER number SET NOT NULL;
        ALTER TABLE one REPLICA IDENTITY USING INDEX unique_number;
        UPDATE one SET number = -number WHERE id = 2;
        DELETE FROM one WHERE id = 2;
        ALTER TABLE one RENAME number TO amount;
        DELETE FROM one WHERE id = 3;
        ALTER TABLE one REPLICA IDENTITY FULL;
        UPDATE one SET amount = 0 WHERE id = 1;
        ALTER TABLE one DROP COLUMN amount;
        ALTER TABLE one REPLICA IDENTITY NOTHING;
        INSERT INTO one VALUES (5, 'nothing');
        ALTER TABLE one REPLICA IDENTITY FULL;
        DELETE FROM one;
    """,
    "names": """
        INSERT INTO one VALUES (1, 'of one', 1);
        INSERT INTO two VALUES (1, 'of two', 2);
        ALTER TABLE one RENAME TO three;
        ALTER TABLE two RENAME TO one;
        ALTER TABLE three RENAME TO two;
        INSERT INTO one VALUES (2, 'was two', 3);
        UPDATE two SET note = 'was one';
        CREATE SCHEMA apart;
        ALTER TABLE one SET SCHEMA apart;
        INSERT INTO apart.one VALUES (3, 'apart', 4);
        ALTER SCHEMA apart RENAME TO further;
        UPDATE further.one SET note = 'further';
        CREATE TABLE one (id integer, other text);
        INSERT INTO one VALUES (1, 'new');
        INSERT INTO root VALUES (1, 'in the root', 1), (2, 'in the root', 2);
        ALTER TABLE root RENAME TO stem;
        UPDATE stem SET id = 3 - id;
        ALTER TABLE stem SET SCHEMA further;
        INSERT INTO leaf_2 VALUES (5, 2, 'by the leaf');
        ALTER TABLE leaf_1 RENAME TO leaf;
        ALTER TABLE further.stem RENAME note TO remark;
        UPDATE leaf SET remark = 'changed';
        DELETE FROM further.stem;
    """,
    "dropped_and_made_again": """
        INSERT INTO one VALUES (1, repeat('long', 3000), 1);
        UPDATE one SET number = 2;
        DROP TABLE one;
        CREATE TABLE one (id text PRIMARY KEY, other boolean);
        INSERT INTO one VALUES ('k', true);
        UPDATE one SET other = false;
        DROP TABLE one;
        CREATE TABLE one AS SELECT 1 AS id, 'made as' AS note;
        UPDATE one SET note = 'changed';
        DROP TABLE one;
        CREATE TABLE one (id integer PRIMARY KEY, mood mood) PARTITION BY LIST (id);
        CREATE TABLE one_1 PARTITION OF one FOR VALUES IN (1);
        INSERT INTO one VALUES (1, 'ok');
        DROP TABLE one_1;
        CREATE TABLE one_1 PARTITION OF one DEFAULT;
        INSERT INTO one VALUES (2, 'sad');
        DROP TABLE one, typed;
        DROP TYPE mood CASCADE;
        CREATE TYPE mood AS (good boolean);
        CREATE TABLE one (mood mood);
        INSERT INTO one VALUES (ROW(true));
        DELETE FROM one;
    """,
    "types": """
        INSERT INTO typed VALUES (1, 'ok', ROW(1, 'x'), ARRAY[ROW(2, 'y')::pair], 'short');
        ALTER TYPE mood RENAME VALUE 'ok' TO 'fine';
        UPDATE typed SET id = 2;
        ALTER TYPE pair ADD ATTRIBUTE c numeric;
        INSERT INTO typed VALUES (3, 'fine', ROW(1, 'x', 1.50), ARRAY[ROW(2, 'y', 2.50)::pair, NULL], 'short');
        ALTER TYPE pair RENAME ATTRIBUTE a TO first;
        UPDATE typed SET word = 'renamed';
        ALTER TYPE mood RENAME TO temper;
        ALTER TYPE pair RENAME TO triple;
        ALTER DOMAIN word RENAME TO phrase;
        UPDATE typed SET mood = 'sad', pair.first = 7;
        ALTER TYPE triple DROP ATTRIBUTE b;
        UPDATE typed SET word = 'dropped' WHERE id = 2;
        ALTER TYPE triple ADD ATTRIBUTE b boolean;
        UPDATE typed SET pair.b = true WHERE id = 3;
        ALTER TYPE temper ADD VALUE 'new';
        DELETE FROM typed WHERE id = 2;
        CREATE SCHEMA apart;
        ALTER TYPE triple SET SCHEMA apart;
        ALTER TYPE temper SET SCHEMA apart;
        INSERT INTO typed VALUES (4, 'sad', ROW(1, 1, false), '{}', 'short');
        ALTER TABLE typed ALTER mood TYPE text USING 'was ' || mood, ALTER pair TYPE text USING (pair).first;
        UPDATE typed SET word = 'types gone';
        CREATE TABLE of_type OF apart.triple (PRIMARY KEY (first));
        INSERT INTO of_type VALUES (1, 2, true);
        ALTER TYPE apart.triple ADD ATTRIBUTE d text CASCADE;
        UPDATE of_type SET d = 'added';
        ALTER TYPE apart.triple RENAME ATTRIBUTE d TO e CASCADE;
        ALTER TABLE typed DROP COLUMN pairs;
        ALTER TYPE apart.triple ALTER ATTRIBUTE e TYPE varchar(9) CASCADE;
        UPDATE of_type SET e = 'renamed';
        ALTER TABLE of_type NOT OF;
        ALTER TABLE of_type ADD COLUMN f integer DEFAULT 6;
        DELETE FROM of_type;
    """,
    "partitions": """
        INSERT INTO root VALUES (1, 'first', 1), (2, 'second', 2);
        ALTER TABLE root DETACH PARTITION leaf_1;
        UPDATE leaf_1 SET note = 'alone';
        INSERT INTO leaf_2 VALUES (3, 2, 'below');
        CREATE TABLE middle (note text, number integer, id integer) PARTITION BY LIST (number);
        ALTER TABLE middle ATTACH PARTITION two DEFAULT;
        ALTER TABLE middle ATTACH PARTITION leaf_1 FOR VALUES IN (1);
        INSERT INTO middle (id, note, number) VALUES (1, 'below middle', 9);
        UPDATE middle SET number = 1;
        ALTER TABLE root ATTACH PARTITION middle FOR VALUES IN (1);
        UPDATE root SET note = 'below root';
        UPDATE root SET id = 3 - id WHERE number <> 3;
        ALTER TABLE root ADD COLUMN added integer DEFAULT 5;
        UPDATE root SET note = 'grown';
        ALTER TABLE root DETACH PARTITION middle;
        DELETE FROM middle;
        ALTER TABLE root DROP COLUMN note;
        DELETE FROM root;
    """,
}
STEPS_BEGIN = """
    CREATE TYPE mood AS ENUM ('sad', 'ok');
    CREATE TYPE pair AS (a integer, b text);
    CREATE DOMAIN word AS text CHECK (value <> '');
    CREATE TABLE one (id integer PRIMARY KEY, note text, number integer);
    ALTER TABLE one ALTER note SET STORAGE EXTERNAL;
    CREATE TABLE two (id integer NOT NULL, note text, number integer);
    CREATE TABLE typed (id integer PRIMARY KEY, mood mood, pair pair, pairs pair[], word word);
    CREATE TABLE root (id integer, note text, number integer) PARTITION BY LIST (id);
    CREATE TABLE leaf_1 PARTITION OF root FOR VALUES IN (1);
    CREATE TABLE leaf_2 (number integer, id integer, note text);
    ALTER TABLE root ATTACH PARTITION leaf_2 FOR VALUES IN (2);
"""


@pytest.mark.parametrize("transactions", ["one", "many"])
@pytest.mark.parametrize("steps", STEPS)
def test_changes_have_the_shape_between_two_steps(audited, steps, transactions):
    audited.run(STEPS_BEGIN)
    audited.run(f"BEGIN; {STEPS[steps]} COMMIT;" if transactions == "one" else STEPS[steps])
    audited.assert_followed()


def test_what_a_table_looked_like_is_kept_with_the_names_of_that_time(audited):
    audited.run("""
        CREATE TYPE mood AS ENUM ('ok');
        CREATE TABLE one (id integer, mood mood);
        INSERT INTO one VALUES (1, 'ok');
        ALTER TYPE mood RENAME TO temper;
        INSERT INTO one VALUES (2, 'ok');
        BEGIN;
        CREATE SCHEMA apart;
        ALTER TYPE temper SET SCHEMA apart;
        INSERT INTO one VALUES (3, 'ok');
        ALTER TABLE one RENAME mood TO "Mood";
        ALTER TABLE one ADD PRIMARY KEY ("Mood", id);
        INSERT INTO one VALUES (4, 'ok');
        COMMIT;
    """)
    audited.assert_followed()
    assert audited.destination.query("""
        SELECT columns->1->>'name', columns->1->>'type', key_columns FROM changes.relations ORDER BY from_position
    """) == [("mood", "public.mood", []), ("mood", "public.temper", []), ("mood", "apart.temper", []),
             ("Mood", "apart.temper", ["Mood", "id"])]  # fmt: skip


def test_table_that_has_its_name_again(audited):
    audited.run("""
        CREATE TABLE one (id integer PRIMARY KEY, a text);
        CREATE TABLE next (id integer PRIMARY KEY, b text);
        INSERT INTO one VALUES (1, 'a');
        ALTER TABLE one RENAME TO previous;
        ALTER TABLE next RENAME TO one;
        INSERT INTO one VALUES (1, 'b');
        ALTER TABLE one RENAME TO next;
        ALTER TABLE previous RENAME TO one;
        INSERT INTO one VALUES (2, 'a');
        INSERT INTO one VALUES (3, 'a');
    """)
    audited.assert_followed()
    assert audited.destination.query("""
        SELECT columns->1->>'name' FROM changes.relations WHERE "table" = 'one' ORDER BY from_position
    """) == [("a",), ("b",), ("a",)]


@pytest.fixture
def audited_slot(source, slot):
    """The slot `slot`, and notes of what it must give."""
    audit.set_up(source)
    source.execute("SELECT pg_create_logical_replication_slot(%s, 'waltrail')", [slot])
    return slot


def test_open_transaction_is_chosen_by_the_names_of_its_time(source, slot):
    source.execute("CREATE TABLE root (id integer) PARTITION BY LIST (id); CREATE TABLE leaf PARTITION OF root DEFAULT")
    writing = source.connect(autocommit=False)
    with writing.cursor() as writer:
        # A session that knows the leaf's constraint already takes no lock on the root.
        writer.execute("INSERT INTO leaf VALUES (0)")
        writing.commit()
        source.execute("SELECT pg_create_logical_replication_slot(%s, 'waltrail')", [slot])
        writer.execute("INSERT INTO leaf VALUES (1)")
        source.execute("ALTER TABLE root RENAME TO renamed")
        source.execute("INSERT INTO leaf VALUES (2)")
        writing.commit()
    writing.close()
    assert source.query("""
        SELECT data::jsonb->>'table', data::jsonb#>>'{after,id}' FROM pg_logical_slot_get_changes(%s, NULL, NULL, 'format', 'json',
                                                                                               'exclude_tables', 'public.renamed')
    """, [slot]) == [("root", "1")]  # fmt: skip


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
