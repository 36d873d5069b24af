"""What happens at the source: several clients that write transactions of all kinds and sizes, and one that changes the tables under them. The notes
of audit.py are the record of it, so nothing here needs to know what was committed."""

import json
import random
import threading

import psycopg2

TABLES = ["plain", "keyless", "parted"]
CREATE = {
    "plain": """
        CREATE TABLE plain (id bigint PRIMARY KEY DEFAULT nextval('numbers'), number numeric DEFAULT random()::numeric(9, 4), note text, doc jsonb);
        ALTER TABLE plain ALTER note SET STORAGE EXTERNAL;""",
    "keyless": "CREATE TABLE keyless (id bigint DEFAULT nextval('numbers'), number numeric DEFAULT 1.50, note text, doc jsonb);",
    "parted": """
        CREATE TABLE parted (id bigint DEFAULT nextval('numbers'), number numeric DEFAULT 0, note text, doc jsonb, PRIMARY KEY (id)) PARTITION BY HASH (id);
        CREATE TABLE parted_0 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
        CREATE TABLE parted_1 PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);""",
}
NOTE_TRUNCATE = "CREATE TRIGGER zz_truncate AFTER TRUNCATE ON {0} FOR EACH STATEMENT EXECUTE FUNCTION audit.note_truncate();"
ROWS_MAX = 15_000  # of a table, then it is emptied
ONE = "(SELECT id FROM {0} TABLESAMPLE SYSTEM_ROWS({1}))"
EXTRA_TYPES = ["integer DEFAULT 7", "text DEFAULT 'missing'", "numeric DEFAULT 1.10", "timestamptz DEFAULT '2024-01-01 00:00:00.5+00'",
               "integer[] DEFAULT '{1,NULL}'", "boolean", "double precision DEFAULT 0.1", "bytea DEFAULT '\\x00ff'"]  # fmt: skip


def script(table):
    return CREATE[table] + NOTE_TRUNCATE.format(table)


def set_up(source):
    source.psql("CREATE EXTENSION tsm_system_rows; CREATE SEQUENCE numbers CACHE 100;" + "".join(map(script, TABLES)))


class Client:
    """A thread with a session of its own, which pauses between two transactions when asked."""

    pause_s = (0.0, 0.05)

    def __init__(self, source, name, seed):
        self._source = source
        self.name = name
        self.random = random.Random(f"{name} {seed}")
        self._ended = threading.Event()
        self._may_write = threading.Event()
        self._may_write.set()
        self._writing = threading.Lock()
        self.committed = 0
        self._failure = None
        self._connection = None
        self._thread = threading.Thread(target=self._run_to_the_end)
        self._thread.start()

    def _run_to_the_end(self):
        try:
            self._run()
        except Exception as failure:  # a thread's failure is the soak's
            self._failure = failure

    def _run(self):
        while not self._ended.is_set():
            self._may_write.wait()
            with self._writing:
                if self._may_write.is_set() and not self._ended.is_set():
                    self._attempt()
            self._ended.wait(self.random.uniform(*self.pause_s))
        if self._connection is not None:
            self._connection.close()

    def _attempt(self):
        """What fails is rolled back: a conflict with another client, a column that is gone, a server that is away."""
        try:
            if self._connection is None:
                self._connection = self._source.connect(autocommit=False, options="-c lock_timeout=2s -c statement_timeout=30s")
            with self._connection.cursor() as cursor:
                self.transaction(cursor)
            self._connection.commit()
            self.committed += 1
        except psycopg2.errors.SyntaxError:  # never a matter of what others do
            raise
        except psycopg2.Error:
            self._take_back()

    def _take_back(self):
        """A session that cannot even do that has lost its server: there will be another."""
        try:
            if self._connection is not None:
                self._connection.rollback()
                return
        except psycopg2.Error:
            self._connection.close()
            self._connection = None
        self._ended.wait(0.2)

    def pause(self):
        """Returns when no transaction is under way."""
        self._may_write.clear()
        with self._writing:
            pass

    def go_on(self):
        self._may_write.set()

    def assert_is_at_work(self):
        """Until end()."""
        assert self._thread.is_alive(), f"a client has died: {type(self._failure).__name__}: {self._failure}"

    def end(self):
        self._ended.set()
        self._may_write.set()
        self._thread.join()


