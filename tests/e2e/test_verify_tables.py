"""`waltrail verify` tells a difference from what is none: each decision of docs/verify.md."""

import pytest

from mask_keys import make_key
from verified import VerifiedPair


@pytest.fixture
def pair(source, destination, slot, waltrail):
    return VerifiedPair(source, destination, slot, waltrail)


def test_rows_that_have_left_their_key(pair):
    source = pair.source
    source.execute("CREATE TABLE moving (id int PRIMARY KEY DEFERRABLE, v int)")
    source.execute("CREATE TABLE pairs (a text, b int, v int, PRIMARY KEY (a, b))")
    pair.init()
    source.execute("INSERT INTO moving SELECT i, i FROM generate_series(1, 10) AS i")
    source.execute("UPDATE moving SET id = id + 1")
    source.execute("UPDATE moving SET id = 100 WHERE id = 5")
    source.execute("DELETE FROM moving WHERE id = 7")
    source.execute("INSERT INTO moving VALUES (7, 70)")
    source.execute("INSERT INTO pairs VALUES ('x', 1, 1), ('y', 2, 2)")
    source.execute("UPDATE pairs SET b = 3 WHERE a = 'x'")
    pair.apply()
    report = pair.equal()
    assert report.counts("moving") == {"rows": 10, "equal": 10}
    assert report.counts("pairs") == {"rows": 2, "equal": 2}


def test_truncate(pair):
    source = pair.source
    source.execute("CREATE TABLE emptied (id int PRIMARY KEY)")
    pair.init()
    pair.follow()
    source.execute("INSERT INTO emptied SELECT i FROM generate_series(1, 5) AS i")
    source.execute("TRUNCATE emptied")
    source.execute("INSERT INTO emptied VALUES (2), (9)")
    pair.caught_up()
    assert pair.equal().counts("emptied") == {"rows": 2, "equal": 2}
    pair.tamper("DELETE FROM changes WHERE operation = 'TRUNCATE'")
    assert pair.verify().named() == [("missing_in_source", "emptied", key, ()) for key in "1345"]
    # Where TRUNCATE is not recorded, nobody can tell.
    report = pair.verify("--truncate", "off")
    assert report.status == 0 and report.counts("emptied") == {"rows": 2, "equal": 2, "not_comparable": 4}


YEARS = (2024, 2025, 2026)


def make_parts(pair):
    pair.source.execute("CREATE TABLE parts (id int, day date, v text, PRIMARY KEY (id, day)) PARTITION BY RANGE (day)")
    for year in YEARS:
        pair.source.execute(f"CREATE TABLE parts_{year} PARTITION OF parts FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01')")
    pair.source.execute("CREATE TABLE alone (id int, day date NOT NULL, v text, PRIMARY KEY (id, day))")
    pair.init()
    pair.follow()
    pair.source.execute("INSERT INTO parts SELECT i, date '2024-06-01' + (i % 3) * 365, 'v' FROM generate_series(1, 30) AS i")


def test_partitions(pair):
    make_parts(pair)
    source = pair.source
    source.execute("INSERT INTO alone SELECT i, date '2027-06-01', 'alone' FROM generate_series(1, 5) AS i")
    source.execute("UPDATE parts SET day = day + 365 WHERE id = 3")  # a DELETE and an INSERT
    source.execute("ALTER TABLE parts ATTACH PARTITION alone FOR VALUES FROM ('2027-01-01') TO ('2028-01-01')")
    source.execute("UPDATE parts SET v = 'changed' WHERE id IN (1, 2, 3)")
    pair.caught_up()
    report = pair.equal()
    assert report.counts("parts") == {"rows": 35, "equal": 35} and list(report.tables) == ["public.parts"]
    source.execute("TRUNCATE parts_2025")
    pair.caught_up()
    left = source.value("SELECT count(*) FROM parts")
    assert pair.equal().counts("parts") == {"rows": left, "equal": left}


def test_a_partition_that_was_detached(pair):
    """Its rows go without a change: they are missing, and the reason is told."""
    make_parts(pair)
    source = pair.source
    there = source.value("SELECT count(*) FROM parts_2026")
    source.execute("ALTER TABLE parts DETACH PARTITION parts_2026")
    pair.caught_up()
    report = pair.verify("--tables", "public.parts")
    assert {f["kind"] for f in report.findings} == {"missing_in_source"} and report.differences == there
    assert all("in a partition that is not part of the table now" in f["cause"] for f in report.findings)
    assert "public.parts_2026" in report.notes("parts")


