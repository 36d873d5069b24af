"""In which order the source committed, as PostgreSQL's own output plugin tells it, and whether a trail kept to it.

The trail's rows have no number of their commit: what it promises is that at every moment it is a beginning of the source's history. So it
is looked at while it grows, and afterwards each look must be the first so many transactions of the order.
"""

import struct
import threading

PUBLICATION = "audit_order"
END_TIMEOUT_S = 60


def _slot(source):
    return f"{source.name}_order"


def prepare(source):
    """Of transactions that noted something (audit.set_up(source, logged=True))."""
    source.execute(f"CREATE PUBLICATION {PUBLICATION} FOR TABLE audit.notes (number) WITH (publish = 'insert')")
    source.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", [_slot(source)])


def read(source):
    """{transaction id: commit time in microseconds since 2000} since the last call, in the order of their commits. A crash of the source may
    bring some of the last call's again."""
    messages = source.query(
        "SELECT data FROM pg_logical_slot_get_binary_changes(%s, NULL, NULL, 'proto_version', '1', 'publication_names', %s)",
        [_slot(source), PUBLICATION],
    )
    begins = [bytes(data) for (data,) in messages if bytes(data[:1]) == b"B"]
    return {transaction: time for _, time, transaction in (struct.unpack(">QqI", begin[1:]) for begin in begins)}


class Looks:
    """Looks at a trail in a thread, again and again, until end()."""

    def __init__(self, destination, interval_s=0.2):
        self._destination = destination
        self._interval_s = interval_s
        self._ended = threading.Event()
        self.seen = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        connection = None
        while not self._ended.wait(self._interval_s):
            try:
                connection = connection or self._destination.connect()
                with connection.cursor() as cursor:
                    cursor.execute("SELECT array_agg(DISTINCT transaction_id) FROM changes")
                    self.seen.append(cursor.fetchone()[0] or [])
            except Exception:  # the destination is away; it is looked at again
                connection = None

    def end(self):
        self._ended.set()
        self._thread.join(END_TIMEOUT_S)
        assert not self._thread.is_alive(), "the trail is looked at still"

    def assert_beginnings(self, order):
        assert self.seen, "the trail was never looked at"
        for seen in self.seen:
            beginning = order[: len(seen)]
            assert set(seen) == set(beginning), (
                f"a trail of {len(seen)} transactions lacked {sorted(set(beginning) - set(seen))[:5]} "
                f"and had {sorted(set(seen) - set(beginning))[:5]}"
            )
