"""Tables of every shape, through apply: the trail has the rows that the server itself saw."""

import pytest

LONG = "(SELECT string_agg(md5((i + {})::text), '') FROM generate_series(1, {}) AS i)"

SHAPES = {
    "keys": """
        CREATE TABLE composite (c integer, b text, d date, a numeric(5, 2), note text, PRIMARY KEY (a, d, b, c) INCLUDE (note));
        INSERT INTO composite VALUES (1, 'x, "y" (z)', '2024-01-01', 1.50, 'n'), (2, '', 'infinity', -0.10, NULL);
        UPDATE composite SET note = 'changed';
        UPDATE composite SET b = E'back\\\\slash\\'', d = '0044-03-15 BC' WHERE c = 2;
        DELETE FROM composite;
        CREATE TABLE none (id integer, note text);
        INSERT INTO none VALUES (1, 'same'), (1, 'same');
        UPDATE none SET note = 'other' WHERE ctid = '(0,1)';
        DELETE FROM none;
        ALTER TABLE none REPLICA IDENTITY DEFAULT;
        INSERT INTO none VALUES (2, 'no identity');
        ALTER TABLE none ADD CONSTRAINT later PRIMARY KEY (note, id);
        UPDATE none SET id = 3;
        ALTER TABLE none DROP CONSTRAINT later;
        ALTER TABLE none ADD PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED;
        INSERT INTO none VALUES (4, 'key but no identity');
    """,
    "keys_of_many_types": """
        CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"');
        CREATE TYPE pair AS (a text, b timestamptz);
        CREATE DOMAIN code AS char(5);
        CREATE TABLE keys_1 (a timestamptz, b interval, c bytea, d double precision, e boolean, f text[], note text,
            PRIMARY KEY (f, e, d, c, b, a));
        INSERT INTO keys_1 VALUES
            ('2024-02-29 12:00:00.5-07', '1 mon -2 days 03:00:00.000001', '\\xde00ff', 1e-7, true, '{"a,b",NULL,"q\\"","",NULL}'),
            ('infinity', '0', '', -0.0, false, '{}'), ('0044-03-15 BC', '-1 year', '\\x5c', 'NaN', true, '[0:1]={1,NULL}');
        CREATE TABLE keys_2 (g int4range, h jsonb, i name, j "char", k uuid, l pair, m mood, n code, note text,
            PRIMARY KEY (n, m, l, k, j, i, h, g));
        INSERT INTO keys_2 VALUES
            ('[1,)', '{"k": [1.50, "a b"]}', 'na me', 'c', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', ROW('x (y)', 'infinity'), 'sad', 'ab'),
            ('empty', 'null', '', '', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', ROW(NULL, NULL), 'it''s "ok"', '');
        CREATE TABLE keys_3 (o numeric, p date, q inet, r bit varying, s time with time zone, t money, u real[], v pair[], note text,
            PRIMARY KEY (v, u, t, s, r, q, p, o));
        INSERT INTO keys_3 VALUES
            ('NaN', '0044-03-15 BC', '::1/64', B'101', '24:00:00-15:59:59', -1234.50, '{0.1,-Infinity,NULL}',
             ARRAY[ROW('q"\\', NULL)::pair, NULL]),
            (-0.00, 'infinity', '10.0.0.1', B'', '00:00:00+00', 0, '{}', '{}');
        UPDATE keys_1 SET note = 'changed';
        UPDATE keys_2 SET note = 'changed', h = '[]';
        UPDATE keys_3 SET note = 'changed', o = 1e-20 WHERE q = '::1/64';
        DELETE FROM keys_1;
        DELETE FROM keys_2;
        DELETE FROM keys_3;
        CREATE TABLE long_keys (id text, PRIMARY KEY (id));
        INSERT INTO long_keys VALUES (repeat('é', 255)), (repeat('é', 256)), (repeat('😀', 255)), (''), ('"');
        DELETE FROM long_keys;
    """,
    "no_columns": """
        CREATE TABLE nothing ();
        INSERT INTO nothing DEFAULT VALUES;
        INSERT INTO nothing DEFAULT VALUES;
        DELETE FROM nothing WHERE ctid = '(0,1)';
        ALTER TABLE nothing ADD COLUMN a integer DEFAULT 5, ADD COLUMN b text;
        UPDATE nothing SET b = 'more';
        ALTER TABLE nothing DROP COLUMN a, DROP COLUMN b;
        INSERT INTO nothing DEFAULT VALUES;
        DELETE FROM nothing;
    """,
    "columns_that_rows_do_not_have": """
        CREATE TABLE growing (id integer PRIMARY KEY, gone text, note text);
        INSERT INTO growing SELECT i, 'gone', 'note' FROM generate_series(1, 8) AS i;
        ALTER TABLE growing ADD COLUMN number numeric DEFAULT 1.50, ADD COLUMN list text[] DEFAULT '{a,NULL}',
            ADD COLUMN empty text, ADD COLUMN at timestamptz DEFAULT now(), ADD COLUMN doc jsonb DEFAULT '{"a": [1]}';
        UPDATE growing SET note = 'changed' WHERE id = 1;
        DELETE FROM growing WHERE id = 2;
        ALTER TABLE growing DROP COLUMN gone, ALTER number SET DEFAULT 7, ALTER list DROP DEFAULT;
        UPDATE growing SET note = 'changed again' WHERE id IN (1, 3);
        DELETE FROM growing WHERE id = 4;
        ALTER TABLE growing ADD COLUMN gone boolean DEFAULT true, ADD CONSTRAINT key UNIQUE (number, id);
        ALTER TABLE growing ALTER number SET NOT NULL;
        ALTER TABLE growing REPLICA IDENTITY USING INDEX key;
        UPDATE growing SET number = 8 WHERE id = 5;
        DELETE FROM growing WHERE id = 6;
        ALTER TABLE growing DROP CONSTRAINT growing_pkey, ADD PRIMARY KEY (id, number, gone);
        ALTER TABLE growing REPLICA IDENTITY DEFAULT;
        UPDATE growing SET gone = false WHERE id = 7;
        DELETE FROM growing WHERE id = 8;
        INSERT INTO growing (id) VALUES (9);
    """,
    "row_values_older_than_their_type": """
        CREATE TABLE kept (id integer PRIMARY KEY, note text);
        INSERT INTO kept VALUES (1, 'before'), (2, 'before');
        ALTER TABLE kept ADD COLUMN number integer DEFAULT 42, ADD COLUMN mood text DEFAULT 'fine';
        ALTER TABLE kept DROP COLUMN note;
        CREATE TABLE history (id serial PRIMARY KEY, row kept, rows kept[]);
        CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO history (row, rows) VALUES (OLD, ARRAY[OLD, NULL, OLD]); RETURN NEW; END $$;
        CREATE TRIGGER keep BEFORE UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION keep();
        UPDATE kept SET mood = 'changed' WHERE id = 1;
        UPDATE kept SET mood = 'changed' WHERE id = 2;
        INSERT INTO history (row) SELECT kept FROM kept;
        UPDATE history SET rows = NULL;
        DELETE FROM history;
    """,
    "names": """
        CREATE SCHEMA "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀abc";
        CREATE TABLE "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀abc"."a.b ""c"" {""x"": [1]}" (
            "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀abc" integer, "Upper Case" text, "quo""te'" text, "back\\slash\\u0041" text, "a.b" text, ", " text,
            "{""a"":1}" text, "\u0001\u0009" text, "%s%n" text, " " text, "oid" text, "null" text, "_waltrail" text, "$1" text,
            PRIMARY KEY ("Upper Case", "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀abc"));
        INSERT INTO "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀abc"."a.b ""c"" {""x"": [1]}" VALUES (1, '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13');
        UPDATE "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀abc"."a.b ""c"" {""x"": [1]}" SET "Upper Case" = '😀';
        CREATE TABLE "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀abc"."A.B" (a integer);
        CREATE TABLE "a.b" (a integer);
        CREATE TABLE "SELECT" (a integer);
        INSERT INTO "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀abc"."A.B" VALUES (1);
        INSERT INTO "a.b" VALUES (1);
        INSERT INTO "SELECT" VALUES (1);
    """,
    "inheritance": """
        CREATE TABLE parent (id integer PRIMARY KEY, note text);
        CREATE TABLE child (more integer, PRIMARY KEY (more, id)) INHERITS (parent);
        CREATE TABLE grandchild (note text, own text) INHERITS (child);
        INSERT INTO parent VALUES (1, 'parent');
        INSERT INTO child VALUES (2, 'child', 20);
        INSERT INTO grandchild VALUES (3, 'grandchild', 30, 'own');
        UPDATE parent SET note = note || '!';
        UPDATE ONLY parent SET id = 10;
        ALTER TABLE parent ADD COLUMN added integer DEFAULT 4;
        ALTER TABLE parent RENAME note TO remark;
        UPDATE parent SET remark = 'renamed';
        ALTER TABLE grandchild NO INHERIT child;
        DELETE FROM parent;
        DELETE FROM grandchild;
    """,
    "partitions": """
        CREATE SCHEMA leaves;
        CREATE TABLE root (region text, id integer, note text, day date, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
        CREATE TABLE leaves.a PARTITION OF root FOR VALUES IN ('a');
        CREATE TABLE reordered (day date, gone text, note text, id integer NOT NULL, region text NOT NULL, PRIMARY KEY (region, id));
        ALTER TABLE reordered DROP COLUMN gone;
        CREATE TABLE deep PARTITION OF root FOR VALUES IN ('c') PARTITION BY RANGE (id);
        CREATE TABLE deep_1 PARTITION OF deep FOR VALUES FROM (0) TO (100);
        CREATE TABLE deep_default (note text, id integer NOT NULL, region text NOT NULL, day date) PARTITION BY HASH (id);
        CREATE TABLE deep_hash_0 PARTITION OF deep_default FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE deep_hash_1 PARTITION OF deep_default FOR VALUES WITH (MODULUS 2, REMAINDER 1);
        ALTER TABLE deep ATTACH PARTITION deep_default DEFAULT;
        INSERT INTO reordered VALUES ('2024-01-01', 'not yet attached', 5, 'b');
        ALTER TABLE root DROP CONSTRAINT root_pkey;
        ALTER TABLE reordered DROP CONSTRAINT reordered_pkey;
        ALTER TABLE root ATTACH PARTITION reordered FOR VALUES IN ('b');
        ALTER TABLE root ADD PRIMARY KEY (id, region);
        INSERT INTO root SELECT chr(97 + i % 3), i * 10, repeat('note', i * 300), '2024-01-01'::date + i FROM generate_series(1, 20) AS i;
        UPDATE root SET region = 'b' WHERE id = 30;
        UPDATE root SET note = 'short' WHERE id < 100;
        UPDATE deep SET id = 1000 + id;
        UPDATE root SET region = CASE region WHEN 'a' THEN 'c' ELSE 'a' END, note = NULL WHERE id > 50;
        INSERT INTO root VALUES ('b', 5, 'new') ON CONFLICT (id, region) DO UPDATE SET note = excluded.note, region = 'b';
        DELETE FROM root WHERE id < 60;
        ALTER TABLE root ADD COLUMN added integer DEFAULT 9;
        UPDATE root SET day = day + 1;
        ALTER TABLE root DETACH PARTITION reordered;
        INSERT INTO reordered (id, region) VALUES (1, 'z');
        UPDATE leaves.a SET note = 'by the name of the leaf';
        INSERT INTO deep_hash_0 (id, region) SELECT i, 'c' FROM generate_series(2000, 2100) AS i
        WHERE satisfies_hash_partition('deep_default'::regclass, 2, 0, i) LIMIT 3;
    """,
    "types_that_change_without_a_rewrite": """
        CREATE TABLE same (id integer PRIMARY KEY, a varchar(10), b integer, c cidr, d timestamptz, e text, f bit(4));
        SET TimeZone = 'UTC';
        BEGIN;
        INSERT INTO same VALUES (1, 'abc', 5, '10.0.0.0/8', '2024-01-01 00:00+05', 'e', B'1010');
        ALTER TABLE same ALTER a TYPE text, ALTER b TYPE oid, ALTER c TYPE inet, ALTER d TYPE timestamp, ALTER e TYPE varchar,
            ALTER f TYPE bit varying;
        UPDATE same SET a = 'later' WHERE id = 1;
        INSERT INTO same VALUES (2, 'abc', 4000000000, '10.0.0.1/8', '2024-01-01 00:00', 'e', B'1');
        SAVEPOINT s;
        DROP TABLE same;
        CREATE TABLE same (lost boolean);
        INSERT INTO same VALUES (true);
        ROLLBACK TO s;
        DELETE FROM same;
        COMMIT;
        CREATE TABLE catalog (id integer PRIMARY KEY, note text) WITH (user_catalog_table = true);
        INSERT INTO catalog VALUES (1, repeat('x', 9000));
        UPDATE catalog SET note = 'y';
    """,
    "long_values_that_move": """
        CREATE TABLE moved (id integer PRIMARY KEY, a text, b text, c text);
        ALTER TABLE moved ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL;
        INSERT INTO moved VALUES (1, repeat('a', 9000), repeat('b', 9000), repeat('c', 9000));
        INSERT INTO moved SELECT id + 1, b, a, c FROM moved;
        INSERT INTO moved SELECT id + 10, a, b, c FROM moved ON CONFLICT (id) DO NOTHING;
        INSERT INTO moved SELECT id, c, b, a FROM moved ON CONFLICT (id) DO UPDATE SET a = excluded.a, c = moved.c || excluded.c;
        ALTER TABLE moved ALTER b SET STORAGE MAIN;
        UPDATE moved SET b = b, c = NULL;
        ALTER TABLE moved DROP COLUMN b;
        UPDATE moved SET c = 'short';
        DELETE FROM moved WHERE id > 10;
        BEGIN;
        UPDATE moved SET a = a || 'x';
        UPDATE moved SET a = 'short';
        UPDATE moved SET a = repeat('again', 400), id = id - 100;
        DELETE FROM moved;
        COMMIT;
    """,
    "partitions_that_change_hands": """
        CREATE TABLE parts (k text, id integer, v text, PRIMARY KEY (k, id)) PARTITION BY LIST (k);
        CREATE TABLE others PARTITION OF parts DEFAULT;
        INSERT INTO parts SELECT chr(97 + i % 4), i, repeat('v', i * 700) FROM generate_series(1, 20) AS i;
        MERGE INTO parts USING (SELECT * FROM parts WHERE id < 9) AS s ON parts.k = s.k AND parts.id = s.id
        WHEN MATCHED AND s.id < 3 THEN DELETE WHEN MATCHED THEN UPDATE SET k = upper(parts.k), v = NULL;
        BEGIN;
        CREATE TABLE of_a (v text, id integer NOT NULL, k text NOT NULL);
        INSERT INTO of_a SELECT v, id, k FROM others WHERE k = 'a';
        DELETE FROM others WHERE k = 'a';
        ALTER TABLE parts ATTACH PARTITION of_a FOR VALUES IN ('a');
        UPDATE parts SET v = 'moved' WHERE k = 'a';
        COMMIT;
        BEGIN;
        ALTER TABLE parts DETACH PARTITION of_a;
        UPDATE of_a SET v = 'alone';
        ALTER TABLE of_a RENAME TO own;
        ALTER TABLE own ADD COLUMN more integer DEFAULT 3;
        UPDATE own SET v = 'own';
        ALTER TABLE own DROP COLUMN more;
        ALTER TABLE parts ATTACH PARTITION own FOR VALUES IN ('a');
        UPDATE parts SET v = 'back' WHERE k = 'a';
        COMMIT;
        WITH gone AS (DELETE FROM parts RETURNING *) INSERT INTO parts SELECT k || '2', id, v FROM gone;
        CREATE FUNCTION name_table() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.v := TG_TABLE_NAME; RETURN NEW; END $$;
        CREATE TRIGGER name_table BEFORE INSERT OR UPDATE ON parts FOR EACH ROW EXECUTE FUNCTION name_table();
        UPDATE parts SET k = 'a' WHERE id % 2 = 0;
    """,
}


