"""What strikes in a soak: each fault is a function of the stage and of chance, and leaves everything to come back by itself, but for what a service
manager starts again. Returns in seconds and says in a word or two what it did, or raises Missed where there was nothing to strike: what is counted
has struck. Chance is first asked for what the seed alone decides, and last for one of those that are there."""

import collections
import contextlib
import os
import random
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


NO_ROOM = b"No space left on device"
HOLD_ATTEMPTS = 30


class Missed(Exception):
    """Nothing was struck."""


def _struck(is_struck, what):
    if not is_struck:
        raise Missed(f"no {what}")


def _pid(stage, chance, end):
    """Of a session of apply."""
    database = stage.database(end)
    rows = database.query(WALSENDER, [SLOT]) if end == "source" else database.query(SESSIONS)
    _struck(rows, f"session of apply at the {end}")
    return chance.choice(rows)[0]


def _end_of(chance):
    return chance.choice(["source", "destination"])


def apply_killed(stage, chance):
    _struck(stage.apply.send(signal.SIGKILL), "apply")
    return "kill -9"


def apply_stopped(stage, chance):
    _struck(stage.apply.send(signal.SIGTERM), "apply")
    return "SIGTERM"


def session_ended(stage, chance):
    end = _end_of(chance)
    _struck(stage.database(end).value("SELECT pg_terminate_backend(%s)", [_pid(stage, chance, end)]), f"session at the {end} any more")
    return f"at the {end}"


def session_killed(stage, chance):
    """The server then ends all of its sessions, and recovers from its WAL."""
    end = _end_of(chance)
    try:
        os.kill(_pid(stage, chance, end), signal.SIGKILL)
    except ProcessLookupError:
        raise Missed(f"no session at the {end} any more") from None
    return f"at the {end}, kill -9"


def _running(stage, end):
    server = stage.database(end).server
    if not server.is_running():
        server.start()
        raise Missed(f"the {end} was down, and is started")
    return server


def server_killed(stage, chance):
    end, pause_s = _end_of(chance), chance.choice([0, 0, 1, 3])
    server = _running(stage, end)
    server.kill9()
    time.sleep(pause_s)
    server.start()
    return f"the {end}, kill -9 of all its processes"


def server_restarted(stage, chance):
    end, mode = _end_of(chance), chance.choice(["fast", "fast", "immediate"])
    _running(stage, end).restart(mode)
    return f"the {end}, {mode}"


def connections_cut(stage, chance):
    end = _end_of(chance)
    _struck(stage.proxy(end).cut(), f"connection to the {end}")
    return f"before the {end}"


def cut_in_a_frame(stage, chance):
    """Strikes when so many bytes have passed: the proxies count it. What is not a way of changes carries little: questions, answers, feedback."""
    end = _end_of(chance)
    direction = chance.choice([TO_CLIENT, TO_SERVER])
    is_way_of_changes = direction == {"source": TO_CLIENT, "destination": TO_SERVER}[end]
    count = chance.randrange(1, chance.choice([200, 100_000 if is_way_of_changes else 1000]))
    stage.proxy(end).cut_after(count, direction)
    return f"before the {end}, after {count} bytes {direction}"


def connections_refused(stage, chance):
    end, seconds = _end_of(chance), chance.uniform(0.2, 4)
    count = stage.proxy(end).refuse()
    time.sleep(seconds)
    stage.proxy(end).accept()
    _struck(count, f"connection to the {end}")
    return f"before the {end}, for {seconds:.1f} s"


def network_stalled(stage, chance):
    """Shorter or longer than apply's patience."""
    end, seconds = _end_of(chance), chance.choice([0.5, 1, 4])
    count = stage.proxy(end).stall()
    time.sleep(seconds)
    stage.proxy(end).resume()
    _struck(count, f"connection to the {end}")
    return f"before the {end}, for {seconds} s"


def connections_lost(stage, chance):
    end, seconds = _end_of(chance), chance.uniform(0, 3)
    count = stage.proxy(end).lose()
    time.sleep(seconds)
    stage.proxy(end).resume()
    _struck(count, f"connection to the {end}")
    return f"before the {end}, new ones for {seconds:.1f} s"


