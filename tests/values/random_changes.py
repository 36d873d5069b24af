"""Random transactions over the tables of a round: statements of every kind that changes rows, and changes of tables and
types between them. Whatever is rolled back is rolled back in the World as well.
"""

import io

import psycopg2

import oracle
from random_tables import POOL_ROWS, SCHEMAS, PREFIXES
from random_types import Composite, Enum, identifier, literal

TABLES_OF_A_ROUND = 8
# A transaction of its own fails now and then, because of a row wider than a page, say; many would mean that the test tests little.
FAILED_TRANSACTIONS_MAX_SHARE = 0.1
# "using outdated tuple descriptor when deforming row type": a session's plan that is older than a composite type's last change.
OUTDATED_PLAN = "22P07"


class Changes:
    """`execute(sql)` runs in the session that the oracle's settings hold for; `cursor` is that session's."""

    def __init__(self, world, cursor, log):
        self.world = world
        self.rng = world.rng
        self.cursor = cursor
        self.log = log
        self.transactions = 0
        self.failures = []

    def execute(self, sql):
        self.log(sql)
        self.cursor.execute(sql)

    # -- a round ---------------------------------------------------------------------------------------------------

    def prepare(self):
        for schema in SCHEMAS:
            self.execute(f"CREATE SCHEMA {identifier(schema)}")
        self.world.make_types()
        for _ in range(TABLES_OF_A_ROUND):
            self._make_table()

    def _make_table(self):
        table = self.world.make_table()
        self._observe(table)
        for leaf in table.leaves:
            self.execute(oracle.trigger(leaf))

    def _observe(self, table):
        for leaf in table.leaves:
            self.execute(oracle.observer(leaf, table.schema, table.table))

    def run(self, changes_min):
        """Runs transactions until they have made that many changes, about."""
        made = 0
        while made < changes_min:
            saved = self.world.saved()
            self.transactions += 1
            try:
                made += self._transaction(saved)
            except psycopg2.Error as error:
                self.execute("ROLLBACK")
                self.world.restore(saved)
                if error.pgcode == OUTDATED_PLAN:
                    self.execute("DISCARD PLANS")
                else:
                    self.failures.append(f"{error.pgcode} {str(error).splitlines()[0]}")
        if len(self.failures) > max(3, FAILED_TRANSACTIONS_MAX_SHARE * self.transactions):
            raise AssertionError(f"{len(self.failures)} of {self.transactions} transactions failed: {self.failures[:5]}")

    def _transaction(self, saved):
        rng = self.rng
        if rng.random() < 0.03:
            self._add_enum_value()
        self.execute("BEGIN")
        made = 0
        for _ in range(rng.choice((1, 1, 2, 3, 5, 8))):
            if rng.random() < 0.12:
                made += self._savepoint()
            else:
                made += self._statement()
        if rng.random() < 0.05:
            self.execute("ROLLBACK")
            self.world.restore(saved)
            return 0
        self.execute("COMMIT")
        return made

    def _savepoint(self):
        saved = self.world.saved()
        self.execute("SAVEPOINT s")
        made = sum(self._statement() for _ in range(self.rng.choice((1, 2, 3))))
        if self.rng.random() < 0.5:
            self.execute("ROLLBACK TO s")
            self.world.restore(saved)
            return 0
        self.execute("RELEASE s")
        return made

    def _statement(self):
        rng = self.rng
        table = rng.choice(self.world.tables)
        kind = rng.random()
        if kind < 0.07:
            rng.choice([self._alter_table, self._alter_table, self._alter_type, self._make_table_now])(table)
            return 0
        statements = [self._insert, self._insert, self._copy, self._update, self._update, self._update, self._delete]
        if table.key and not table.deferrable:
            statements.append(self._upsert)
        if not table.key_is_random:
            statements.append(self._merge)
        if kind < 0.08:
            return self._truncate(table)
        if table.next_nr == 1:
            return self._insert(table)
        return rng.choice(statements)(table)

    # -- rows ------------------------------------------------------------------------------------------------------

    def _size(self, table):
        if table.key_is_random:
            return self.rng.randint(1, 40)
        if table.long_share:
            return self.rng.choice((1, 2, 5, 20, 50))
        return self.rng.choice((1, 1, 2, 5, 20, 50, 100, 300, 1000))

    def _joins(self, table, nr):
        """Aliases of the pool, joined by the row's number in some way of their own, and the columns' values from them."""
        rng = self.rng
        aliases = [f"p{i}" for i in range(rng.choice((1, 2, 3)))]
        joins = " ".join(
            f"JOIN {table.pool} AS {alias} ON {alias}.i = ({nr} * {rng.choice((1, 5, 7, 11, 29))} + {rng.randrange(POOL_ROWS)}) % {POOL_ROWS}"
            for alias in aliases
        )
        return joins, {column: f"{rng.choice(aliases)}.c{column.number}" for column in table.filled_columns()}

    def _columns_given(self, table):
        """Those that an INSERT names; the others become null or their default."""
        leave_out = self.rng.choice((0, 0, 0.3))
        return [column for column in table.filled_columns() if column.not_null and column.kind == "plain" or self.rng.random() >= leave_out]

    def _new_rows(self, table):
        """A SELECT of new rows, and the columns that it gives."""
        size = self._size(table)
        first, table.next_nr = table.next_nr, table.next_nr + size
        joins, values = self._joins(table, "nr")
        columns = self._columns_given(table)
        listed = "".join(", " + values[column] for column in columns)
        return f"SELECT nr{listed} FROM generate_series({first}::bigint, {first + size - 1}) AS nr {joins}", columns

    @staticmethod
    def _listed(columns):
        return ", ".join(["nr", *[identifier(column.name) for column in columns]])

    def _changed(self, sql, assigned=None):
        """Runs a statement and returns how many rows it changed. `assigned` are the columns that it sets in existing rows."""
        if assigned is not None:
            # The oracle asks whether a column of the identity was assigned.
            self.cursor.execute(f"SET oracle.assigned = ',{','.join(str(column.number) for column in assigned)},'")
        self.execute(sql)
        return max(self.cursor.rowcount, 0)

    def _insert(self, table):
        select, columns = self._new_rows(table)
        conflict = " ON CONFLICT DO NOTHING" if table.key_is_random else ""
        return self._changed(f"INSERT INTO {table.root} ({self._listed(columns)}) {select} ORDER BY nr{conflict}")

    def _copy(self, table):
        if table.key_is_random:
            return self._insert(table)
        select, columns = self._new_rows(table)
        form = self.rng.choice(["text", "csv"])
        data = io.BytesIO()
        self.cursor.copy_expert(f"COPY ({select} ORDER BY nr) TO STDOUT (FORMAT {form})", data)
        data.seek(0)
        sql = f"COPY {table.root} ({self._listed(columns)}) FROM STDIN (FORMAT {form})"
        self.log(sql + f" -- of {select}")
        self.cursor.copy_expert(sql, data)
        return max(self.cursor.rowcount, 0)

    def _settable(self, table):
        columns = [column for column in table.filled_columns() if not (table.key_is_random and column in table.key)]
        count = min(len(columns), self.rng.choice((1, 1, 2, 3, 20)))
        return self.rng.sample(columns, count)

    def _fresh(self, table, column, value):
        """A column of a partial identity gets a value without compression: whether it equals the old one is then known."""
        if any(column in leaf.identity_columns for leaf in table.leaves):
            return f"({value}::text)::{column.type.sql}"
        return value

    def _some_rows(self, table, nr):
        size = self._size(table)
        first = self.rng.randint(1, table.next_nr)
        condition = f"{nr} BETWEEN {first} AND {first + size - 1}"
        return condition + self.rng.choice(["", "", f" AND {nr} % 3 = 1"])

    def _update(self, table):
        columns = self._settable(table)
        if not columns:
            return self._insert(table)
        kind = self.rng.random()
        where = self._some_rows(table, "t.nr")
        if kind < 0.15:
            # To what they are, and to nothing.
            own = {column: self.rng.choice([identifier(column.name), identifier(column.name), "NULL"]) for column in columns}
            sets = ", ".join(f"{identifier(column.name)} = {'t.' + identifier(column.name) if column.not_null else own[column]}" for column in columns)
            unassigned = [column for column in columns if not any(column in leaf.identity_columns for leaf in table.leaves)]
            return self._changed(f"UPDATE {table.root} AS t SET {sets} WHERE {where}", unassigned)
        joins, values = self._joins(table, "of_row.nr")
        sets = ", ".join(f"{identifier(column.name)} = {self._fresh(table, column, values[column])}" for column in columns)
        return self._changed(
            f"UPDATE {table.root} AS t SET {sets} FROM {table.root} AS of_row {joins} WHERE of_row.nr = t.nr AND {where}", columns
        )

    def _delete(self, table):
        return self._changed(f"DELETE FROM {table.root} AS t WHERE {self._some_rows(table, 't.nr')}")

    def _upsert(self, table):
        # New ones and, where the key is nr alone, old ones.
        by_nr = table.key == [table.nr]
        if by_nr:
            reached = table.next_nr
            table.next_nr = max(1, table.next_nr - self._size(table))
        select, columns = self._new_rows(table)
        if by_nr:
            table.next_nr = max(table.next_nr, reached)
        settable = [column for column in columns if column not in table.key]
        if not by_nr or not settable:
            return self._changed(f"INSERT INTO {table.root} ({self._listed(columns)}) {select} ORDER BY nr ON CONFLICT DO NOTHING")
        sets = ", ".join(f"{identifier(column.name)} = {self._fresh(table, column, 'excluded.' + identifier(column.name))}" for column in settable)
        return self._changed(
            f"INSERT INTO {table.root} ({self._listed(columns)}) {select} ORDER BY nr ON CONFLICT (nr) DO UPDATE SET {sets}", settable
        )

    def _merge(self, table):
        first = self.rng.randint(1, table.next_nr)
        size = self._size(table)
        table.next_nr = max(table.next_nr, first + size)
        joins, values = self._joins(table, "nr")
        columns = table.filled_columns()
        source = ", ".join(["nr", *[f"{values[column]} AS c{column.number}" for column in columns]])
        settable = self._settable(table)
        sets = ", ".join(f"{identifier(column.name)} = {self._fresh(table, column, f's.c{column.number}')}" for column in settable)
        update = f"WHEN MATCHED THEN UPDATE SET {sets}" if settable else ""
        inserted = ", ".join(["s.nr", *[f"s.c{column.number}" for column in columns]])
        return self._changed(
            f"MERGE INTO {table.root} AS t USING (SELECT {source} FROM generate_series({first}::bigint, {first + size - 1}) AS nr {joins} ORDER BY nr) AS s"
            f" ON t.nr = s.nr WHEN MATCHED AND s.nr % 4 = 0 THEN DELETE {update}"
            f" WHEN NOT MATCHED THEN INSERT ({self._listed(columns)}) VALUES ({inserted})",
            settable,
        )

    def _truncate(self, table):
        if table.is_partitioned and self.rng.random() < 0.5:
            schema, name = self.rng.choice(table.partitions)
            self.execute(f"TRUNCATE {identifier(schema)}.{identifier(name)}")
            self.execute(oracle.truncated(schema, name))
            return 1
        others = [other for other in self.world.tables if other is not table]
        named = [table] + (self.rng.sample(others, 1) if others and self.rng.random() < 0.2 else [])
        self.execute(f"TRUNCATE {', '.join(one.root for one in named)}{self.rng.choice(['', ' RESTART IDENTITY', ' CASCADE'])}")
        for one in named:
            self.execute(oracle.truncated(one.schema, one.table))
        return len(named)

    # -- shapes ----------------------------------------------------------------------------------------------------

    def _make_table_now(self, _):
        if len(self.world.tables) < 2 * TABLES_OF_A_ROUND:
            self._make_table()

    def _alter_table(self, table):
        rng = self.rng
        loose = [column for column in table.columns if not table.fixed(column)]
        alterations = [self._add_column, self._add_column, self._rename_table, self._change_identity]
        if loose:
            alterations += [self._change_type, self._change_type, self._rename_column]
        if len(loose) > 1:
            alterations.append(self._drop_column)
        rng.choice(alterations)(table, rng.choice(loose) if loose else None)
        self._observe(table)

    def _append(self, table, column):
        table.columns.append(column)
        for leaf in table.leaves:
            leaf.columns.append(column)

    def _add_column(self, table, _):
        if len(table.columns) > 30:
            return
        column = self.world.new_column(table, self.world.random_type())
        default = ""
        if self.rng.random() < 0.5:
            value = literal(self.rng.choice(column.type.pool))
            default = f" DEFAULT {value}"
            column.not_null = self.rng.random() < 0.5
        self.execute(f"ALTER TABLE {table.root} ADD {column.definition()}{default}")
        self._append(table, column)
        self.world.add_to_pool(table, column)

    def _drop_column(self, table, column):
        self.execute(f"ALTER TABLE {table.root} DROP COLUMN {identifier(column.name)}")
        table.columns.remove(column)
        for leaf in table.leaves:
            leaf.columns.remove(column)

    def _change_type(self, table, column):
        """To another type, by the text where that is possible."""
        new = self.world.new_column(table, self.world.random_type())
        name = identifier(column.name)
        using, new.type = self.rng.choice(
            [(f"NULL::{new.type.sql}", new.type), (f"{name}::text", self.world.fill(self.world.bases["text"][0]))]
        )
        if column.not_null:
            self.execute(f"ALTER TABLE {table.root} ALTER {name} DROP NOT NULL, ALTER {name} DROP DEFAULT")
        self.execute(f"ALTER TABLE {table.root} ALTER {name} DROP DEFAULT, ALTER {name} TYPE {new.type.sql} USING {using}")
        new.name = column.name
        for columns in [table.columns, *[leaf.columns for leaf in table.leaves]]:
            columns[columns.index(column)] = new
        self.world.add_to_pool(table, new)

    def _rename_column(self, table, column):
        name = self.rng.choice(PREFIXES)[:50] + f" renamed {self.world.next_number()}"
        self.execute(f"ALTER TABLE {table.root} RENAME {identifier(column.name)} TO {identifier(name[:60])}")
        column.name = name[:60]

    def _rename_table(self, table, _):
        was = table.root
        if self.rng.random() < 0.5:
            table.table = self.rng.choice(PREFIXES)[:50] + f" again {self.world.next_number()}"
            self.execute(f"ALTER TABLE {was} RENAME TO {identifier(table.table)}")
        else:
            table.schema = self.rng.choice([schema for schema in SCHEMAS if schema != table.schema])
            self.execute(f"ALTER TABLE {was} SET SCHEMA {identifier(table.schema)}")
        if not table.is_partitioned:
            table.leaves[0].name = table.root

    def _change_identity(self, table, _):
        self.world.choose_identity(table, self.rng.choice(table.leaves))

    def _alter_type(self, _):
        types = [type for type in self.world.made_types if isinstance(type, (Composite, Enum))]
        type = self.rng.choice(types)
        if isinstance(type, Enum):
            old = self.rng.choice(type.labels)
            new = f"renamed {self.world.next_number()}"
            self.execute(f"ALTER TYPE {type.sql} RENAME VALUE {literal(old)} TO {literal(new)}")
            type.labels[type.labels.index(old)] = new
        else:
            self._alter_composite(type)
        self._type_changed()

    def _alter_composite(self, type):
        kind = "TABLE" if type.is_table else "TYPE"
        word = "COLUMN" if type.is_table else "ATTRIBUTE"
        if self.rng.random() < 0.4:
            field = self.rng.choice(type.fields)
            name = f"renamed {self.world.next_number()}"
            self.execute(f"ALTER {kind} {type.sql} RENAME {word} {identifier(field[0])} TO {identifier(name)}")
            field[0] = name
        elif self.rng.random() < 0.3 and len(type.fields) > 1 and not type.keyable:
            field = type.fields.pop(self.rng.randrange(len(type.fields)))
            self.execute(f"ALTER {kind} {type.sql} DROP {word} {identifier(field[0])}")
        elif len(type.fields) < 12:
            # A base type: what is made of the composite itself cannot be a part of it.
            added = self.rng.choice([base for base in self.world.weighted_bases if base.keyable or not type.keyable])
            name = f"added {self.world.next_number()}"
            self.execute(f"ALTER {kind} {type.sql} ADD {word} {identifier(name)} {added.sql}")
            type.fields.append([name, self.world.fill(added)])

    def _type_changed(self):
        for type in self.world.made_types:
            type.forget_pools()
        for table in self.world.tables:
            for column in table.columns:
                column.type.forget_pools()
            self._observe(table)

    def _add_enum_value(self):
        enums = [type for type in self.world.made_types if isinstance(type, Enum)]
        if enums:
            type = self.rng.choice(enums)
            label = f"added {self.world.next_number()}"
            self.execute(f"ALTER TYPE {type.sql} ADD VALUE {literal(label)} {self.rng.choice(['BEFORE', 'AFTER'])} {literal(self.rng.choice(type.labels))}")
            type.labels.append(label)
            type.forget_pools()