@pytest.mark.parametrize("shape", SHAPES)
def test_tables_of_this_shape_are_followed(audited, shape):
    audited.run(SHAPES[shape])
    audited.assert_followed()


@pytest.mark.parametrize("identity", ["FULL", "DEFAULT"])
def test_1600_columns(audited, identity):
    types = ["integer", "text", "boolean", "smallint"]
    columns = ", ".join(f"column_{i} {types[i % 4]}" for i in range(1, 1600))
    values = ", ".join(["i", "'t' || i", "i % 2 = 0", "i"][i % 4] if i % 3 else "NULL" for i in range(1, 1600))
    audited.run(f"""
        CREATE TABLE wide (id integer PRIMARY KEY, {columns});
        ALTER TABLE wide REPLICA IDENTITY {identity};
        INSERT INTO wide SELECT i, {values} FROM generate_series(1, 3) AS i;
        UPDATE wide SET column_1599 = 7, column_1 = NULL;
        ALTER TABLE wide DROP COLUMN column_800;
        UPDATE wide SET id = id + 10, column_801 = 'last';
        DELETE FROM wide;
    """)
    audited.assert_followed()


IDENTITIES = {
    "full": "FULL",
    "default": "DEFAULT",
    "index": "USING INDEX stored_code",
    "nothing": "NOTHING",
}