def test_some_partitions_only(pair):
    source = pair.source
    source.execute("CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id)")
    source.execute("CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM (0) TO (10)")
    source.execute("CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM (10) TO (20)")
    pair.init()
    source.execute("INSERT INTO parts SELECT i FROM generate_series(1, 19) AS i")
    pair.apply("--exclude-tables", "public.parts_b")
    assert pair.equal("--exclude-tables", "public.parts_b").counts("parts") == {"rows": 9, "equal": 9}


def test_tables_that_cannot_be_compared(pair):
    source = pair.source
    source.execute("CREATE TABLE keyless (v int)")
    source.execute("CREATE TABLE long_key (k text PRIMARY KEY)")
    source.execute("CREATE UNLOGGED TABLE unlogged (id int PRIMARY KEY)")
    pair.init()
    source.execute("INSERT INTO keyless SELECT i FROM generate_series(1, 30) AS i")
    source.execute("ANALYZE keyless")
    source.execute("INSERT INTO long_key VALUES (repeat('k', 255)), (repeat('k', 256))")
    source.execute("INSERT INTO unlogged VALUES (1)")
    pair.apply()
    report = pair.equal()
    assert report.problem("keyless") == "it has no primary key" and report.counts("keyless") == {"not_comparable": 30}
    assert report.counts("long_key") == {"rows": 2, "equal": 1, "not_comparable": 1}
    assert sorted(report.tables) == ["public.keyless", "public.long_key"]


def test_rows_that_were_not_logged_whole(pair):
    source = pair.source
    source.execute("CREATE TABLE by_key (id int PRIMARY KEY, small int, large text)")
    source.execute("ALTER TABLE by_key ALTER large SET STORAGE EXTERNAL")
    source.execute("CREATE TABLE by_nothing (id int PRIMARY KEY, v int)")
    source.execute("ALTER TABLE by_nothing REPLICA IDENTITY NOTHING")
    source.execute("CREATE TABLE by_other (id int PRIMARY KEY, code int NOT NULL UNIQUE)")
    source.execute("ALTER TABLE by_other REPLICA IDENTITY USING INDEX by_other_code_key")
    pair.init("--keep-replica-identity")
    pair.follow()
    source.execute("INSERT INTO by_key SELECT i, i, repeat('x', 5000) FROM generate_series(1, 4) AS i")
    source.execute("UPDATE by_key SET small = 0 WHERE id = 1")
    source.execute("UPDATE by_key SET id = 20 WHERE id = 2")
    source.execute("DELETE FROM by_key WHERE id = 3")
    for table in ("by_nothing", "by_other"):
        source.execute(f"INSERT INTO {table} SELECT i, i FROM generate_series(1, 3) AS i")
        source.execute(f"DELETE FROM {table} WHERE id = 2")
    pair.caught_up()
    report = pair.equal()
    assert report.counts("by_key") == {"rows": 3, "equal": 3, "partly_compared": 2}
    # Nobody knows which row a DELETE took.
    assert report.counts("by_nothing") == {"rows": 2, "equal": 2, "not_comparable": 1}
    assert report.counts("by_other") == {"rows": 2, "equal": 2, "not_comparable": 1}