def network_slow(stage, chance):
    end = _end_of(chance)
    proxy = stage.proxy(end)
    proxy.delay(0.05)
    before = sum(proxy.passed.values())
    time.sleep(2)
    after = sum(proxy.passed.values())
    proxy.delay(0)
    _struck(after > before, f"byte to or from the {end}")
    return f"before the {end}"


def disk_full(stage, chance):
    """Strikes where the server finds no room."""
    bytes_left, seconds = chance.choice([0, 100_000, 1_000_000]), chance.uniform(1, 4)
    with open(stage.destination.server.log_file, "rb") as log:
        log.seek(0, os.SEEK_END)
        stage.disk.fill(bytes_left)
        time.sleep(seconds)
        stage.disk.make_room()
        _struck(NO_ROOM in log.read(), "want of room noticed")
    return "at the destination"


def trail_locked(stage, chance):
    seconds, mode = chance.choice([0.2, 1, 5]), chance.choice(["ACCESS EXCLUSIVE", "SHARE"])
    connection = stage.destination.connect(autocommit=False, options="-c lock_timeout=5s")
    try:
        connection.cursor().execute(f"LOCK TABLE public.changes IN {mode} MODE")
        time.sleep(seconds)
    except psycopg2.errors.LockNotAvailable:
        raise Missed("no lock to be had") from None
    finally:
        connection.close()
    return f"{mode} for {seconds} s"


def slot_held(stage, chance):
    """By a client that acknowledges nothing, between two processes of apply."""
    seconds = chance.uniform(0.5, 3)
    stage.apply.hold()
    stage.apply.send(signal.SIGTERM)
    try:
        with contextlib.closing(
            psycopg2.connect(stage.source.conninfo(), connection_factory=psycopg2.extras.LogicalReplicationConnection)
        ) as other:
            _struck(_takes_slot(other), "slot that is free")
            stage.apply.release()
            time.sleep(seconds)
    finally:
        stage.apply.release()
    return f"for {seconds:.1f} s"


def _takes_slot(connection):
    for _ in range(HOLD_ATTEMPTS):
        try:
            connection.cursor().start_replication(slot_name=SLOT, decode=False)
            return True
        except psycopg2.errors.ObjectInUse:  # apply's walsender has not ended yet
            time.sleep(0.2)
    return False


def _says_away(error):
    """A connection that ends in the middle of an answer is the base class, without a code."""
    return isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)) or type(error) is psycopg2.DatabaseError


# How often each, beside the others.
WEIGHTS = {
    apply_killed: 10, apply_stopped: 5, session_ended: 12, session_killed: 5, server_killed: 6, server_restarted: 4, connections_cut: 8,
    cut_in_a_frame: 14, connections_refused: 5, network_stalled: 6, connections_lost: 6, network_slow: 3, disk_full: 5, trail_locked: 6,
    slot_held: 4,
}  # fmt: skip


class Faults:
    """The seed and a strike's number decide what it is, and each of its figures, whatever struck before and whatever is there to be struck."""

    def __init__(self, stage, seed):
        self._stage = stage
        self._seed = seed
        self._strikes = 0
        self._counts = collections.Counter()

    @property
    def counts(self):
        """By the fault's name, those that have struck."""
        return self._counts + collections.Counter({cut_in_a_frame.__name__: sum(self._stage.proxy(end).cuts for end in ("source", "destination"))})

    @property
    def struck(self):
        return sum(self.counts.values())

    def strike(self):
        chance = random.Random(f"{self._seed} {self._strikes}")
        self._strikes += 1
        fault = chance.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        try:
            detail = fault(self._stage, chance)
        except Missed as miss:
            detail = f"missed, {miss}"
        except psycopg2.Error as error:
            if not _says_away(error):
                raise
            # What struck before has taken the server away; it is on its way back.
            detail = f"missed, {str(error).strip().partition(chr(10))[0] or type(error).__name__}"
        else:
            # An armed cut has struck nothing yet.
            if fault is not cut_in_a_frame:
                self._counts[fault.__name__] += 1
        return f"{fault.__name__.replace('_', ' ')}: {detail}"