@pytest.mark.parametrize("compression", ["pglz", "lz4"])
@pytest.mark.parametrize("identity", IDENTITIES)
def test_stored_values_of_every_kind_changed_and_unchanged(audited, identity, compression):
    """EXTERNAL: out of line as it is; EXTENDED: compressed, out of line if still too long; MAIN: compressed in the row."""
    audited.run(f"""
        SET default_toast_compression = '{compression}';
        CREATE TABLE stored (
            id integer, code text, note text, outside text, compressed text, inside text, plain text,
            random text, bytes bytea, list text[], doc jsonb, js json, number numeric, swap_a text, swap_b text,
            PRIMARY KEY (code, id));
        ALTER TABLE stored ALTER code SET STORAGE EXTERNAL, ALTER outside SET STORAGE EXTERNAL, ALTER bytes SET STORAGE EXTERNAL, ALTER inside SET STORAGE MAIN,
            ALTER plain SET STORAGE PLAIN, ALTER swap_a SET STORAGE EXTERNAL, ALTER swap_b SET STORAGE EXTERNAL;
        CREATE UNIQUE INDEX stored_code ON stored (id, code);
        ALTER TABLE stored REPLICA IDENTITY {IDENTITIES[identity]};
        INSERT INTO stored
        SELECT n, 'code' || n, 'note', repeat('outside', 2000), repeat('compressed', 90000), repeat('inside', 600), 'plain',
               {LONG.format("n", 400)}, decode(repeat('00ff', 3000), 'hex'), array_fill(repeat('l', 20), ARRAY[500]),
               jsonb_build_object('k', repeat('v', 9000), 'l', {LONG.format(7, 100)}), to_json(repeat('j', 9000)),
               repeat('1234567890', 900)::numeric, repeat('a', 5000), repeat('b', 5000)
        FROM generate_series(1, 4) AS n;
        UPDATE stored SET note = 'all else as it was';
        UPDATE stored SET outside = outside;
        UPDATE stored SET outside = outside || 'x', compressed = 'y' || compressed WHERE id = 1;
        UPDATE stored SET swap_a = swap_b, swap_b = swap_a WHERE id = 2;
        UPDATE stored SET plain = left(outside, 3000), outside = random, random = NULL, list[3] = NULL, doc = doc - 'k' WHERE id = 2;
        UPDATE stored SET id = id + 10 WHERE id > 2;
        UPDATE stored SET code = 'changed', note = NULL WHERE id = 13;
        UPDATE stored SET number = -number, bytes = '', js = '{{}}', inside = inside || inside WHERE id = 14;
        UPDATE stored SET code = code || repeat('long key', 300) WHERE id = 14;
        UPDATE stored SET note = 'the key is stored apart' WHERE id = 14;
        UPDATE stored SET id = 15 WHERE id = 14;
    """)
    kinds = """SELECT pg_column_compression(compressed) || ' ' || pg_column_compression(inside), pg_column_size(code)
               FROM stored WHERE id = 15"""
    assert audited.source.query(kinds) == [(f"{compression} {compression}", 2405)]
    audited.run("DELETE FROM stored")
    audited.assert_followed()