def test_columns_that_are_ignored_excluded_or_masked(pair):
    source = pair.source
    source.execute(f"ALTER DATABASE {source.name} SET waltrail.mask_key_file = '{make_key(source.server)}'")
    source.execute("CREATE TABLE users (id int PRIMARY KEY, seen int, password text, email text, v int)")
    source.execute("CREATE TABLE by_mail (email text PRIMARY KEY)")
    source.execute("CREATE TABLE by_password (password text PRIMARY KEY)")
    pair.init()
    options = ["--ignore-columns", "*.seen", "--exclude-columns", "*.password", "--mask-columns", "*.email"]
    pair.follow(*options)
    source.execute("INSERT INTO users SELECT i, 0, 'p', CASE WHEN i < 3 THEN i || '@example.com' END, 0 FROM generate_series(1, 4) AS i")
    source.execute("UPDATE users SET seen = 1")
    source.execute("INSERT INTO by_mail VALUES ('a')")
    source.execute("INSERT INTO by_password VALUES ('a')")
    pair.caught_up()
    report = pair.equal(*options)
    assert report.counts("users") == {"rows": 4, "equal": 4}
    assert "because they are excluded: password" in report.notes("users")
    assert "because UPDATEs of them alone are not recorded: seen" in report.notes("users")
    assert report.problem("by_mail") == 'column "email" of its key is masked'
    assert report.problem("by_password") == 'column "password" of its key is excluded'
    pair.tamper("""UPDATE changes SET after = after || '{"email": null}' WHERE primary_key = '1'""",
                """UPDATE changes SET after = after || '{"email": "hmac-sha256:00"}' WHERE primary_key = '3'""")  # fmt: skip
    report = pair.verify(*options, "--values")
    assert report.named() == [("different", "users", "1", ("email",)), ("different", "users", "3", ("email",))]
    assert "example.com" not in str(report.findings)
    # Without these options, the trail's own word: what it has masked is masked, what it has never had is left alone.
    report = pair.verify("--ignore-columns", "*.seen")
    assert report.differences == 2 and "because no change has them yet: password" in report.notes("users")


def test_generated_columns(pair):
    source = pair.source
    source.execute("CREATE TABLE made (id int PRIMARY KEY, v int, twice int GENERATED ALWAYS AS (v * 2) STORED)")
    pair.init()
    source.execute("INSERT INTO made (id, v) VALUES (1, 1), (2, 2)")
    source.execute("UPDATE made SET v = 5 WHERE id = 1")
    pair.apply()
    assert pair.equal().counts("made") == {"rows": 2, "equal": 2}


def test_values_that_jsonb_cannot_hold(pair):
    source = pair.source
    source.execute("CREATE TABLE documents (id int PRIMARY KEY, doc json, v int)")
    pair.init()
    pair.follow()
    source.execute("INSERT INTO documents SELECT i, json_build_object('n', i), 0 FROM generate_series(1, 200) AS i")
    source.execute(r"""UPDATE documents SET doc = '{"a": "\u0000"}' WHERE id IN (7, 150)""")
    pair.caught_up()
    assert pair.equal().counts("documents") == {"rows": 200, "equal": 200, "partly_compared": 2}
    pair.tamper("""UPDATE changes SET after = after || '{"v": 1}' WHERE primary_key IN ('7', '8') AND operation <> 'DELETE'""",
                """UPDATE changes SET after = after || '{"doc": {"n": 10}}' WHERE primary_key = '9'""")  # fmt: skip
    assert pair.verify().named() == [
        ("different", "documents", "7", ("v",)), ("different", "documents", "8", ("v",)), ("different", "documents", "9", ("doc",))]  # fmt: skip


def test_columns_that_came_went_or_changed(pair):
    source = pair.source
    source.execute("CREATE TABLE altered (id int PRIMARY KEY, gone int, called int, typed int)")
    pair.init()
    pair.follow()
    source.execute("INSERT INTO altered SELECT i, i, i, i FROM generate_series(1, 6) AS i")
    source.execute("ALTER TABLE altered ADD COLUMN added text DEFAULT 'default'")
    source.execute("ALTER TABLE altered DROP COLUMN gone")
    source.execute("ALTER TABLE altered RENAME COLUMN called TO named")
    source.execute("ALTER TABLE altered ALTER COLUMN typed TYPE text USING 'n' || typed")
    pair.caught_up()
    assert pair.equal().counts("altered") == {"rows": 6, "equal": 6, "partly_compared": 6}
    source.execute("UPDATE altered SET named = 0 WHERE id <= 2")
    pair.caught_up()
    assert pair.equal().counts("altered") == {"rows": 6, "equal": 6, "partly_compared": 4}
    pair.tamper("""UPDATE changes SET after = after || '{"typed": "x"}' WHERE primary_key = '1' AND operation = 'UPDATE'""",
                """UPDATE changes SET after = after - 'added' WHERE primary_key = '2' AND operation = 'UPDATE'""",
                """UPDATE changes SET after = after || '{"id": 33}' WHERE primary_key = '3'""")  # fmt: skip
    assert pair.verify().named() == [
        ("different", "altered", "1", ("typed",)), ("different", "altered", "2", ("added",)), ("different", "altered", "3", ("id",))]  # fmt: skip


