"""A clock that a test sets, for one process and what it starts: libfaketime (its library for threads), preloaded, reads the difference from a file."""

import pathlib

SHARED_MEMORY = pathlib.Path("/dev/shm")
LIBRARY = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


class FakedTime:
    def __init__(self, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(mode=0o755, exist_ok=True)
        self._file = folder / "difference"
        self._pids = []
        self.set("+0")

    def set(self, difference):
        """`difference` from the true time, as "-1d" or "+2h". Takes effect at once."""
        new = self._file.with_suffix(".new")
        new.write_text(difference + "\n")
        new.chmod(0o644)
        new.rename(self._file)

    def environment(self):
        assert LIBRARY is not None, "libfaketime is not installed"
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            # What waits must not wait longer, nor shorter.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def is_of(self, pid):
        """The process that was started with environment()."""
        self._pids.append(pid)

    def close(self):
        """Once the processes have ended: removes what the library makes for each and leaves where it was killed, or ended without exit()."""
        for pid in self._pids:
            for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
                (SHARED_MEMORY / name).unlink(missing_ok=True)
