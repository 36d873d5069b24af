"""Work for an apply that fails at a fault point, and the proof that nothing is lost or doubled. Test files take the fixture from here: one pair of
databases for all the cases of a file."""

import itertools

import pytest

import audit
import fault_program
from waltrail_program import WaltrailProgram, ends_of_apply

# Where the first passing is at the start of the stream, or says little, a later one as well.
LATER = {"frame_received": 3, "rows_sent": 4, "turn_come": 3, "progress_recorded": 3, "batch_committed": 3, "batch_finished": 2,
         "feedback_due": 2, "feedback_sent": 2}  # fmt: skip
PASSINGS = [(point, 1) for point in fault_program.points("apply")] + list(LATER.items())


class Faulty:
    """A source, a destination that refuses some rows, and one step of work after the other. Small batches, so that there are several."""

    def __init__(self, source, destination, slot):
        self.source, self.destination, self.slot = source, destination, slot
        self.numbers = itertools.count(1)
        audit.set_up(source)
        audit.follow_new_tables(source)
        WaltrailProgram().init(source, destination, slot)
        destination.execute("ALTER TABLE public.changes ADD CONSTRAINT refused CHECK (after->>'state' IS DISTINCT FROM 'refused')")

    def arguments(self):
        return ["apply", *ends_of_apply(self.source, self.destination), "--slot", self.slot, "--until", "now", "--batch-bytes", "4096",
                "--writers", "2"]  # fmt: skip

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
        noted = audit.notes(self.source, of_table)
        audit.assert_same([row for row in noted if row[-1].get("state") != "refused"], audit.trail(self.destination, of_table))
        assert self.destination.query(
            f"""SELECT count(*), count(DISTINCT (commit_lsn, "sequence")) FROM changes.quarantine WHERE {of_table}"""
        ) == [(13, 13)]
        # Nor has anything come again, or gone, of what was there before.
        noted = self.source.value("SELECT count(*) FROM audit.notes WHERE after->>'state' IS DISTINCT FROM 'refused'")
        assert self.destination.query("SELECT count(*), count(DISTINCT id), (SELECT sum(changes) FROM changes.applied)::bigint FROM changes") == [
            (noted, noted, noted)
        ]

    def assert_survives(self, fault):
        self.work()
        if fault.startswith("position_begun:"):
            # Nothing is left but WAL without rows.
            fault_program.run(*self.arguments())
            self.source.execute("SELECT pg_create_restore_point('behind the last commit')")
        fault_program.run(*self.arguments(), fault=fault)
        fault_program.run(*self.arguments())
        self.assert_all_is_there()


@pytest.fixture(scope="module")
def faulty(source_server, destination_server):
    source = source_server.create_database("source_of_faults")
    destination = destination_server.create_database("destination_of_faults")
    yield Faulty(source, destination, "slot_of_faults")
    source.drop()
    destination.drop()
