"""REPLICA IDENTITY FULL for partitions that are attached after `waltrail init`, and for no table that was altered otherwise."""

import pytest

from test_init import identities


@pytest.fixture
def root(source, destination, slot, waltrail):
    """`init` was told to follow the table `root`, and no other."""
    source.execute("CREATE TABLE root (id integer, region integer) PARTITION BY LIST (region)")
    waltrail.init(source, destination, slot, "--tables", "public.root", "--tables", "public.own*")
    return source


def test_attached_partition_becomes_full(root):
    root.execute("CREATE TABLE apart (id integer, region integer)")
    assert identities(root) == {"apart": "d"}
    root.execute("ALTER TABLE root ATTACH PARTITION apart FOR VALUES IN (1)")
    assert identities(root) == {"apart": "f"}


def test_leaves_of_an_attached_partition_become_full(root):
    root.execute("CREATE TABLE apart (id integer, region integer) PARTITION BY LIST (id)")
    root.execute("CREATE TABLE leaf_1 PARTITION OF apart FOR VALUES IN (1)")
    root.execute("CREATE TABLE inner_root PARTITION OF apart DEFAULT PARTITION BY LIST (id)")
    root.execute('CREATE TABLE "Leaf 2" PARTITION OF inner_root FOR VALUES IN (2)')
    root.execute("CREATE TABLE apart_from_it (id integer)")
    root.execute("ALTER TABLE root ATTACH PARTITION apart FOR VALUES IN (1)")
    assert identities(root) == {"leaf_1": "f", "Leaf 2": "f", "apart_from_it": "d"}


def test_partition_attached_in_a_subtransaction_becomes_full(root):
    root.execute("CREATE TABLE apart (id integer, region integer)")
    root.execute("""
        DO $$ BEGIN
            BEGIN
                ALTER TABLE root ATTACH PARTITION apart FOR VALUES IN (1);
            EXCEPTION WHEN division_by_zero THEN NULL;
            END;
        END $$""")
    assert identities(root) == {"apart": "f"}


def test_choice_for_one_table_survives_other_changes(root):
    root.execute("CREATE TABLE apart (id integer PRIMARY KEY, region integer)")
    root.execute("CREATE TABLE own_leaf (id integer, region integer)")
    root.execute("ALTER TABLE own_leaf REPLICA IDENTITY DEFAULT")
    # It matched by its own name before: somebody chose.
    root.execute("ALTER TABLE root ATTACH PARTITION own_leaf FOR VALUES IN (2)")
    root.execute("CREATE TABLE leaf PARTITION OF root FOR VALUES IN (1)")
    assert identities(root) == {"apart": "d", "own_leaf": "d", "leaf": "f"}
    root.execute("ALTER TABLE leaf REPLICA IDENTITY NOTHING")
    root.execute("ALTER TABLE root ADD COLUMN note text")
    root.execute("ALTER TABLE root RENAME COLUMN note TO remark")
    root.execute("ALTER TABLE own_leaf ALTER COLUMN remark SET STORAGE EXTERNAL")
    root.execute("CREATE TABLE other (id integer, region integer, remark text)")
    root.execute("ALTER TABLE root ATTACH PARTITION other FOR VALUES IN (3)")
    assert identities(root) == {"apart": "d", "own_leaf": "d", "leaf": "n", "other": "f"}


def test_every_table_matches_so_that_attaching_undoes_no_choice(source, destination, slot, waltrail):
    source.execute("CREATE TABLE root (id integer) PARTITION BY LIST (id)")
    waltrail.init(source, destination, slot)
    source.execute("CREATE TABLE apart (id integer NOT NULL)")
    assert identities(source) == {"apart": "f"}
    source.execute("ALTER TABLE apart REPLICA IDENTITY DEFAULT")
    source.execute("ALTER TABLE root ATTACH PARTITION apart FOR VALUES IN (1)")
    assert identities(source) == {"apart": "d"}


def test_owner_of_the_tables_attaches_without_a_warning(root):
    role = f"{root.name}_owner"
    root.execute(f"CREATE ROLE {role} LOGIN")
    try:
        root.execute(f"ALTER TABLE root OWNER TO {role}")
        root.execute(f"GRANT CREATE ON SCHEMA public TO {role}")
        connection = root.connect(user=role)
        try:
            with connection.cursor() as cursor:
                cursor.execute("CREATE TABLE apart (id integer, region integer)")
                cursor.execute("ALTER TABLE root ATTACH PARTITION apart FOR VALUES IN (1)")
            assert connection.notices == []
        finally:
            connection.close()
        assert identities(root) == {"apart": "f"}
    finally:
        root.execute(f"DROP OWNED BY {role} CASCADE")
        root.execute(f"DROP ROLE {role}")
