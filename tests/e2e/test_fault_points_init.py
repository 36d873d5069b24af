"""`waltrail init` fails at each of its durable steps in turn, by kill -9 and by an error there: it takes back what it made, or says how to take it back, and
the next run does the whole."""

import pytest

import fault_program
from servers import DESTINATION_ROLE, wait_until


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
    destination.execute("SELECT changes.grant_writer(%s)", [DESTINATION_ROLE])
    source.execute("INSERT INTO t VALUES (1)")
    waltrail.apply_until_now(source, destination, slot)
    assert destination.value("SELECT count(*) FROM changes") == 1