# What has become of id, a, b and c of type int, where a column has got the name of another one; columns that were altered by it.
NAMES = {
    "renamed": (["RENAME a TO a_old", "ADD a int DEFAULT 7"], ["a"]),
    "swapped": (["RENAME a TO x", "RENAME b TO a", "RENAME x TO b"], ["a", "b"]),
    "made_anew": (["DROP a", "ADD a int DEFAULT 7"], ["a"]),
    "after_a_drop": (["DROP a", "RENAME b TO b_old", "ADD b int DEFAULT 7"], ["b"]),
    "in_its_place": (["DROP a", "RENAME b TO a"], ["a"]),
    "untouched": (["ALTER a SET NOT NULL", "ALTER a SET STATISTICS 10", "ALTER b SET DEFAULT 3"], []),
}


def test_a_name_that_another_column_has_now(pair):
    """What a change says under this name is no difference. All else is."""
    source = pair.source
    for table in NAMES:
        source.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, a int, b int, c int)")
    pair.init()
    pair.follow()
    for table, (changes, _) in NAMES.items():
        source.execute(f"INSERT INTO {table} SELECT i, i, 10 * i, 100 * i FROM generate_series(1, 4) AS i")
        for change in changes:
            source.execute(f"ALTER TABLE {table} {change}")
    pair.caught_up()
    report = pair.equal()
    for table, (_, altered) in NAMES.items():
        assert report.counts(table)["equal"] == 4, table
        assert report.counts(table).get("partly_compared", 0) == (4 if altered or table == "after_a_drop" else 0), table
    for table in NAMES:
        source.execute(f"UPDATE {table} SET c = 0 WHERE id = 4")
    pair.caught_up()
    pair.equal()
    pair.tamper("""UPDATE changes SET after = after || '{"c": 5}' WHERE primary_key = '3'""",
                """UPDATE changes SET after = after || '{"a": 5}' WHERE primary_key = '4' AND operation = 'UPDATE' AND after ? 'a'""",
                """UPDATE changes SET after = after || '{"a": 5}' WHERE primary_key = '2' AND "table" = 'untouched'""")  # fmt: skip
    found = pair.verify().named()
    assert [f for f in found if f[2] == "3"] == [("different", table, "3", ("c",)) for table in sorted(NAMES)]
    assert [f for f in found if f[2] == "4"] == [("different", table, "4", ("a",)) for table in sorted(NAMES) if table != "after_a_drop"]
    assert [f for f in found if f[2] == "2"] == [("different", "untouched", "2", ("a",))]
    assert len(found) == 6 + 5 + 1


def test_names_of_columns_in_partitions(pair):
    """Each has an order of its own, and one that rests has the shape of before."""
    source = pair.source
    source.execute("CREATE TABLE parts (id int PRIMARY KEY, a int, b int) PARTITION BY RANGE (id)")
    source.execute("CREATE TABLE resting PARTITION OF parts FOR VALUES FROM (0) TO (10)")
    source.execute("CREATE TABLE attached (b int, id int PRIMARY KEY)")
    pair.init()
    pair.follow()
    source.execute("INSERT INTO parts SELECT i, i, 10 * i FROM generate_series(1, 4) AS i")
    source.execute("ALTER TABLE parts DROP a")
    source.execute("ALTER TABLE parts ATTACH PARTITION attached FOR VALUES FROM (10) TO (20)")
    source.execute("CREATE TABLE young PARTITION OF parts FOR VALUES FROM (20) TO (30)")
    source.execute("INSERT INTO parts SELECT i, 10 * i FROM generate_series(11, 24) AS i")
    pair.caught_up()
    assert pair.equal().counts("parts") == {"rows": 18, "equal": 18}
    pair.tamper("""UPDATE changes SET after = after || '{"b": 0}' WHERE primary_key IN ('1', '12', '23')""")
    assert pair.verify().named() == [("different", "parts", key, ("b",)) for key in ("1", "12", "23")]
    source.execute("ALTER TABLE parts DROP b")
    source.execute("ALTER TABLE parts ADD b int DEFAULT 7")
    pair.caught_up()
    assert pair.equal().counts("parts") == {"rows": 18, "equal": 18, "partly_compared": 18}


