"""The program `waltrail`, run between two servers of the benchmark: what a run took, and its failure as one line.

WALTRAIL_BIN or --waltrail name it; without them the one in the build tree is taken.
"""
import dataclasses
import os
import pathlib
import re
import shlex
import signal
import subprocess
import tempfile
import threading
import time

BUILT = pathlib.Path(__file__).resolve().parent.parent / 'build' / 'waltrail'
MEMORY_INTERVAL_S = 0.02


def add_options(parser):
    parser.add_argument('--waltrail', metavar='FILE', default=os.environ.get('WALTRAIL_BIN', BUILT), help='the program (default: build/waltrail)')
    parser.add_argument('--apply-flags', metavar='FLAGS', default='', help='more flags for waltrail apply, in one word')


@dataclasses.dataclass(frozen=True)
class Ended:
    wall_seconds: float  # from the start of the process to its end
    cpu_seconds: float
    memory_bytes_max: int


class Program:
    def __init__(self, options):
        self.path = options.waltrail
        self.apply_flags = shlex.split(options.apply_flags)
        if not os.access(self.path, os.X_OK):
            raise RuntimeError(f'there is no program "{self.path}": build it with make, or name it with --waltrail')

    def init(self, source, destination, slot, *more):
        """source and destination are connection strings."""
        running = self._start('init', source, destination, slot, more)
        running.end()

    def apply_until_now(self, source, destination, slot, more=()):
        return self._start('apply', source, destination, slot, ['--until', 'now', *self.apply_flags, *more]).end()

    def start_apply(self, source, destination, slot, more=()):
        return self._start('apply', source, destination, slot, [*self.apply_flags, *more])

    def _start(self, subcommand, source, destination, slot, more):
        return Running([self.path, subcommand, '--source', source, '--destination', destination, '--slot', slot, *more])


class MemorySampler(threading.Thread):
    """The most memory that a process has had resident. (ru_maxrss would begin with that of the process that forked it: Python's.)"""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.status = pathlib.Path(f'/proc/{pid}/status')
        self.bytes_max = 0
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.wait(MEMORY_INTERVAL_S):
            try:
                found = re.search(r'^VmHWM:\s+(\d+) kB', self.status.read_text(), re.MULTILINE)
            except OSError:
                return
            if found:  # it has not ended
                self.bytes_max = int(found[1]) * 1024

    def stop(self):
        self.stopped.set()
        self.join()


class Running:
    """A process of the program. end() waits for it, stop() asks it to end first."""

    def __init__(self, command):
        self.output = tempfile.TemporaryFile()
        self.started_at = time.monotonic()
        # A session of its own: the terminal's interrupt must not reach it before stop() does.
        kept = {name: value for name, value in os.environ.items() if not name.startswith(('WALTRAIL_', 'PG'))}
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT,
                                        env=kept, start_new_session=True)

    @property
    def pid(self):
        return self.process.pid

    def check_is_running(self):
        if os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            self.end()
            raise RuntimeError('waltrail ended by itself')

    def end(self):
        memory = MemorySampler(self.pid)
        memory.start()
        try:
            _, status, usage = os.wait4(self.pid, 0)
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        wall_seconds = time.monotonic() - self.started_at
        memory.stop()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        with self.output as file:
            file.seek(0)
            lines = file.read().decode(errors='replace').splitlines()
        if self.process.returncode != 0:
            reason = next((line for line in reversed(lines) if 'error' in line), (lines or ['no message'])[-1])
            raise RuntimeError(f'waltrail ended with status {self.process.returncode}: {reason}')
        return Ended(wall_seconds, usage.ru_utime + usage.ru_stime, memory.bytes_max)

    def stop(self):
        """What it took; None where it had ended before, which was told then."""
        if self.process.returncode is not None:
            return None
        os.kill(self.pid, signal.SIGTERM)  # not send_signal(), which would forget what an ended one took
        return self.end()
