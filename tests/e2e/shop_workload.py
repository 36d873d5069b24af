"""Random transactions on a source whose tables have what makes the past hard: keys that change, foreign keys that cascade, a trigger, rows without
a key, partitions, values out of line, and a table whose old rows are not logged whole.
"""

import io
import json
import random
import threading
import time

import psycopg2

TABLES = """
CREATE TABLE accounts (id int PRIMARY KEY, name text, balance numeric, note text, touched int NOT NULL DEFAULT 0, twice numeric GENERATED ALWAYS AS (balance * 2) STORED);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.touched := OLD.touched + 1; RETURN NEW; END';
CREATE TRIGGER touch BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, account int REFERENCES accounts ON UPDATE CASCADE ON DELETE SET NULL,
                     state text, doc jsonb, at timestamptz DEFAULT clock_timestamp());
CREATE DOMAIN product AS text;
CREATE TYPE unit AS ENUM ('°C', 'it''s "%"');
CREATE TABLE "order lines" (order_id bigint REFERENCES orders ON DELETE CASCADE, "pro""duct" product, amount int, tags text[], PRIMARY KEY (order_id, "pro""duct"));
CREATE TABLE events (kind text, weight numeric);
CREATE TABLE measures (sensor text, unit unit, day date, value double precision, PRIMARY KEY (sensor, unit, day)) PARTITION BY RANGE (day);
CREATE TABLE measures_1 PARTITION OF measures FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
CREATE TABLE measures_2 PARTITION OF measures FOR VALUES FROM ('2024-02-01') TO ('2024-03-01');
CREATE TABLE partly (id int PRIMARY KEY, big text, n int);
"""
NAMES = ["accounts", "orders", "order lines", "events", "measures", "partly"]
WHOLE = [name for name in NAMES if name != "partly"]  # logged whole: their changes can be taken back
KEYS = {"accounts": "id::text", "orders": "id::text", "order lines": 'ROW(order_id, "pro""duct")::text',
        "measures": "ROW(sensor, unit, day)::text", "partly": "id::text"}  # fmt: skip
ONE_OF = "(SELECT {key} FROM {table} ORDER BY random() LIMIT 1)"