def test_a_rewrite_of_the_same_type_is_a_difference(pair):
    """Nothing in the WAL says what the values have become."""
    source = pair.source
    source.execute("CREATE TABLE rewritten (id int PRIMARY KEY, v int)")
    source.execute("INSERT INTO rewritten SELECT i, i FROM generate_series(1, 3) AS i")
    pair.init()
    pair.follow()
    source.execute("INSERT INTO rewritten SELECT i, i FROM generate_series(4, 5) AS i")
    source.execute("ALTER TABLE rewritten ALTER COLUMN v TYPE int USING v * 10")
    source.execute("INSERT INTO rewritten VALUES (6, 6)")
    pair.caught_up()
    report = pair.verify()
    assert report.named() == [("different", "rewritten", "4", ("v",)), ("different", "rewritten", "5", ("v",))]
    # Rows of before the trail stay unseen, although the rewrite has given them its own transaction.
    assert report.counts("rewritten")["not_seen"] == 3


def test_an_old_row_that_was_written_anew_may_be_missing_in_the_trail(pair):
    """The catalogs say what has written it until somebody alters the table again. VACUUM FULL and CLUSTER do not count."""
    source = pair.source
    for table in ("repacked", "vacuumed", "young"):
        source.execute(f"CREATE TABLE {table} (id int PRIMARY KEY, v int)")
        source.execute(f"INSERT INTO {table} VALUES (1, 1)")
    pair.init()
    pair.follow()
    source.execute("ALTER TABLE repacked SET UNLOGGED")
    source.execute("ALTER TABLE repacked SET LOGGED")
    source.execute("VACUUM FULL vacuumed")
    source.execute("CLUSTER vacuumed USING vacuumed_pkey")
    source.execute("INSERT INTO young VALUES (2, 2)")
    pair.caught_up()
    pair.equal()
    source.execute("GRANT SELECT ON repacked TO PUBLIC")
    pair.tamper("""DELETE FROM changes WHERE "table" = 'young'""")
    report = pair.verify()
    assert report.named() == [("missing_in_trail", "repacked", "1", ()), ("missing_in_trail", "young", "2", ())]
    causes = {f["table"]: f["cause"] for f in report.findings}
    assert causes["repacked"].startswith("may be older than the trail, if pg_repack or an ALTER TABLE")
    assert causes["young"] is None
    assert report.counts("vacuumed") == {"rows": 1, "not_seen": 1}


def test_a_lost_row_of_a_renamed_table_is_one_difference(pair):
    """It has changes under both names."""
    source = pair.source
    source.execute("CREATE TABLE users (id int PRIMARY KEY, v int)")
    pair.init()
    pair.follow()
    source.execute("INSERT INTO users SELECT i, i FROM generate_series(1, 6) AS i")
    source.execute("DELETE FROM users WHERE id = 6")
    source.execute("ALTER TABLE users RENAME TO people")
    source.execute("UPDATE people SET v = 0 WHERE id IN (1, 2)")
    source.execute("DELETE FROM people WHERE id IN (2, 3, 4)")
    source.execute("INSERT INTO people VALUES (6, 6)")
    source.execute("DELETE FROM people WHERE id = 6")
    pair.caught_up()
    assert pair.equal().counts("people") == {"rows": 2, "equal": 2}
    pair.tamper("""DELETE FROM changes WHERE "table" = 'people' AND operation = 'DELETE' AND primary_key IN ('2', '4', '6')""")
    report = pair.verify("--range-rows", "2")
    assert report.named() == [("missing_in_source", "people", key, ()) for key in ("2", "4", "6")]
    assert report.counts("people") == {"rows": 2, "equal": 2, "missing_in_source": 3}


