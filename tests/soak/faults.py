"""What strikes in a soak: each fault is a function of the stage and of chance, and leaves everything to come back by itself, but for what a service
manager starts again. Returns in seconds; says in a word or two what it did."""

import os
import signal
import time

import psycopg2
import psycopg2.extras

from proxy import TO_CLIENT, TO_SERVER
from stage import SLOT

SESSIONS = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'waltrail' AND backend_type = 'client backend'
   AND pid <> pg_backend_pid() ORDER BY pid"""
WALSENDER = "SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s AND active_pid IS NOT NULL"


def _pid(stage, chance, end):
    """Of a session of apply; none where there is none just now."""
    database = stage.database(end)
    rows = database.query(WALSENDER, [SLOT]) if end == "source" else database.query(SESSIONS)
    return chance.choice(rows)[0] if rows else None


def _end_of(chance):
    return chance.choice(["source", "destination"])


def apply_killed(stage, chance):
    stage.apply.send(signal.SIGKILL)
    return "kill -9"


def apply_stopped(stage, chance):
    stage.apply.send(signal.SIGTERM)
    return "SIGTERM"


def session_ended(stage, chance):
    end = _end_of(chance)
    pid = _pid(stage, chance, end)
    if pid is not None:
        stage.database(end).execute("SELECT pg_terminate_backend(%s)", [pid])
    return f"at the {end}"


def session_killed(stage, chance):
    """The server then ends all of its sessions, and recovers from its WAL."""
    end = _end_of(chance)
    pid = _pid(stage, chance, end)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
    return f"at the {end}, kill -9"


def server_killed(stage, chance):
    end = _end_of(chance)
    server = stage.database(end).server
    server.kill9()
    time.sleep(chance.choice([0, 0, 1, 3]))
    server.start()
    return f"the {end}, kill -9 of all its processes"


def server_restarted(stage, chance):
    end, mode = _end_of(chance), chance.choice(["fast", "fast", "immediate"])
    stage.database(end).server.restart(mode)
    return f"the {end}, {mode}"


def connections_cut(stage, chance):
    end = _end_of(chance)
    stage.proxy(end).cut()
    return f"before the {end}"


def cut_in_a_frame(stage, chance):
    end = _end_of(chance)
    count = chance.choice([chance.randrange(1, 200), chance.randrange(1, 100_000)])
    direction = chance.choice([TO_CLIENT, TO_SERVER])
    stage.proxy(end).cut_after(count, direction)
    return f"before the {end}, after {count} bytes {direction}"


def connections_refused(stage, chance):
    end, seconds = _end_of(chance), chance.uniform(0.2, 4)
    stage.proxy(end).refuse()
    time.sleep(seconds)
    stage.proxy(end).accept()
    return f"before the {end}, for {seconds:.1f} s"


def network_stalled(stage, chance):
    """Shorter or longer than apply's patience."""
    end, seconds = _end_of(chance), chance.choice([0.5, 1, 4])
    stage.proxy(end).stall()
    time.sleep(seconds)
    stage.proxy(end).resume()
    return f"before the {end}, for {seconds} s"


def connections_lost(stage, chance):
    end, seconds = _end_of(chance), chance.uniform(0, 3)
    stage.proxy(end).lose()
    time.sleep(seconds)
    stage.proxy(end).resume()
    return f"before the {end}, new ones for {seconds:.1f} s"


def network_slow(stage, chance):
    end = _end_of(chance)
    stage.proxy(end).delay(0.05)
    time.sleep(2)
    stage.proxy(end).delay(0)
    return f"before the {end}"


def disk_full(stage, chance):
    stage.disk.fill(bytes_left=chance.choice([0, 100_000, 1_000_000]))
    time.sleep(chance.uniform(1, 4))
    stage.disk.make_room()
    return "at the destination"


def trail_locked(stage, chance):
    seconds, mode = chance.choice([0.2, 1, 5]), chance.choice(["ACCESS EXCLUSIVE", "SHARE"])
    connection = stage.destination.connect(autocommit=False, options="-c lock_timeout=5s")
    try:
        connection.cursor().execute(f"LOCK TABLE public.changes IN {mode} MODE")
        time.sleep(seconds)
    except psycopg2.errors.LockNotAvailable:
        pass
    finally:
        connection.close()
    return f"{mode} for {seconds} s"


def slot_held(stage, chance):
    """By a client that acknowledges nothing, between two processes of apply."""
    seconds = chance.uniform(0.5, 3)
    stage.apply.hold()
    stage.apply.send(signal.SIGTERM)
    other = psycopg2.connect(stage.source.conninfo(), connection_factory=psycopg2.extras.LogicalReplicationConnection)
    try:
        for _ in range(30):
            try:
                other.cursor().start_replication(slot_name=SLOT, decode=False)
                break
            except psycopg2.errors.ObjectInUse:  # apply's walsender has not ended yet
                time.sleep(0.2)
        stage.apply.release()
        time.sleep(seconds)
    finally:
        stage.apply.release()
        other.close()
    return f"for {seconds:.1f} s"


# How often each, beside the others.
WEIGHTS = {
    apply_killed: 10, apply_stopped: 5, session_ended: 12, session_killed: 5, server_killed: 6, server_restarted: 4, connections_cut: 8,
    cut_in_a_frame: 14, connections_refused: 5, network_stalled: 6, connections_lost: 6, network_slow: 3, disk_full: 5, trail_locked: 6,
    slot_held: 4,
}  # fmt: skip


class Faults:
    """The same seed brings the same faults in the same order."""

    def __init__(self, stage, chance):
        self._stage = stage
        self._chance = chance
        self.struck = 0
        self.counts = {}

    def strike(self):
        fault = self._chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        try:
            detail = fault(self._stage, self._chance)
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            # What struck before has taken the server away; it is on its way back.
            detail = f"could not: {str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__}"
        else:
            self.struck += 1
            self.counts[fault.__name__] = self.counts.get(fault.__name__, 0) + 1
        return f"{fault.__name__.replace('_', ' ')}: {detail}"
