"""A random walk of several sessions through row changes and schema changes, mixed in the same transactions, some of which
are prepared and end later.

The seed decides every step. A step that the server refuses (a name taken, a lock held by another session, a type in use) is
rolled back to its savepoint, which is part of the walk: what was rolled back must not be seen in the stream.
"""

import collections
import random

import psycopg2

import audit
from row_steps import RowSteps

SCHEMAS = "n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'audit', 'waltrail')"
LONGEST_NAME = "😀" * 15 + "ab"  # 62 bytes, to which a digit may be added
NAMES = ["plain", "Upper", "UPPER", "with space", 'a "quote"', "select", "ü.ö", "it's", "back\\slash", "oid", LONGEST_NAME]
BASE_TYPES = ["integer", "bigint", "text", "numeric", "boolean", "timestamptz", "jsonb", "int4range", "oidvector", "char(6)"]
LONG_TEXT = "(SELECT string_agg(md5(({} + i)::text), '') FROM generate_series(1, 100) AS i)"
PREPARED_MAX = 2


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Refused(Exception):
    """There is nothing that the step could be made with."""


class Session:
    def __init__(self, source):
        self.connection = source.connect()
        self.in_transaction = False
        self.query("SET lock_timeout = '20ms'")
        self.query("SET client_min_messages = error")

    def query(self, sql, parameters=None):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else []

    def begin(self):
        self.query("BEGIN")
        self.in_transaction = True

    def end(self, how):
        if self.in_transaction:
            self.query(how)
        self.in_transaction = False


