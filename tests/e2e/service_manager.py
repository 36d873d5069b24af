"""Stands where systemd does: the socket that a service tells its state to (sd_notify(3))."""

import contextlib
import os
import shutil
import socket
import tempfile
import time


class ServiceManager:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="waltrail-notify-")
        self.address = os.path.join(self.folder, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.address)

    def environment(self, watchdog_s=None):
        """Of the service."""
        watchdog = {} if watchdog_s is None else {"WATCHDOG_USEC": str(int(watchdog_s * 1e6))}
        return {"NOTIFY_SOCKET": self.address, **watchdog}

    def told_within(self, seconds):
        """What is told from now on, for so long: a dict of variables for each message."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.socket.settimeout(left)
            with contextlib.suppress(TimeoutError):
                yield dict(line.split("=", 1) for line in self.socket.recv(65536).decode().splitlines())

    def wait_for(self, variable, timeout_s=30):
        """The first message that has it; what came before is gone."""
        for message in self.told_within(timeout_s):
            if variable in message:
                return message
        raise AssertionError(f"{variable} was not told within {timeout_s} s")

    def is_told(self, variable, within_s):
        return any(variable in message for message in self.told_within(within_s))

    def forget(self):
        """What was told and not looked at."""
        for _ in self.told_within(0.01):
            pass

    def close(self):
        self.socket.close()
        shutil.rmtree(self.folder)
