"""A mixed workload at the source while faults strike at random, and the proof that the trail is what was committed.

    soak.py [--minutes N] [--seed S]

Every so often the workload and the faults pause, apply catches up, and the trail is compared with the notes that triggers made at the source in the
transactions themselves: every change once, every value, every row's changes in their order, and the trail a beginning of the source's commits
whenever it was looked at. Then both are emptied, so that a soak of any length fits a small disk. Ends with "F faults, C changes, L lost, D doubled,
B bent": F that have struck, and the exit status is 0 only where the last three are 0, the first two are not, and every client has committed
something. The same seed brings the same faults in the same order, not at the same moments: where one finds nothing to strike is not the seed's to
say. The folder of a failed run is kept, and named; of one that is interrupted, by SIGINT or SIGTERM, nothing is.
"""

import argparse
import pathlib
import random
import signal
import subprocess
import sys
import time

import psycopg2

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import commit_order  # noqa: E402
from comparison import NOTED, RECORDED, Verdict, compare, compare_commits  # noqa: E402
from faults import Faults  # noqa: E402
from servers import wait_until  # noqa: E402
from stage import LOG_NAME, Stage  # noqa: E402
from workload import Workload, set_up  # noqa: E402

MINUTES_DEFAULT = 2
ROUND_S = 75  # between two comparisons, or less:
ROUND_WAL_BYTES = 512 << 20  # what the trail of so much takes has room on the small disk
PAUSE_S = (0.2, 3.0)  # between two faults
CATCH_UP_S = 300  # then the trail will not


class StuckError(Exception):
    """Apply did not come to the end of what was committed, though nothing was in its way."""


class Soak:
    def __init__(self, stage, seed):
        self._stage = stage
        self._seed = seed
        self._pauses = random.Random(f"pauses {seed}")
        self.faults = Faults(stage, seed)
        self.verdict = Verdict()
        self._workload = None
        self._last_transaction = 0
        self._recorded = 0

    def run(self, minutes):
        end = time.monotonic() + minutes * 60
        self._workload = Workload(self._stage.source, self._seed)
        try:
            while (left := end - time.monotonic()) > 0:
                # The last round is not a stub.
                self._round(min(left, ROUND_S) if left < 1.5 * ROUND_S else ROUND_S)
                if not self.verdict.is_clean():
                    return
            self._assert_proves_something()
        finally:
            self._workload.end()

    def _assert_proves_something(self):
        self._workload.assert_all_have_committed()
        assert self.verdict.changes > 0, "nothing was changed"
        assert self.faults.struck > 0, "nothing was struck"

    @property
    def committed(self):
        return self._workload.committed if self._workload is not None else {}

    def _round(self, seconds):
        end = time.monotonic() + seconds
        looks = commit_order.Looks(self._stage.destination, interval_s=1)
        begun_at = self._stage.source.value("SELECT pg_current_wal_lsn()")
        try:
            while time.monotonic() < end and self._wal_bytes_since(begun_at) < ROUND_WAL_BYTES:
                print(f"{time.strftime('%H:%M:%S')} {self.faults.strike()}")
                time.sleep(self._pauses.uniform(*PAUSE_S))
            self._workload.pause()
            self._workload.assert_is_at_work()
            caught_up_s = self._catch_up()
        finally:
            looks.end()
        found = self._compare(looks.seen)
        self.verdict.add(found)
        print(f"{time.strftime('%H:%M:%S')} {self.faults.struck} faults so far; caught up within {caught_up_s:.1f} s: {found.changes} changes, "
              f"{found.lost} lost, {found.doubled} doubled, {found.bent} bent; {len(looks.seen)} looks")  # fmt: skip
        if found.is_clean():
            self._empty()
            self._workload.go_on()

    def _catch_up(self):
        """The trail is a beginning of what was committed: where the last change is, all are."""
        stage, started = self._stage, time.monotonic()
        stage.heal()
        mark = wait_until(lambda: self._try(stage.source, "INSERT INTO plain (note) VALUES ('mark') RETURNING id::text"), "the source")
        is_there = f"""SELECT 1 FROM changes WHERE "table" = 'plain' AND primary_key = '{mark[0][0]}'"""
        try:
            wait_until(lambda: self._try(stage.destination, is_there), "the trail to catch up", CATCH_UP_S, interval_s=0.2)
        except AssertionError as error:
            raise StuckError(str(error)) from error
        return time.monotonic() - started

    def _wal_bytes_since(self, lsn):
        rows = self._try(self._stage.source, f"SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '{lsn}')::bigint")
        return rows[0][0] if rows else 0

    @staticmethod
    def _try(database, sql):
        try:
            return database.query(sql)
        except Exception:  # the server has just come back
            return None

    def _compare(self, looks):
        source, destination = self._stage.source, self._stage.destination
        recorded = destination.query(RECORDED)
        found = compare(source.query(NOTED), recorded)
        # Changes of a round that has been compared already have come again.
        again = sum(1 for change in recorded if change[0] <= self._last_transaction)
        if again:
            found.note("doubled", again, "changes of an earlier round")
        counted = destination.value("SELECT sum(changes)::bigint FROM changes.applied") - self._recorded
        if counted != len(recorded):
            found.note("bent", 1, f"{counted} changes were counted, {len(recorded)} are there")
        times = {transaction: at for transaction, at in commit_order.read(source).items() if transaction > self._last_transaction}
        committed_at = dict(destination.query("SELECT DISTINCT transaction_id, committed_at FROM changes"))
        found.add(compare_commits(times, committed_at, looks))
        self._recorded += counted
        self._last_transaction = max([self._last_transaction, *times])
        return found

    def _empty(self):
        # The trail is append-only: only who has a permit may.
        self._stage.destination.psql("BEGIN; SELECT changes.permit_changes(); TRUNCATE public.changes; COMMIT;")
        self._stage.source.execute("TRUNCATE audit.notes")


def closing_line(soak):
    faults, verdict = (soak.faults.struck, soak.verdict) if soak is not None else (0, Verdict())
    return f"{faults} faults, {verdict.changes} changes, {verdict.lost} lost, {verdict.doubled} doubled, {verdict.bent} bent"


def report(soak, stage):
    for name, count in sorted(soak.faults.counts.items()):
        print(f"{count:5} {name.replace('_', ' ')}")
    print(f"{stage.apply.starts:5} starts of apply")
    for name, count in soak.committed.items():
        print(f"{count:5} transactions of {name}")
    for finding in soak.verdict.findings:
        print(finding)


def interrupt(signal_number, frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=MINUTES_DEFAULT)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    options = parser.parse_args()
    print(f"seed {options.seed}, {options.minutes:g} minutes")
    # What has been mounted and started is taken down then, too.
    signal.signal(signal.SIGTERM, interrupt)
    stage, soak, problem, is_interrupted = Stage(options.seed), None, None, False
    try:
        stage.set_up()
        set_up(stage.source)
        soak = Soak(stage, options.seed)
        soak.run(options.minutes)
    except KeyboardInterrupt:
        problem, is_interrupted = "interrupted", True
    except (StuckError, AssertionError, RuntimeError, OSError, subprocess.SubprocessError, psycopg2.Error) as error:
        problem = f"{type(error).__name__}: {error}"
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        is_well = problem is None and soak is not None and soak.verdict.is_clean()
        if soak is not None:
            report(soak, stage)
        stage.close(keep=not is_well and not is_interrupted)
    if problem is not None:
        print(f"failed: {problem}")
    if not is_well and not is_interrupted:
        print(f"kept: {stage.folder}, what apply said is in {stage.folder / LOG_NAME}")
    print(closing_line(soak))
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
