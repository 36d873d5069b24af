"""Work for an apply that fails at a fault point, and the proof that nothing is lost or doubled. Test files take the fixture from here: one pair of
databases for the cases of a file, and a new one after a case that failed, which would spoil all that follow."""

import datetime
import itertools
import json
import subprocess

import pytest

import audit
import commit_order
import fault_program
from waltrail_program import PROGRAM, WaltrailProgram, ends_of_apply
from wired import NOT_RECORDED, POSTGRES_EPOCH

# Where the first passing is at the start of the stream, or says little, a later one as well.
LATER = {"frame_received": 3, "rows_sent": 4, "turn_come": 3, "progress_recorded": 3, "batch_committed": 3, "batch_finished": 2,
         "feedback_due": 2, "feedback_sent": 2}  # fmt: skip
PASSINGS = [(point, 1) for point in fault_program.points("apply")] + list(LATER.items())


class Faulty:
    """A source, a destination that refuses some rows, and one step of work after the other. Small batches, so that there are several."""

    def __init__(self, source, destination, slot):
        self.source, self.destination, self.slot = source, destination, slot
        self.numbers = itertools.count(1)
        self.is_spoilt = False
        audit.set_up(source, logged=True)
        audit.follow_new_tables(source)
        commit_order.prepare(source)
        WaltrailProgram().init(source, destination, slot, "--tables", "public.*")
        destination.execute("ALTER TABLE public.changes ADD CONSTRAINT refused CHECK (after->>'state' IS DISTINCT FROM 'refused')")

    def arguments(self):
        return ["apply", *ends_of_apply(self.source, self.destination), "--slot", self.slot, "--until", "now", "--batch-bytes", "4096",
                "--writers", "2", *NOT_RECORDED]  # fmt: skip

    def work(self):
        """Passes every point: new shapes, several batches, a row that is refused and quarantined in the next pass, and a transaction of so many that it
        is written with care."""
        self.table = f"t{next(self.numbers)}"
        self.source.psql(f"""
            CREATE TABLE {self.table} (id int PRIMARY KEY, state text);
            INSERT INTO {self.table} SELECT i, repeat('x', 500) FROM generate_series(1, 600) AS i;
            INSERT INTO {self.table} VALUES (3001, 'fine'), (3002, 'refused'), (3003, 'fine');
            INSERT INTO {self.table} SELECT i, CASE WHEN i % 2 = 0 THEN 'refused' ELSE 'fine' END FROM generate_series(4001, 4024) AS i;
            UPDATE {self.table} SET state = 'changed' WHERE id < 10;
            DELETE FROM {self.table} WHERE id < 5;
        """)

    def assert_all_is_there(self):
        of_table = f"""\"table\" = '{self.table}'"""
        noted, trail = audit.notes(self.source, of_table), audit.trail(self.destination, of_table)
        written = [row for row in noted if row[-1].get("state") != "refused"]
        audit.assert_same(written, trail)
        # One session has written, so that its transactions were committed in the order of the notes.
        assert [row[0] for row in written] == [row[0] for row in trail]
        self._assert_commit_times(of_table)
        refused = [row[-1]["id"].text for row in noted if row[-1].get("state") == "refused"]
        assert len(refused) == 13 and self._quarantined(of_table) == refused
        # Nor has anything come again, or gone, of what was there before.
        noted = self.source.value("SELECT count(*) FROM audit.notes WHERE after->>'state' IS DISTINCT FROM 'refused'")
        assert self.destination.query("SELECT count(*), count(DISTINCT id), (SELECT sum(changes) FROM changes.applied)::bigint FROM changes") == [
            (noted, noted, noted)
        ]

    def _assert_commit_times(self, of_table):
        times = commit_order.read(self.source)
        seen = dict(self.destination.query(f"SELECT DISTINCT transaction_id, committed_at FROM changes WHERE {of_table}"))
        assert seen == {
            transaction: (POSTGRES_EPOCH + datetime.timedelta(microseconds=times[transaction])).replace(microsecond=0) for transaction in seen
        }

    def _quarantined(self, of_table):
        """The keys of the rows in quarantine, as their frames have them."""
        frames = self.destination.query(f"""SELECT frame FROM changes.quarantine WHERE {of_table} ORDER BY commit_lsn, "sequence", part""")
        lines = [subprocess.run([PROGRAM, "decode"], input=bytes(frame), capture_output=True, check=True).stdout for (frame,) in frames]
        return [str(json.loads(line)["after"]["id"]) for line in lines]

    def assert_survives(self, fault):
        self.is_spoilt = True
        self.work()
        if fault.startswith("position_begun:"):
            # Nothing is left but WAL without rows.
            fault_program.run(*self.arguments())
            self.source.execute("SELECT pg_create_restore_point('behind the last commit')")
        fault_program.run(*self.arguments(), fault=fault)
        fault_program.run(*self.arguments())
        self.assert_all_is_there()
        self.is_spoilt = False


class FaultyPairs:
    """A Faulty for one case after the other."""

    def __init__(self, source_server, destination_server):
        self._servers = source_server, destination_server
        self._numbers = itertools.count(1)
        self._databases = ()
        self._pair = None

    def assert_survives(self, fault):
        if self._pair is None or self._pair.is_spoilt:
            self._make()
        self._pair.assert_survives(fault)

    def _make(self):
        self.drop()
        number = next(self._numbers)
        self._databases = [server.create_database(f"{server.name}_of_faults_{number}") for server in self._servers]
        self._pair = Faulty(*self._databases, f"slot_of_faults_{number}")

    def drop(self):
        for database in self._databases:
            database.drop()
        self._databases, self._pair = (), None


@pytest.fixture(scope="module")
def faulty(source_server, destination_server):
    pairs = FaultyPairs(source_server, destination_server)
    yield pairs
    pairs.drop()
