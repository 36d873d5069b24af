"""Two databases that apply reaches over TCP, through a proxy each, somebody who writes at the source, and the proof that the trail is what was
committed: row for row, value for value, in order, once.
"""

import contextlib
import datetime
import random
import threading

import psycopg2

import audit
import commit_order
from proxy import Proxy
from servers import DESTINATION_ROLE, SOURCE_ROLE, wait_until

# How long a server may be silent before apply looks whether it is still there (tcp_user_timeout).
SILENCE_MS = 2000
# Where apply must not take a server for dead: more than a busy machine may keep an answer back.
PATIENT_MS = 6000
# For the connection that asks about a silent one as well: with SILENCE_MS less than wal_sender_timeout, so that apply is the first to give up.
CONNECT_TIMEOUT_S = 3
END_TIMEOUT_S = 60
NOT_RECORDED = ("--exclude-tables", "audit.*")
POSTGRES_EPOCH = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)


def tcp_settings(port):
    return {"listen_addresses": "127.0.0.1", "port": port, "wal_sender_timeout": "6s"}


class Through:
    """A database as it is reached through a port, by default as the owner."""

    def __init__(self, database, port, host="127.0.0.1", **options):
        self.name = database.name
        self._database = database
        self._more = {"host": host, "port": port, **options}

    def conninfo(self):
        return self._database.conninfo(**self._more)


class ItemWriter:
    """Writes transactions of all sizes in a thread until end(). While the source is away, it waits for it."""

    def __init__(self, source, seed, sizes=(1, 1, 1, 5, 300)):
        self._source = source
        self._random = random.Random(seed)
        self._sizes = sizes
        self._ended = threading.Event()
        self.committed = 0
        self._next = 1
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        connection = None
        while not self._ended.is_set():
            try:
                connection = connection or self._source.connect(autocommit=False)
                self._write(connection)
                self.committed += 1
            except psycopg2.Error:
                connection = None
                self._ended.wait(0.1)
            self._ended.wait(self._random.uniform(0, 0.02))
        if connection is not None:
            connection.close()

    def _write(self, connection):
        with connection.cursor() as cursor:
            size, first = self._random.choice(self._sizes), self._next
            self._next += size
            cursor.execute(
                "INSERT INTO items SELECT i, %s, repeat(md5(i::text), %s) FROM generate_series(%s, %s) AS i",
                [self._random.random(), self._random.choice([0, 1, 100]), first, first + size - 1],
            )
            cursor.execute("SAVEPOINT taken_back")
            cursor.execute("UPDATE items SET number = -1 WHERE id > %s AND id < %s", [first - 5, self._next])
            cursor.execute("ROLLBACK TO taken_back")
            cursor.execute("UPDATE items SET number = number + 1 WHERE id BETWEEN %s AND %s", [first - 3, first])
            cursor.execute("DELETE FROM items WHERE id = %s", [first - 50])
        connection.commit()

    def end(self):
        self._ended.set()
        self._thread.join(END_TIMEOUT_S)
        assert not self._thread.is_alive(), "the writer does not end"
        assert self.committed > 0, "nothing was written"


class Wired:
    """`source` and `destination` are databases of servers with tcp_settings(). `with_looks`: the trail is looked at while it grows."""

    def __init__(self, source, destination, slot, waltrail, with_looks=True):
        self.source, self.destination, self.slot, self.waltrail = source, destination, slot, waltrail
        audit.set_up(source, logged=True)
        audit.follow_new_tables(source)
        commit_order.prepare(source)
        source.execute("CREATE TABLE items (id integer PRIMARY KEY, number numeric, note text)")
        source.execute("CREATE TABLE marks (id bigserial PRIMARY KEY)")
        waltrail.init(source, destination, slot, "--tables", "public.*")
        self.to_source, self.to_destination = Proxy(source.server.port), Proxy(destination.server.port)
        self.looks = commit_order.Looks(destination) if with_looks else None
        self._writer = None

    def proxy(self, end):
        return {"source": self.to_source, "destination": self.to_destination}[end]

    def start_apply(self, *more, silence_ms=SILENCE_MS, environment=None, proxied=("source", "destination")):
        ends = [
            Through(database, proxy.port if end in proxied else database.server.port, tcp_user_timeout=silence_ms, connect_timeout=CONNECT_TIMEOUT_S,
                    user=role)
            for end, database, proxy, role in (
                ("source", self.source, self.to_source, SOURCE_ROLE), ("destination", self.destination, self.to_destination, DESTINATION_ROLE),
            )
        ]  # fmt: skip
        process = self.waltrail.apply(*ends, self.slot, *NOT_RECORDED, *more, environment=environment)
        process.wait_for_output("streaming source")
        return process

    def start_writing(self, seed, **options):
        self._writer = ItemWriter(self.source, seed, **options)
        return self._writer

    def end_writing(self):
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.end()

    def write_mark(self):
        """A change that is committed behind all others; its name."""
        return self.source.value("INSERT INTO marks DEFAULT VALUES RETURNING id")

    def has_arrived(self, mark):
        return self.destination.value("""SELECT count(*) FROM changes WHERE "table" = 'marks' AND primary_key = %s::text""", [mark]) > 0

    def wait_until_caught_up(self, timeout_s=60):
        mark = self.write_mark()
        wait_until(lambda: self.has_arrived(mark), "the trail to catch up", timeout_s)

    def assert_trail_is_what_was_committed(self, process=None):
        """`process`: the apply that must have caught up by itself."""
        self.end_writing()
        if process is not None:
            self.wait_until_caught_up()
            assert process.is_running(), process.output()
            assert process.stop() == 0, process.output()
        self.waltrail.apply_until_now(self.source, self.destination, self.slot, *NOT_RECORDED)
        if self.looks is not None:
            self.looks.end()
        assert self.destination.query("SELECT operation, error FROM changes.quarantine") == []
        audit.assert_same(audit.notes(self.source), audit.trail(self.destination))
        self._assert_order()

    def _assert_order(self):
        times = commit_order.read(self.source)
        seen = dict(self.destination.query("SELECT DISTINCT transaction_id, committed_at FROM changes"))
        assert seen == {
            transaction: (POSTGRES_EPOCH + datetime.timedelta(microseconds=time)).replace(microsecond=0)
            for transaction, time in times.items()
        }
        if self.looks is not None:
            self.looks.assert_beginnings(list(times))

    def close(self):
        with contextlib.ExitStack() as stack:  # from the last to the first, whatever one of them raises
            for proxy in (self.to_source, self.to_destination):
                stack.callback(proxy.close)
            stack.callback(self.waltrail.close)
            if self.looks is not None:
                stack.callback(self.looks.end)
            stack.callback(self.end_writing)
