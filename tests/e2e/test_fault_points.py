"""The program fails at each of its durable steps in turn: by kill -9, and by an error there. What it does next, or the next start, brings the trail to
what was committed, each change once."""

import itertools

import pytest

import audit
import fault_program
from servers import wait_until
from waltrail_program import WaltrailProgram

POINTS = fault_program.points("apply")
# Where the first passing is at the start of the stream, or says little, a later one as well.
LATER = {"frame_received": 3, "rows_sent": 4, "turn_come": 3, "progress_recorded": 3, "batch_committed": 3, "batch_finished": 2,
         "feedback_due": 2, "feedback_sent": 2}  # fmt: skip
CASES = [(point, action, 1) for point in POINTS for action in ("kill", "error")] + [
    (point, action, passing) for point, passing in LATER.items() for action in ("kill", "error")
]


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
        return ["apply", "--source", self.source.conninfo(), "--destination", self.destination.conninfo(), "--slot", self.slot,
                "--until", "now", "--batch-bytes", "4096", "--writers", "2"]  # fmt: skip

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
            SELECT pg_create_restore_point('behind the last commit');
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


@pytest.fixture(scope="module")
def faulty(source_server, destination_server):
    source = source_server.create_database("source_of_faults")
    destination = destination_server.create_database("destination_of_faults")
    yield Faulty(source, destination, "slot_of_faults")
    source.drop()
    destination.drop()


@pytest.mark.parametrize("point, action, passing", CASES)
def test_apply_fails_there(faulty, point, action, passing):
    faulty.work()
    fault_program.run(*faulty.arguments(), fault=f"{point}:{action}:{passing}")
    fault_program.run(*faulty.arguments())
    faulty.assert_all_is_there()


def state(source, destination):
    return (
        source.query("SELECT slot_name FROM pg_replication_slots WHERE database = current_database()"),
        source.query("SELECT evtname FROM pg_event_trigger"),
        source.query("SELECT relname, relreplident FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"),
        destination.query("SELECT extname FROM pg_extension ORDER BY 1"),
        destination.query("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"),
    )


@pytest.mark.parametrize("action", ["kill", "error"])
@pytest.mark.parametrize("point", fault_program.points("init"))
def test_init_fails_there(source, destination, slot, waltrail, point, action):
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    before = state(source, destination)
    arguments = ["init", "--source", source.conninfo(), "--destination", destination.conninfo(), "--slot", slot]
    fault_program.run(*arguments, fault=f"{point}:{action}")
    if point != "init_committed":
        if action == "error":
            assert state(source, destination) == before
        else:
            # The next run finds the slot, which nobody answers for, and says so.
            assert state(source, destination)[3:] == before[3:]
            refusal = waltrail.run(*arguments, check=False)
            drop = f"SELECT pg_drop_replication_slot('{slot}')"
            assert refusal.returncode == 1 and drop in refusal.stderr
            wait_until(lambda: not source.value("SELECT active FROM pg_replication_slots WHERE slot_name = %s", [slot]), "the slot to be free")
            source.execute(drop)
    waltrail.run(*arguments)
    source.execute("INSERT INTO t VALUES (1)")
    waltrail.apply_until_now(source, destination, slot)
    assert destination.value("SELECT count(*) FROM changes") == 1
