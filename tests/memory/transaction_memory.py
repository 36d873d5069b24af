"""One transaction of many rows, applied by the real program: memory is bounded at both ends, and the rows appear at once.

    transaction_memory.py [--transaction N]

N rows are written in one transaction of the source while `waltrail apply` streams. Its peak of memory (VmHWM) and the private memory (RssAnon) of
its walsender are read all the time, and the rows of the trail are counted again and again: the count is 0, and then N. Ends with
"N changes in one transaction, A KiB of apply and W KiB of its walsender at most".
"""

import argparse
import os
import pathlib
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import servers  # noqa: E402
from waltrail_program import WaltrailProgram  # noqa: E402

CHANGES_DEFAULT = 200_000
SLOT = "transaction"
# --memory-bytes as it is by default, and the program itself.
APPLY_MAX_KB = (64 + 4) << 10
# What the server keeps of a transaction before it goes to disk, twice, for it counts without what the allocator adds; and a session.
DECODING_MB = 8
WALSENDER_MAX_KB = (2 * DECODING_MB + 16) << 10
SAMPLE_INTERVAL_S = 0.05
CHANGES_A_SECOND_MIN = 500  # slower than any machine should be
SERVER_SETTINGS = {"logical_decoding_work_mem": f"{DECODING_MB}MB", "full_page_writes": "off", "max_wal_size": "4GB", "autovacuum": "off"}


def status_kb(pid, name):
    """Of a process; None when it has ended."""
    try:
        status = pathlib.Path("/proc", str(pid), "status").read_text()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith(name + ":")), None)


class Sampler(threading.Thread):
    """The peaks of both processes until end()."""

    def __init__(self, apply_pid, walsender_pid):
        super().__init__(daemon=True)
        self._watched = {"apply": (apply_pid, "VmHWM"), "walsender": (walsender_pid, "RssAnon")}
        self.peaks = dict.fromkeys(self._watched, 0)
        self._ended = threading.Event()

    def run(self):
        while not self._ended.wait(SAMPLE_INTERVAL_S):
            for end, (pid, name) in self._watched.items():
                self.peaks[end] = max(self.peaks[end], status_kb(pid, name) or 0)

    def end(self):
        self._ended.set()
        self.join()
        return self.peaks


def first_count(destination, process, changes):
    """Of the trail's rows, the first that is not 0. Rows of a transaction that is under way are looked at, too, so each count takes its time."""
    deadline = time.monotonic() + 120 + changes / CHANGES_A_SECOND_MIN
    while time.monotonic() < deadline:
        assert process.is_running(), process.output()
        started = time.monotonic()
        if count := destination.value("SELECT count(*) FROM changes"):
            return count
        time.sleep(max(0.05, 2 * (time.monotonic() - started)))
    raise AssertionError(f"nothing is in the trail yet: {process.output()[-2000:]}")


def run(source, destination, program, changes):
    """The peaks of both ends, in KiB; fails where the rows are not there, once, all at once."""
    source.execute("CREATE TABLE counters (id bigint PRIMARY KEY, value bigint)")
    program.init(source, destination, SLOT)
    process = program.apply(source, destination, SLOT, "--listen", "off")
    process.wait_for_output("streaming source")
    walsender = source.value("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", [SLOT])
    sampler = Sampler(process.pid, walsender)
    sampler.start()
    started = time.monotonic()
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, %s) AS i", [changes])
    committed = time.monotonic()
    count = first_count(destination, process, changes)
    print(f"written in {committed - started:.0f} s, in the trail after {time.monotonic() - committed:.0f} s more: {count} rows at once", flush=True)
    peaks = sampler.end()
    assert count == changes, f"the trail showed {count} of {changes} rows of one transaction"
    assert source.value("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", [SLOT]) == walsender, "the stream was opened again"
    assert process.stop() == 0, process.output()
    assert destination.query(
        "SELECT count(*), count(DISTINCT primary_key), (SELECT sum(changes) FROM changes.applied)::bigint FROM changes"
    ) == [(changes, changes, changes)]
    return peaks


def main():
    parser = argparse.ArgumentParser(description="watches the memory of both ends while one large transaction is applied")
    parser.add_argument("--transaction", type=int, default=CHANGES_DEFAULT, help=f"rows of it (default {CHANGES_DEFAULT})")
    changes = parser.parse_args().transaction
    program, started = WaltrailProgram(), []
    with tempfile.TemporaryDirectory(prefix="wtt.", dir="/tmp") as folder:
        os.chmod(folder, 0o777)
        template = servers.make_template(pathlib.Path(folder) / "template")
        try:
            for name in ("source", "destination"):
                started.append(servers.Server(name, pathlib.Path(folder) / name, template, SERVER_SETTINGS))
            peaks = run(*(server.start().create_database("memory") for server in started), program, changes)
        finally:
            program.close()
            for server in started:
                server.remove()
    print(f"{changes} changes in one transaction, {peaks['apply']} KiB of apply and {peaks['walsender']} KiB of its walsender at most")
    return 0 if 0 < peaks["apply"] <= APPLY_MAX_KB and 0 < peaks["walsender"] <= WALSENDER_MAX_KB else 1


if __name__ == "__main__":
    sys.exit(main())