class SchemaWalk(RowSteps):
    def __init__(self, source, seed, sessions=3):
        self.random = random.Random(seed)
        self.sessions = [Session(source) for _ in range(sessions)]
        self.session = self.sessions[0]
        self.prepared = [f"{source.name} {number}" for number in range(PREPARED_MAX)]
        self.prepared_now = []
        self.made = collections.Counter()  # steps that the server accepted, by name
        self.steps = [
            (getattr(self, name), int(weight))
            for name, weight in (line.split() for line in STEPS.strip().splitlines())
        ]
        for step in (self.create_schema, self.create_enum, self.create_composite, self.create_domain, self.create_range):
            self._attempt(step)
        for _ in range(4):
            self._attempt(self.create_table)
            self._attempt(self.create_root)
            self._attempt(self.create_leaf)

    def run(self, steps):
        chosen = self.random.choices([s for s, _ in self.steps], [w for _, w in self.steps], k=steps)
        for step in chosen:
            self.session = self.random.choice(self.sessions)
            if self.random.random() < 0.15:
                if self.session.in_transaction:
                    self._end_transaction()
                else:
                    self.session.begin()
            self._attempt(step)

    def _end_transaction(self):
        how = self.random.random()
        free = [name for name in self.prepared if name not in self.prepared_now]
        if how < 0.2 and free:
            self.session.end(f"PREPARE TRANSACTION '{free[0]}'")
            self.prepared_now.append(free[0])
            self.made["prepare"] += 1
        else:
            self.session.end("COMMIT" if how < 0.8 else "ROLLBACK")

    def end_prepared(self):
        if self.session.in_transaction or not self.prepared_now:
            raise Refused()
        name = self.prepared_now.pop(self.random.randrange(len(self.prepared_now)))
        how = "COMMIT" if self.random.random() < 0.8 else "ROLLBACK"
        self.query(f"{how} PREPARED '{name}'")

    def close(self):
        for session in self.sessions:
            session.end("COMMIT")
        for name in self.prepared_now:
            self.sessions[0].query(f"COMMIT PREPARED '{name}'")
        for session in self.sessions:
            session.connection.close()

    def _attempt(self, step):
        in_transaction = self.session.in_transaction
        if in_transaction:
            self.session.query("SAVEPOINT step")
        try:
            step()
            if in_transaction and self.random.random() < 0.1:
                self.session.query("ROLLBACK TO step")
            else:
                self.made[step.__name__] += 1
        except (psycopg2.Error, Refused):
            if self.session.connection.closed:
                raise
            if in_transaction:
                self.session.query("ROLLBACK TO step")
        if in_transaction:
            self.session.query("RELEASE step")

    # -- what there is ------------------------------------------------------------------------------------------------

    def query(self, sql, parameters=None):
        return self.session.query(sql, parameters)

    def pick(self, sql, parameters=None):
        """A row of the query, or its only column."""
        rows = self.query(sql, parameters)
        if not rows:
            raise Refused()
        row = self.random.choice(sorted(rows, key=repr))
        return row[0] if len(row) == 1 else row

    def name(self):
        return quoted(self.random.choice(NAMES) + str(self.random.randrange(4)))

    def schema(self):
        return self.pick(f"SELECT quote_ident(nspname) FROM pg_namespace n WHERE {SCHEMAS}")

    def relation(self, condition):
        return self.pick(f"""
            SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE {SCHEMAS} AND {condition}""")

    def table(self):
        return self.relation("relkind = 'r'")

    def any_table(self):
        return self.relation("relkind IN ('r', 'p')")

    def altered_table(self):
        """One whose columns are its own."""
        return self.relation("relkind IN ('r', 'p') AND NOT relispartition AND reloftype = 0")

    def column(self, table, condition="true"):
        return self.pick(
            "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
            f"AND attname <> 'part' AND attname <> 'id' AND {condition}", [table])  # fmt: skip

    def user_type(self, kinds):
        return self.pick(f"""
            SELECT format('%%I.%%I', n.nspname, t.typname) FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
            LEFT JOIN pg_class c ON c.oid = t.typrelid WHERE {SCHEMAS} AND t.typtype = ANY (%s)
            AND (c.oid IS NULL OR c.relkind = 'c')""", [list(kinds)])  # fmt: skip

    def type(self):
        chosen = self.random.choice(BASE_TYPES) if self.random.random() < 0.5 else self.user_type("ecdr")
        return chosen + "[]" if self.random.random() < 0.2 and chosen != "oidvector" else chosen

    def value(self, type_oid):
        """An SQL expression of the type."""
        [(kind, name, base, element, relation, subtype)] = self.query("""
            SELECT t.typtype, format_type(t.oid, NULL), t.typbasetype, CASE WHEN t.typcategory = 'A' THEN t.typelem ELSE 0 END,
                   t.typrelid, r.rngsubtype FROM pg_type t LEFT JOIN pg_range r ON r.rngtypid = t.oid WHERE t.oid = %s""",
            [type_oid])  # fmt: skip
        if kind == "e":
            label = self.pick("SELECT quote_literal(enumlabel) FROM pg_enum WHERE enumtypid = %s", [type_oid])
            return f"{label}::{name}"
        if kind == "d":
            return f"({self.value(base)})::{name}"
        if kind == "c":
            fields = self.query("SELECT atttypid FROM pg_attribute WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped "
                                "ORDER BY attnum", [relation])  # fmt: skip
            return f"ROW({', '.join(self.value_or_null(field) for (field,) in fields)})::{name}"
        if kind == "r" and name != "int4range":
            # Not by its constructor, which keeps its name when the type is renamed.
            bound = f"replace(replace(({self.value(subtype)})::text, '\\', '\\\\'), '\"', '\"\"')"
            return f"concat('[\"', {bound}, '\",)')::{name}"
        if name == "oidvector":
            return f"'{self.number()} {self.number()}'::oidvector"
        if element:
            return f"ARRAY[{self.value(element)}, NULL, {self.value(element)}]::{name}"
        return self.base_value(name)

    def value_or_null(self, type_oid):
        return "NULL" if self.random.random() < 0.15 else self.value(type_oid)

    def number(self):
        return self.random.randrange(1000)

    def base_value(self, name):
        n = self.number()
        if name == "text":
            return self.random.choice([f"'t {n}'", f"'ä \"{n}\"'", f"repeat('x', {n * 10})", LONG_TEXT.format(n)])
        return {
            "boolean": "true" if n % 2 else "false",
            "numeric": f"{n}.50",
            "timestamp with time zone": f"'2024-01-01 00:00:00.{n:03}+00'::timestamptz",
            "jsonb": f"'{{\"n\": [{n}, null]}}'::jsonb",
            "int4range": f"int4range({n}, {n + 5})",
            "character": f"'c{n}'",
        }.get(name, str(n))

    # -- tables -------------------------------------------------------------------------------------------------------

    def columns(self):
        names = self.random.sample(NAMES, self.random.randint(1, 4))
        lines = [f"{quoted(name)} {self.type()}" for name in names]
        lines.insert(self.random.randrange(len(lines) + 1), "id integer")
        if self.random.random() < 0.3:
            lines.append("made text GENERATED ALWAYS AS ('m' || id) STORED")
        if self.random.random() < 0.2:
            lines.append("numbered bigint GENERATED ALWAYS AS IDENTITY")
        return lines

    def audited(self, table):
        self.query(audit.trigger_sql(table))
        identity = self.random.choice(["FULL", "FULL", "FULL", "DEFAULT", "NOTHING"])
        self.query(f"ALTER TABLE ONLY {table} REPLICA IDENTITY {identity}")

    def create_table(self):
        table = f"{self.schema()}.{self.name()}"
        lines = self.columns() + self.random.choice([[], ["PRIMARY KEY (id)"], ["PRIMARY KEY (id) DEFERRABLE"]])
        self.query(f"CREATE TABLE {table} ({', '.join(lines)})")
        self.audited(table)

    def create_table_of_type(self):
        table = f"{self.schema()}.{self.name()}"
        self.query(f"CREATE TABLE {table} OF {self.user_type('c')}")
        self.audited(table)

    def create_table_as(self):
        table = f"{self.schema()}.{self.name()}"
        self.query(f"CREATE TABLE {table} AS SELECT * FROM {self.any_table()} WITH NO DATA")
        self.audited(table)

    def create_child(self):
        table = f"{self.schema()}.{self.name()}"
        self.query(f"CREATE TABLE {table} (more integer) INHERITS ({self.relation(NOT_PARTITIONED)})")
        self.audited(table)

    def drop_table(self):
        self.query(f"DROP TABLE {self.any_table()}")

    def drop_and_create(self):
        table = self.relation(NOT_PARTITIONED)
        self.query(f"DROP TABLE {table}")
        self.query(f"CREATE TABLE {table} ({', '.join(self.columns())})")
        self.audited(table)
        self.query(f"INSERT INTO {table} (id) VALUES (1)")

    def rename_table(self):
        self.query(f"ALTER TABLE {self.any_table()} RENAME TO {self.name()}")

    def move_table(self):
        self.query(f"ALTER TABLE {self.any_table()} SET SCHEMA {self.schema()}")

    def rewrite_table(self):
        table = self.table()
        if self.session.in_transaction:
            self.query(f"ALTER TABLE {table} SET {self.random.choice(['UNLOGGED', 'LOGGED'])}")
        else:
            self.query(f"VACUUM FULL {table}")

    def vacuum(self):
        """Of catalogs too: it changes rows of theirs in place, and a slot must keep it from taking away what was."""
        if self.session.in_transaction:
            raise Refused()
        self.query(f"VACUUM {self.random.choice([self.table(), self.table(), 'pg_class', 'FULL pg_attribute', 'pg_enum'])}")

    def set_logged(self):
        table = self.relation("relkind = 'r' AND relpersistence = 'u'")
        self.query(f"ALTER TABLE {table} SET LOGGED")

    # -- columns ------------------------------------------------------------------------------------------------------

    def add_column(self):
        table = self.altered_table()
        default = self.random.choice(["integer DEFAULT 7", "text DEFAULT 'missing'", "numeric DEFAULT random()::numeric", None])
        self.query(f"ALTER TABLE {table} ADD COLUMN {quoted(self.random.choice(NAMES))} {default or self.type()}")

    def drop_column(self):
        table = self.altered_table()
        self.query(f"ALTER TABLE {table} DROP COLUMN {self.column(table)}")

    def replace_column(self):
        table = self.altered_table()
        column = self.column(table)
        self.query(f"ALTER TABLE {table} DROP COLUMN {column}")
        self.query(f"ALTER TABLE {table} ADD COLUMN {column} text DEFAULT 'again'")

    def rename_column(self):
        table = self.altered_table()
        self.query(f"ALTER TABLE {table} RENAME COLUMN {self.column(table)} TO {quoted(self.random.choice(NAMES))}")

    def change_column_type(self):
        table = self.altered_table()
        column = self.column(table, "attgenerated = '' AND attidentity = ''")
        self.query(f"ALTER TABLE {table} ALTER COLUMN {column} TYPE text USING {column}::text")

    def set_storage(self):
        table = self.any_table()
        column = self.column(table, "attlen = -1")
        storage = self.random.choice(["EXTERNAL", "EXTENDED", "MAIN", "PLAIN"])
        self.query(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE {storage}")

    # -- keys ---------------------------------------------------------------------------------------------------------

    def drop_key(self):
        table, constraint = self.pick(f"""
            SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint WHERE contype = 'p'
            AND connamespace IN (SELECT oid FROM pg_namespace n WHERE {SCHEMAS})""")  # fmt: skip
        self.query(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}")

    def add_key(self):
        table = self.altered_table()
        more = ", part" if self.query("SELECT FROM pg_attribute WHERE attrelid = %s::regclass AND attname = 'part' "
                                      "AND NOT attisdropped", [table]) else ""  # fmt: skip
        if self.random.random() < 0.5:
            more += ", " + self.column(table)
        self.query(f"ALTER TABLE {table} ADD PRIMARY KEY (id{more})")

    def rename_index(self):
        index = self.relation("relkind IN ('i', 'I')")
        self.query(f"ALTER INDEX {index} RENAME TO {self.name()}")

    def set_identity(self):
        table = self.table()
        self.query(f"ALTER TABLE {table} REPLICA IDENTITY {self.random.choice(['FULL', 'DEFAULT', 'NOTHING', 'FULL'])}")

    def set_index_identity(self):
        table = self.table()
        column = self.random.choice(["id", self.column(table)])
        index = self.name()
        self.query(f"ALTER TABLE {table} ALTER COLUMN {column} SET NOT NULL")
        self.query(f"CREATE UNIQUE INDEX {index} ON {table} ({column})")
        self.query(f"ALTER TABLE {table} REPLICA IDENTITY USING INDEX {index}")

    def drop_index(self):
        index = self.relation("relkind = 'i' AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)")
        self.query(f"DROP INDEX {index}")

    # -- partitions ---------------------------------------------------------------------------------------------------

    def create_root(self):
        table = f"{self.schema()}.{self.name()}"
        lines = self.columns() + ["part integer"] + self.random.choice([[], ["PRIMARY KEY (part, id)"]])
        lines = [line for line in lines if "IDENTITY" not in line]
        self.query(f"CREATE TABLE {table} ({', '.join(lines)}) PARTITION BY LIST (part)")

    def bound(self, root):
        return f"FOR VALUES IN ({self.part()})"

    def create_leaf(self):
        root, table = self.relation("relkind = 'p'"), f"{self.schema()}.{self.name()}"
        self.query(f"CREATE TABLE {table} PARTITION OF {root} {self.bound(root)}")
        self.audited(table)

    def create_middle(self):
        root, table = self.relation("relkind = 'p'"), f"{self.schema()}.{self.name()}"
        self.query(f"CREATE TABLE {table} PARTITION OF {root} {self.bound(root)} PARTITION BY LIST (part)")
        leaf = f"{self.schema()}.{self.name()}"
        self.query(f"CREATE TABLE {leaf} PARTITION OF {table} DEFAULT")
        self.audited(leaf)

    def attach_reordered(self):
        """A leaf whose columns stand in another order, and that once had one more."""
        root, table = self.relation("relkind = 'p'"), f"{self.schema()}.{self.name()}"
        columns = [line for (line,) in self.query(
            "SELECT format('%%I %%s %%s', attname, format_type(atttypid, atttypmod), CASE WHEN attgenerated = 's' THEN "
            "'GENERATED ALWAYS AS (''m'' || id) STORED' WHEN attnotnull THEN 'NOT NULL' ELSE '' END) FROM pg_attribute "
            "WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped", [root])]  # fmt: skip
        self.random.shuffle(columns)
        columns.insert(self.random.randrange(len(columns) + 1), "gone text")
        self.query(f"CREATE TABLE {table} ({', '.join(columns)})")
        self.query(f"ALTER TABLE {table} DROP COLUMN gone")
        self.audited(table)
        self.query(f"ALTER TABLE {root} ATTACH PARTITION {table} {self.bound(root)}")

    def detach(self):
        leaf, root = self.pick(f"""
            SELECT format('%I.%I', n.nspname, c.relname), i.inhparent::regclass::text FROM pg_inherits i
            JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE c.relispartition AND c.relkind IN ('r', 'p') AND {SCHEMAS}""")  # fmt: skip
        concurrently = "" if self.session.in_transaction else self.random.choice(["", " CONCURRENTLY"])
        self.query(f"ALTER TABLE {root} DETACH PARTITION {leaf}{concurrently}")

    def attach_again(self):
        table, root = self.altered_table(), self.relation("relkind = 'p'")
        self.query(f"ALTER TABLE {root} ATTACH PARTITION {table} {self.bound(root)}")

    # -- schemas and types --------------------------------------------------------------------------------------------

    def create_schema(self):
        self.query(f"CREATE SCHEMA {self.name()}")

    def rename_schema(self):
        self.query(f"ALTER SCHEMA {self.schema()} RENAME TO {self.name()}")

    def create_enum(self):
        self.query(f"CREATE TYPE {self.schema()}.{self.name()} AS ENUM ('sad', 'ok', 'it''s \"3\"')")

    def create_composite(self):
        types = ["integer", self.type(), "text"]
        fields = [f"{quoted(name)} {type_name}" for name, type_name in zip(self.random.sample(NAMES, 3), types)]
        self.query(f"CREATE TYPE {self.schema()}.{self.name()} AS ({', '.join(fields)})")

    def create_domain(self):
        self.query(f"CREATE DOMAIN {self.schema()}.{self.name()} AS {self.type()}")

    def create_range(self):
        subtype = self.random.choice(["timestamptz", self.user_type("cd")])
        schema = self.schema()
        many = f"{schema}.m{self.number()}"
        self.query(f"CREATE TYPE {schema}.{self.name()} AS RANGE (subtype = {subtype}, multirange_type_name = {many})")

    def rename_type(self):
        kind = self.random.choice("ecdr")
        what = "DOMAIN" if kind == "d" else "TYPE"
        self.query(f"ALTER {what} {self.user_type(kind)} RENAME TO {self.name()}")

    def move_type(self):
        kind = self.random.choice("ecdr")
        what = "DOMAIN" if kind == "d" else "TYPE"
        self.query(f"ALTER {what} {self.user_type(kind)} SET SCHEMA {self.schema()}")

    def add_enum_value(self):
        self.query(f"ALTER TYPE {self.user_type('e')} ADD VALUE 'v{self.number()}'")

    def rename_enum_value(self):
        name = self.user_type("e")
        label = self.pick("SELECT quote_literal(enumlabel) FROM pg_enum WHERE enumtypid = %s::regtype", [name])
        self.query(f"ALTER TYPE {name} RENAME VALUE {label} TO 'r{self.number()}'")

    def field(self, name):
        return self.pick("SELECT quote_ident(attname) FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped AND attrelid = "
                         "(SELECT typrelid FROM pg_type WHERE oid = %s::regtype)", [name])  # fmt: skip

    def add_field(self):
        self.query(f"ALTER TYPE {self.user_type('c')} ADD ATTRIBUTE {quoted(self.random.choice(NAMES))} {self.type()} CASCADE")

    def drop_field(self):
        name = self.user_type("c")
        self.query(f"ALTER TYPE {name} DROP ATTRIBUTE {self.field(name)} CASCADE")

    def rename_field(self):
        name = self.user_type("c")
        self.query(f"ALTER TYPE {name} RENAME ATTRIBUTE {self.field(name)} TO {quoted(self.random.choice(NAMES))} CASCADE")

    def change_field_type(self):
        name = self.user_type("c")
        self.query(f"ALTER TYPE {name} ALTER ATTRIBUTE {self.field(name)} TYPE text CASCADE")


NOT_PARTITIONED = "relkind = 'r' AND NOT relispartition"

# Each step and its weight.
STEPS = """
insert 60
update 40
update_whole 8
update_nothing 8
upsert 10
merge 10
delete 14
truncate 1
end_prepared 40
create_table 3
create_table_of_type 1
create_table_as 2
create_child 1
drop_table 2
drop_and_create 2
rename_table 5
move_table 5
rewrite_table 3
set_logged 2
vacuum 10
add_column 6
drop_column 3
replace_column 3
rename_column 5
change_column_type 3
set_storage 2
drop_key 2
add_key 4
rename_index 1
set_identity 6
set_index_identity 3
drop_index 1
create_root 1
create_leaf 4
create_middle 2
attach_reordered 3
detach 3
attach_again 3
create_schema 1
rename_schema 3
create_enum 1
create_composite 1
create_domain 1
create_range 1
rename_type 4
move_type 4
add_enum_value 2
rename_enum_value 3
add_field 4
drop_field 1
rename_field 4
change_field_type 1
"""
