"""The program built with fault points (apply/fault_point.hpp): scripts/lib/build.sh makes it in build/sanitized, so it runs under AddressSanitizer and
UndefinedBehaviorSanitizer, too. WALTRAIL_FAULT_BIN names another."""

import os
import pathlib
import signal
import subprocess

PROGRAM = os.environ.get(
    "WALTRAIL_FAULT_BIN", str(pathlib.Path(__file__).resolve().parents[2] / "build" / "sanitized" / "waltrail")
)
RUN_TIMEOUT_S = 120


def points(of):
    """The names of the points of `apply` or `init`, as the program lists them."""
    names = subprocess.run([PROGRAM, "--fault-points"], capture_output=True, text=True, check=True).stdout.split()
    begin = names.index("slot_made")
    return {"apply": names[:begin], "init": names[begin:]}[of]


def run(*arguments, fault=None):
    """`fault`: "point:action" or "point:action:passing". Fails when it was not struck, or the program ended by what was not meant."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("WALTRAIL_", "PG"))}
    if fault is not None:
        environment["WALTRAIL_FAULT"] = fault
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=RUN_TIMEOUT_S, env=environment,
                          cwd="/", check=False)  # fmt: skip
    if fault is None:
        assert done.returncode == 0, done.stderr
        return done
    point, action = fault.split(":")[:2]
    if action == "kill":
        assert done.returncode == -signal.SIGKILL, f"{point} was never reached: {done.returncode}\n{done.stderr}"
    else:
        assert done.returncode in (0, 1), done.stderr
        assert f'fault point "{point}"' in done.stderr, f"{point} was never reached: {done.stderr}"
    return done
