"""Runs the program `waltrail` for the tests: subcommands to their end, and `apply` in the background.

WALTRAIL_BIN names the program; without it, the one in the build tree is taken.
"""

import os
import pathlib
import signal
import subprocess
import tempfile

from servers import DESTINATION_ROLE, SOURCE_ROLE, Database, die_with_parent, wait_until

PROGRAM = os.environ.get(
    "WALTRAIL_BIN", str(pathlib.Path(__file__).resolve().parents[2] / "build" / "waltrail")
)
RUN_TIMEOUT_S = 120
STOP_TIMEOUT_S = 30


class ApplyProcess:
    """A running `waltrail apply`. Its output, both streams, is in output()."""

    def __init__(self, arguments, environment, stdin=subprocess.DEVNULL):
        self.arguments = arguments
        self._output = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            arguments,
            stdin=stdin,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd="/",
            preexec_fn=die_with_parent(signal.SIGKILL),
        )

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process.poll() is None

    def output(self):
        # pread leaves the position that the program writes at where it is.
        size = os.fstat(self._output.fileno()).st_size
        return os.pread(self._output.fileno(), size, 0).decode(errors="replace")

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout_s=RUN_TIMEOUT_S):
        """Returns the exit status; negative for a signal."""
        return self.process.wait(timeout_s)

    def stop(self):
        """SIGTERM, as a service manager does; returns the exit status."""
        if self.is_running():
            self.process.terminate()
        return self.wait(STOP_TIMEOUT_S)

    def kill9(self):
        if self.is_running():
            self.process.kill()
        return self.wait(STOP_TIMEOUT_S)

    def wait_for_output(self, text, timeout_s=30, behind=0):
        """`behind`: so many characters of output() were there before."""

        def found():
            if text in self.output()[behind:]:
                return True
            assert self.is_running(), f"waltrail apply ended with {self.process.returncode}: {self.output()}"
            return False

        wait_until(found, f'"{text}" in the output of waltrail apply', timeout_s)


class AsOwner:
    """A database whose owner runs apply, who may vacuum the trail."""

    def __init__(self, database):
        self._database = database

    def conninfo(self):
        return self._database.conninfo()


def ends_of_apply(source, destination):
    """As the roles with the least rights; ends that are no Database say themselves who they are."""
    ends = (("--source", source, SOURCE_ROLE), ("--destination", destination, DESTINATION_ROLE))
    return [word for flag, end, role in ends for word in (flag, end.conninfo(user=role) if isinstance(end, Database) else end.conninfo())]


class WaltrailProgram:
    """Every process that it started is gone after close()."""

    def __init__(self):
        self._background = []

    @staticmethod
    def _environment(extra):
        # What the caller's shell has set must not reach the program under test.
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("WALTRAIL_", "PG"))}
        return dict(kept, **(extra or {}))

    def run(self, *arguments, check=True, timeout_s=RUN_TIMEOUT_S, environment=None, stdin=None):
        """Runs a subcommand to its end. The result has returncode, stdout and stderr as text."""
        done = subprocess.run(
            [PROGRAM, *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            env=self._environment(environment),
            cwd="/",
            check=False,
        )
        if check:
            assert done.returncode == 0, (
                f"waltrail {' '.join(map(str, arguments))} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done

    def init(self, source, destination, slot, *more, label=None, **options):
        """`waltrail init` between two databases, as their owner; label is the source database's name unless given. What it has made
        may be written by the role of apply()."""
        done = self.run(
            "init", "--source", source.conninfo(), "--destination", destination.conninfo(), "--slot", slot,
            "--label", label or source.name, *more, **options,
        )  # fmt: skip
        if done.returncode == 0 and isinstance(destination, Database):
            destination.execute("SELECT changes.grant_writer(%s)", [DESTINATION_ROLE])
        return done

    def apply_until_now(self, source, destination, slot, *more, **options):
        """Applies what the source holds and returns when the program has ended."""
        return self.run(
            "apply", *ends_of_apply(source, destination), "--slot", slot, "--until", "now", *more, **options,
        )  # fmt: skip

    def apply(self, source, destination, slot, *more, **options):
        """Starts `waltrail apply` in the background."""
        return self.background("apply", *ends_of_apply(source, destination), "--slot", slot, *more, **options)

    def background(self, *arguments, environment=None, stdin=subprocess.DEVNULL, before=()):
        """Starts a subcommand; `before` are words before it, of a program that becomes it."""
        process = ApplyProcess([*before, PROGRAM, *map(str, arguments)], self._environment(environment), stdin)
        self._background.append(process)
        return process

    def close(self):
        for process in self._background:
            process.kill9()