def test_tables_that_were_renamed_or_made_anew(pair):
    source = pair.source
    source.execute("CREATE TABLE first_name (id int PRIMARY KEY, v int)")
    source.execute("CREATE TABLE made_anew (id int PRIMARY KEY, v int)")
    source.execute("CREATE TABLE other_key (id int PRIMARY KEY, code int NOT NULL)")
    pair.init()
    pair.follow()
    source.execute("INSERT INTO first_name SELECT i, i FROM generate_series(1, 5) AS i")
    source.execute("INSERT INTO made_anew SELECT i, i FROM generate_series(1, 5) AS i")
    source.execute("INSERT INTO other_key SELECT i, 10 - i FROM generate_series(1, 9) AS i")
    source.execute("ALTER TABLE first_name RENAME TO second_name")
    source.execute("DROP TABLE made_anew")
    source.execute("CREATE TABLE made_anew (id int PRIMARY KEY, v int)")
    source.execute("ALTER TABLE other_key DROP CONSTRAINT other_key_pkey, ADD PRIMARY KEY (code)")
    pair.caught_up()
    report = pair.equal()
    assert report.counts("second_name") == {"rows": 5, "equal": 5}
    assert report.counts("made_anew") == {}
    assert report.counts("other_key") == {"rows": 9, "not_seen": 9}
    source.execute("UPDATE second_name SET v = 0 WHERE id = 1")
    source.execute("DELETE FROM second_name WHERE id = 2")
    source.execute("CREATE TABLE first_name (id int PRIMARY KEY, v int)")
    source.execute("INSERT INTO first_name VALUES (3, 33), (4, 44)")
    source.execute("INSERT INTO made_anew VALUES (5, 55)")
    source.execute("UPDATE other_key SET id = 0 WHERE code = 4")
    pair.caught_up()
    report = pair.equal()
    assert report.counts("second_name") == {"rows": 4, "equal": 4}
    assert report.counts("first_name") == {"rows": 2, "equal": 2}
    assert report.counts("made_anew") == {"rows": 1, "equal": 1}
    assert report.counts("other_key") == {"rows": 9, "equal": 1, "not_seen": 8}


def test_what_was_erased_is_no_difference(pair):
    source, destination = pair.source, pair.destination
    source.execute("CREATE TABLE people (id int PRIMARY KEY, email text, v int)")
    pair.init()
    pair.follow()
    source.execute("INSERT INTO people SELECT i, 'e', i FROM generate_series(1, 3) AS i")
    pair.caught_up()
    destination.execute("SELECT changes.erase('public', 'people', '1', 'a request', columns => ARRAY['email'])")
    assert pair.equal().counts("people") == {"rows": 3, "equal": 3, "partly_compared": 1}
    destination.execute("SELECT changes.erase('public', 'people', '2', 'a request')")
    assert pair.equal().counts("people") == {"rows": 3, "equal": 2, "partly_compared": 1, "not_seen": 1}


KEYS = {
    "uuid": "md5(i::text)::uuid",
    "timestamptz": "timestamptz '2026-01-01 00:00+00' + i * interval '1.5 s'",
    "date": "date '2026-01-01' + i",
    "numeric": "i * 1.50",
    "double precision": "i / 3.0",
    "bytea": "decode(md5(i::text), 'hex')",
    "character(8)": "'k ' || i",
    'text COLLATE "C"': """repeat(chr(60 + i), 3) || E'"\\\\,(' || i""",
    'text COLLATE "en-x-icu"': "chr(220 + i % 20) || i",
    "interval": "i * interval '1 hour'",
    "int4range": "int4range(i, i + 2)",
    "mood": "(ARRAY['sad', 'it''s \"ok\"', 'happy'])[i % 3 + 1]::mood",
    "text[]": "ARRAY['a' || i, NULL, 'NULL']",
    "ext.citext": "'Key ' || i",
    "money": "i::money",
    "bit(8)": "i::bit(8)",
}


def test_keys_of_every_kind(pair):
    source = pair.source
    source.execute("""CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"', 'happy')""")
    source.execute("CREATE SCHEMA ext")
    source.execute("CREATE EXTENSION citext SCHEMA ext")
    for number, type_name in enumerate(KEYS):
        source.execute(f"CREATE TABLE single_{number} (k {type_name} PRIMARY KEY, v int)")
        source.execute(f'CREATE TABLE double_{number} ("a ""b" int, k {type_name}, c text, v int, PRIMARY KEY (c, k, "a ""b"))')
    pair.init()
    pair.follow()
    with source.connect() as connection, connection.cursor() as cursor:
        for number, (type_name, value) in enumerate(KEYS.items()):
            rows = 3 if type_name == "mood" else 40
            cursor.execute(f"INSERT INTO single_{number} SELECT {value}, i FROM generate_series(1, {rows}) AS i")
            cursor.execute(f"INSERT INTO double_{number} SELECT i % 2, {value}, E'\\\\ \"' || i % 3, i FROM generate_series(1, 40) AS i WHERE i <= {rows}")
            cursor.execute(f"DELETE FROM single_{number} WHERE v = 2")
            cursor.execute(f"DELETE FROM double_{number} WHERE v = 2")
    connection.close()
    pair.caught_up()
    report = pair.equal("--range-rows", "7")
    for number, type_name in enumerate(KEYS):
        rows = 2 if type_name == "mood" else 39
        for table in (f"single_{number}", f"double_{number}"):
            assert report.counts(table) == {"rows": rows, "equal": rows}, (table, type_name)
    # A row that the trail still has is looked for by its key, in the type of the column.
    pair.tamper("DELETE FROM changes WHERE operation = 'DELETE'")
    report = pair.verify()
    assert [(kind, table) for kind, table, _, _ in report.named()] == sorted(
        ("missing_in_source", f"{kind}_{number}") for number in range(len(KEYS)) for kind in ("single", "double"))  # fmt: skip