class Writer(Client):
    def transaction(self, cursor):
        table = self.random.choice(TABLES)
        for _ in range(self.random.choice([1, 1, 1, 2, 4])):
            is_taken_back = self.random.random() < 0.15
            cursor.execute("SAVEPOINT one")
            self.statement(cursor, table)
            if is_taken_back:
                cursor.execute("ROLLBACK TO one")
            elif self.random.random() < 0.5:
                cursor.execute("RELEASE one")
        if self.random.random() < 0.05:
            raise psycopg2.DataError("changed its mind")

    def statement(self, cursor, table):
        choice = self.random.random()
        size = self.size()
        if choice < 0.5:
            sql = f"INSERT INTO {table} (note, doc) SELECT {self.text()}, jsonb_build_object('i', i, 'n', 1.50) FROM generate_series(1, {size}) AS i"
        elif choice < 0.75:
            sql = f"UPDATE {table} SET number = number + 1.5 WHERE id IN {ONE.format(table, size)}"
        elif choice < 0.85 and table != "parted":
            sql = f"UPDATE {table} SET note = {self.text()}, doc = NULL WHERE id IN {ONE.format(table, min(size, 20))}"
        elif choice < 0.9:
            # To another key, and perhaps another partition.
            sql = f"UPDATE {table} SET id = nextval('numbers') WHERE id IN {ONE.format(table, min(size, 20))}"
        else:
            sql = f"DELETE FROM {table} WHERE id IN {ONE.format(table, size * 2)}"
        if table == "parted":
            sql = sql.replace("parted TABLESAMPLE", f"parted_{self.random.randrange(2)} TABLESAMPLE")
        cursor.execute(sql + self.comment())

    def size(self):
        kind = self.random.random()
        if kind < 0.7:
            return self.random.randrange(1, 4)
        if kind < 0.95:
            return self.random.randrange(4, 60)
        return self.random.randrange(60, 600) if kind < 0.995 else self.random.randrange(2_000, 8_000)

    def text(self):
        kind = self.random.random()
        if kind < 0.9:
            return self.random.choice(["NULL", "''", "md5(random()::text)", "'it''s \"é\" \\ 日本'"])
        if kind < 0.995:
            return "repeat(md5(random()::text), 300)"
        return "(SELECT string_agg(md5(random()::text), '') FROM generate_series(1, 40000))"  # more than a megabyte

    def comment(self):
        if self.random.random() < 0.5:
            return ""
        return f" /*Bemi {json.dumps({'request': self.random.randrange(1000), 'user': 'ada'})} Bemi*/"


class Architect(Client):
    """Changes the tables, now and then together with rows in the same transaction."""

    pause_s = (0.3, 1.5)

    def transaction(self, cursor):
        table = self.random.choice(TABLES)
        cursor.execute(f"SELECT count(*) FROM (SELECT FROM {table} LIMIT {ROWS_MAX}) AS rows_there")
        [(count,)] = cursor.fetchall()
        if count >= ROWS_MAX:
            cursor.execute(f"TRUNCATE {table}")
            return
        if self.random.random() < 0.5:
            cursor.execute(f"INSERT INTO {table} (note) VALUES ('before')")
        self.random.choice([self.add, self.add, self.drop, self.rename, self.change_type, self.make_again, self.truncate])(cursor, table)
        if self.random.random() < 0.5:
            cursor.execute(f"INSERT INTO {table} (note) SELECT 'after' FROM generate_series(1, 3)")

    def extra(self, cursor, table):
        cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attname LIKE 'extra%%' AND NOT attisdropped "
                       "ORDER BY 1", [table])  # fmt: skip
        names = [name for (name,) in cursor.fetchall()]
        return self.random.choice(names) if names else None

    def add(self, cursor, table):
        cursor.execute(f"ALTER TABLE {table} ADD COLUMN extra_{self.random.randrange(4)} {self.random.choice(EXTRA_TYPES)}")

    def drop(self, cursor, table):
        if name := self.extra(cursor, table):
            cursor.execute(f"ALTER TABLE {table} DROP COLUMN {name}")

    def rename(self, cursor, table):
        if name := self.extra(cursor, table):
            cursor.execute(f"ALTER TABLE {table} RENAME COLUMN {name} TO extra_{self.random.randrange(4, 8)}")

    def change_type(self, cursor, table):
        if name := self.extra(cursor, table):
            cursor.execute(f"ALTER TABLE {table} ALTER COLUMN {name} DROP DEFAULT, ALTER COLUMN {name} TYPE text USING {name}::text")

    def make_again(self, cursor, table):
        cursor.execute(f"DROP TABLE {table}")
        cursor.execute(script(table))

    def truncate(self, cursor, table):
        if self.random.random() < 0.3:
            cursor.execute(f"TRUNCATE {table}")


class Workload:
    def __init__(self, source, seed, writers=3):
        self._clients = [Writer(source, f"writer {number}", seed) for number in range(writers)] + [Architect(source, "architect", seed)]

    def pause(self):
        for client in self._clients:
            client.pause()

    def go_on(self):
        for client in self._clients:
            client.go_on()

    def assert_is_at_work(self):
        for client in self._clients:
            client.assert_is_at_work()

    @property
    def committed(self):
        """Transactions of each client, by its name."""
        return {client.name: client.committed for client in self._clients}

    def assert_all_have_committed(self):
        for name, count in self.committed.items():
            assert count > 0, f"nothing was committed by {name}"

    def end(self):
        for client in self._clients:
            client.end()
