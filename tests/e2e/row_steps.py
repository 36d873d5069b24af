"""The steps of the random walk that change rows: every kind of statement, on whatever tables there are."""

PARTS = 6


class RowSteps:
    def part(self):
        return self.random.randint(1, PARTS)

    def written_columns(self, table):
        """Name and type of the columns that a statement may give a value."""
        return self.query(
            "SELECT quote_ident(attname), atttypid FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "AND NOT attisdropped AND attgenerated = '' AND attidentity = '' ORDER BY attnum", [table])  # fmt: skip

    def insert(self):
        table = self.any_table()
        columns = self.written_columns(table)
        bounds = self.query("SELECT (regexp_match(pg_get_expr(relpartbound, oid), '[0-9]+'))[1] FROM pg_class "
                            "WHERE oid = %s::regclass AND relpartbound IS NOT NULL", [table])  # fmt: skip
        part = bounds[0][0] if bounds and bounds[0][0] else str(self.part())
        values = [part if name == "part" else self.value_or_null(oid) if name != "id" else
                  str(self.random.randrange(10**9)) for name, oid in columns]  # fmt: skip
        names = ", ".join(name for name, _ in columns)
        end = " ON CONFLICT DO NOTHING" if self.random.random() < 0.3 else ""
        self.query(f"INSERT INTO {table} ({names}) VALUES ({', '.join(values)}){end}")

    def some_rows(self, table):
        order = self.random.choice(["ctid", "ctid DESC"])
        return f"(tableoid, ctid) IN (SELECT tableoid, ctid FROM {table} ORDER BY tableoid, {order} LIMIT 2)"

    def update(self):
        table = self.any_table()
        column, oid = self.pick(
            "SELECT quote_ident(attname), atttypid FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 "
            "AND NOT attisdropped AND attgenerated = '' AND attidentity = ''", [table])  # fmt: skip
        value = str(self.part()) if column == "part" else self.value_or_null(oid)
        self.query(f"UPDATE {table} SET {column} = {value} WHERE {self.some_rows(table)}")

    def update_whole(self):
        table = self.any_table()
        values = [f"{name} = {self.value_or_null(oid)}" for name, oid in self.written_columns(table) if name != "part"]
        self.query(f"UPDATE {table} SET {', '.join(values)} WHERE {self.some_rows(table)}")

    def update_nothing(self):
        table = self.any_table()
        column = self.column(table, "attgenerated = '' AND attidentity = ''")
        self.query(f"UPDATE {table} SET {column} = {column} WHERE {self.some_rows(table)}")

    def delete(self):
        table = self.any_table()
        self.query(f"DELETE FROM {table} WHERE {self.some_rows(table)}")

    def truncate(self):
        self.query(f"TRUNCATE {self.any_table()}")

    def upsert(self):
        table = self.relation("relkind IN ('r', 'p') AND EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)")
        [(key,)] = self.query("""
            SELECT string_agg(quote_ident(attname), ', ') FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
            WHERE indrelid = %s::regclass AND indisprimary""", [table])  # fmt: skip
        names = ", ".join(name for name, _ in self.written_columns(table))
        column = self.column(table, "attgenerated = '' AND attidentity = ''")
        self.query(f"INSERT INTO {table} ({names}) SELECT {names} FROM {table} LIMIT 3 "
                   f"ON CONFLICT ({key}) DO UPDATE SET {column} = DEFAULT")  # fmt: skip

    def merge(self):
        table = self.any_table()
        column = self.column(table, "attgenerated = '' AND attidentity = ''")
        self.query(f"""
            MERGE INTO {table} AS t USING (SELECT tableoid AS leaf, ctid AS place, row_number() OVER () AS n FROM {table} LIMIT 4) AS s
            ON t.tableoid = s.leaf AND t.ctid = s.place WHEN MATCHED AND n = 1 THEN DELETE
            WHEN MATCHED AND n = 2 THEN DO NOTHING WHEN MATCHED THEN UPDATE SET {column} = DEFAULT""")