def test_odd_names(pair):
    source = pair.source
    source.execute('CREATE SCHEMA "odd ""schema"" %"')
    source.execute("""CREATE TABLE "odd ""schema"" %"."tab'le {x}" ("k\\ey" text PRIMARY KEY, "a ""b"" \n" int, "{}" int, "ü" int)""")
    pair.init()
    pair.follow()
    table = """"odd ""schema"" %"."tab'le {x}\""""
    source.execute(f"INSERT INTO {table} VALUES (E'new\nline \"q\" \\\\', 1, 2, 3), ('', 1, 2, 3), ('{{}}', 1, 2, 3)")
    pair.caught_up()
    report = pair.equal()
    assert report.counts("tab'le {x}", 'odd "schema" %') == {"rows": 3, "equal": 3}
    pair.tamper("""UPDATE changes SET after = after || '{"a \\"b\\" \\n": 5, "ü": 6, "{}": 7}' WHERE primary_key = ''""")
    assert pair.verify().named() == [("different", "tab'le {x}", "", ('a "b" \n', "{}", "ü"))]


def test_types_with_a_cast_to_json_of_their_own(pair):
    source = pair.source
    source.execute("CREATE EXTENSION hstore")
    source.execute("CREATE TYPE holder AS (h hstore, n int)")
    source.execute("CREATE TABLE stores (id int PRIMARY KEY, h hstore, hs hstore[], held holder, v int)")
    pair.init()
    pair.follow()
    source.execute("INSERT INTO stores SELECT i, 'a=>1', ARRAY['a=>1', NULL]::hstore[], ROW('a=>1', 2)::holder, 1 FROM generate_series(1, 3) AS i")
    pair.caught_up()
    report = pair.equal()
    assert report.counts("stores") == {"rows": 3, "equal": 3}
    assert "held" in report.notes("stores")
    pair.tamper("""UPDATE changes SET after = after || '{"h": "x", "hs": []}' WHERE primary_key = '2'""")
    assert pair.verify().named() == [("different", "stores", "2", ("h", "hs"))]


def test_rows_of_children_are_their_own_tables(pair):
    source = pair.source
    source.execute("CREATE TABLE parent (id int PRIMARY KEY, v int)")
    source.execute("CREATE TABLE child (extra int, PRIMARY KEY (id)) INHERITS (parent)")
    pair.init()
    source.execute("INSERT INTO parent VALUES (1, 1)")
    source.execute("INSERT INTO child VALUES (1, 2, 3), (2, 2, 3)")
    pair.apply()
    report = pair.equal()
    assert report.counts("parent") == {"rows": 1, "equal": 1} and report.counts("child") == {"rows": 2, "equal": 2}


def test_bytes_of_no_encoding(source_server, destination, slot, waltrail):
    source = source_server.create_database(f"{slot}_bytes", encoding="SQL_ASCII")
    try:
        pair = VerifiedPair(source, destination, slot, waltrail)
        source.execute("CREATE TABLE texts (k text PRIMARY KEY, v text)")
        pair.init()
        source.execute(r"INSERT INTO texts VALUES ('plain', E'caf\xe9'), (E'k\xe9', 'x'), ('back\slash', 'x')")
        source.execute(r"INSERT INTO texts VALUES (E'gone\xe9', 'x'), ('gone\too', 'x')")
        source.execute("DELETE FROM texts WHERE k LIKE 'gone%'")
        pair.apply()
        report = pair.equal()
        assert report.counts("texts") == {"rows": 3, "equal": 3, "partly_compared": 2, "not_comparable": 1}
        waltrail.close()
    finally:
        source.drop()