SETTINGS = "SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1; SET bytea_output = 'hex'; SET search_path = public"


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def dump(source):
    """What the tables hold: for each the rows as the trail has them, sorted."""
    with source.connect(autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute(SETTINGS)
        rows = {}
        for name in NAMES:
            cursor.execute(f"SELECT {KEYS.get(name, 'NULL::text')}, to_jsonb(t)::text FROM {quoted(name)} AS t")
            rows[name] = sorted(cursor.fetchall(), key=str)
    connection.close()
    return rows


class Writer:
    def __init__(self, source, seed, tables=NAMES, truncates=True):
        self.source = source
        self.random = random.Random(seed)
        self.tables = tables
        self.truncates = truncates
        self.transactions = 0
        self.last_xid = None

    def text(self):
        return self.random.choice([None, "", "it's", 'a "b", (c) \\ $1', "ü 日本", "plain"]) or str(self.random.randrange(1000))

    def large(self):
        return "".join(self.random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=12000))

    def number(self):
        return self.random.choice(["0", "1.50", "1.5", "-7", "123456789.123456789", "NaN", "1e20"])

    def write_accounts(self, cursor):
        one = ONE_OF.format(key="id", table="accounts")
        what = self.random.randrange(7)
        if what <= 1:
            cursor.execute("INSERT INTO accounts (id, name, balance, note) SELECT coalesce(max(id), 0) + 1, %s, %s, %s FROM accounts",
                           (self.text(), self.number(), self.large() if self.random.random() < 0.5 else None))  # fmt: skip
        elif what == 2:
            cursor.execute(f"UPDATE accounts SET balance = %s WHERE id = {one}", (self.number(),))
        elif what == 3:
            cursor.execute(f"UPDATE accounts SET note = %s WHERE id = {one}", (self.large(),))
        elif what == 4:
            cursor.execute(f"UPDATE accounts SET id = id + %s WHERE id = {one}", (self.random.choice([1, -1, 1000]),))
        elif what == 5:
            cursor.execute("UPDATE accounts SET name = %s WHERE id %% 3 = 1", (self.text(),))
        else:
            cursor.execute(f"DELETE FROM accounts WHERE id = {one}")

    def write_orders(self, cursor):
        one = ONE_OF.format(key="id", table="orders")
        what = self.random.randrange(5)
        if what <= 1:
            document = {"a": [1, None, {"b": self.text()}], "n": 1.5}
            cursor.execute(f"INSERT INTO orders (account, state, doc) VALUES ({ONE_OF.format(key='id', table='accounts')}, %s, %s)",
                           (self.text(), json.dumps(document)))  # fmt: skip
        elif what == 2:
            cursor.execute(f"UPDATE orders SET state = %s, doc = NULL WHERE id = {one}", (self.text(),))
        elif what == 3:
            cursor.execute(f"UPDATE orders SET doc = doc || %s WHERE id = {one}", (json.dumps({self.text(): self.large()}),))
        else:
            cursor.execute(f"DELETE FROM orders WHERE id = {one}")

    def write_lines(self, cursor):
        one = "ctid = " + ONE_OF.format(key="ctid", table='"order lines"')
        what = self.random.randrange(4)
        if what <= 1:
            cursor.execute(f'INSERT INTO "order lines" SELECT {ONE_OF.format(key="id", table="orders")}, %s || g, %s, %s FROM generate_series(1, 2) AS g WHERE EXISTS (SELECT FROM orders)',
                           (self.text(), self.random.randrange(9), [self.text(), None]))  # fmt: skip
        elif what == 2:
            cursor.execute(f'UPDATE "order lines" SET "pro""duct" = "pro""duct" || %s, amount = amount + 1 WHERE {one}', (self.text()[:9],))
        else:
            cursor.execute(f'DELETE FROM "order lines" WHERE {one}')

    def write_events(self, cursor):
        one = "ctid = " + ONE_OF.format(key="ctid", table="events")
        what = self.random.randrange(12)
        if what <= 4:
            rows = "".join(f"{self.random.choice('ab')}\t{self.random.choice(['1.5', '1.50'])}\n" for _ in range(3))
            cursor.copy_expert("COPY events FROM STDIN", io.StringIO(rows))  # rows of one record share a position
        elif what <= 7:
            cursor.execute(f"UPDATE events SET kind = %s WHERE {one}", (self.random.choice("abc"),))
        elif what <= 10 or not self.truncates:
            cursor.execute(f"DELETE FROM events WHERE {one}")
        else:
            cursor.execute("TRUNCATE events")

    def write_measures(self, cursor):
        one = "(sensor, unit, day) = " + ONE_OF.format(key="sensor, unit, day", table="measures")
        what = self.random.randrange(4)
        if what <= 1:
            cursor.execute("INSERT INTO measures VALUES (%s, %s, date '2024-01-01' + %s, %s) ON CONFLICT (sensor, unit, day) DO UPDATE SET value = excluded.value",
                           (self.text(), self.random.choice(["°C", 'it\'s "%"']), self.random.randrange(59), self.random.choice([0.1, 1e300, "NaN", None])))  # fmt: skip
        elif what == 2:
            # To the other partition, or within its own.
            cursor.execute(f"UPDATE measures SET day = date '2024-01-01' + %s WHERE {one}", (self.random.randrange(59),))
        else:
            cursor.execute(f"DELETE FROM measures WHERE {one}")

    def write_partly(self, cursor):
        one = ONE_OF.format(key="id", table="partly")
        what = self.random.randrange(6)
        if what <= 1:
            cursor.execute("INSERT INTO partly SELECT coalesce(max(id), 0) + 1, %s, 1 FROM partly", (self.large(),))
        elif what <= 3:
            cursor.execute(f"UPDATE partly SET n = n + 1 WHERE id = {one}")
        elif what == 4:
            cursor.execute(f"UPDATE partly SET id = id + 500 WHERE id = {one}")
        else:
            cursor.execute(f"DELETE FROM partly WHERE id = {one}")

    def transaction(self, connection):
        """One transaction; a conflict with another writer rolls it back."""
        writes = {"accounts": self.write_accounts, "orders": self.write_orders, "order lines": self.write_lines, "events": self.write_events,
                  "measures": self.write_measures, "partly": self.write_partly}  # fmt: skip
        try:
            with connection, connection.cursor() as cursor:
                for _ in range(self.random.randint(1, 4)):
                    cursor.execute("SAVEPOINT one")
                    writes[self.random.choice(self.tables)](cursor)
                    if self.random.random() < 0.1:
                        cursor.execute("ROLLBACK TO SAVEPOINT one")
                if self.random.random() < 0.1:
                    raise psycopg2.DatabaseError("changed my mind")
                cursor.execute("SELECT pg_current_xact_id_if_assigned()::text::bigint")
                [(xid,)] = cursor.fetchall()
            self.transactions += 1
            self.last_xid = xid
        except (psycopg2.DatabaseError, psycopg2.IntegrityError):
            pass


class Writers:
    """Writers in threads, which pause between two transactions when asked."""

    def __init__(self, source, seed, count=2):
        self._source = source
        self._may_write = threading.Event()
        self._may_write.set()
        self._ended = threading.Event()
        self._locks = [threading.Lock() for _ in range(count)]
        self._writers = [Writer(source, seed * 100 + number) for number in range(count)]
        self._threads = [threading.Thread(target=self._run, args=pair) for pair in zip(self._writers, self._locks)]
        for thread in self._threads:
            thread.start()

    def _run(self, writer, lock):
        connection = self._source.connect(autocommit=False)
        while not self._ended.is_set():
            self._may_write.wait()
            with lock:
                if self._may_write.is_set():
                    writer.transaction(connection)
        connection.close()

    def look(self, pause_s=0.05):
        """A moment of the source's clock, and what the tables held then: nobody writes from pause_s before to pause_s after it."""
        self._may_write.clear()
        for lock in self._locks:
            lock.acquire()
        try:
            time.sleep(pause_s)
            moment = self._source.value("SELECT clock_timestamp()::text")
            held = dump(self._source)
            time.sleep(pause_s)
        finally:
            for lock in self._locks:
                lock.release()
            self._may_write.set()
        return moment, held

    def end(self):
        self._ended.set()
        self._may_write.set()
        for thread in self._threads:
            thread.join()
        return sum(writer.transactions for writer in self._writers)
