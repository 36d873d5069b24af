"""kill -9 of every process that a change passes through, while nothing, many small transactions or a large one is under way: every change is in
the trail once, as the source committed it, and apply needs no help but its restart where it was the victim."""

import contextlib
import os
import random
import signal
import time

import pytest

from servers import wait_until

LARGE = "INSERT INTO items SELECT i, i, repeat(md5(i::text), 3) FROM generate_series(%s, %s) AS i"
LARGE_ROWS = 40_000
# A session of the destination that copies a piece of the large transaction already.
COPYING = "SELECT pid FROM pg_stat_progress_copy WHERE datname = current_database() AND tuples_processed > 2000"
WALSENDER = "SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s AND active_pid IS NOT NULL"
SESSION = """SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'waltrail' AND pid <> pg_backend_pid()
              ORDER BY xact_start NULLS LAST LIMIT 1"""


class Victims:
    """One function for each kind of victim: ends it and brings back what does not come back by itself. Returns the apply that runs then."""

    def __init__(self, wired):
        self.wired = wired

    def apply(self, process):
        process.kill9()
        return self.wired.start_apply()

    def walsender(self, process):
        self._kill_session(self.wired.source.server, lambda: self.wired.source.query(WALSENDER, [self.wired.slot]))
        return process

    def destination_session(self, process):
        query = self.wired.destination.query
        self._kill_session(self.wired.destination.server, lambda: query(COPYING)[:1] or query(SESSION))
        return process

    def source(self, process):
        self.wired.source.server.kill9()
        self.wired.source.server.start()
        return process

    def destination(self, process):
        self.wired.destination.server.kill9()
        self.wired.destination.server.start()
        return process

    @staticmethod
    def _kill_session(server, found):
        """The server then ends all others and recovers from its WAL."""
        starts = server.log().count("database system is ready to accept connections")

        def is_killed():
            # None is there while apply waits before it connects again; and what was found may have ended by itself.
            for (pid,) in found():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    return True

        wait_until(is_killed, "a session of apply to kill")
        wait_until(
            lambda: server.log().count("database system is ready to accept connections") > starts, "the server to recover"
        )
        server._close_pooled()


@pytest.fixture
def victims(wired):
    return Victims(wired)


def wait_until_one_is_copied(wired):
    """A large transaction; where it was copied too quickly to be seen, another."""
    for number in range(1, 11):
        wired.source.execute(LARGE, [number * 1_000_000, number * 1_000_000 + LARGE_ROWS - 1])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if wired.destination.query(COPYING):
                return
            time.sleep(0.005)
    raise AssertionError("no large transaction was seen while it was copied")


@pytest.mark.parametrize("phase", ["idle", "small transactions", "a large transaction"])
@pytest.mark.parametrize("victim", ["apply", "walsender", "destination_session", "source", "destination"])
def test_kill_9(wired, victims, victim, phase):
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    process = wired.start_apply()
    wired.wait_until_caught_up()
    if phase == "small transactions":
        wired.start_writing(seed)
    for _ in range(2 if phase == "small transactions" else 1):
        if phase == "small transactions":
            time.sleep(chance.uniform(0.2, 1.5))
        elif phase == "a large transaction":
            wait_until_one_is_copied(wired)
        process = getattr(victims, victim)(process)
    wired.assert_trail_is_what_was_committed(process)
