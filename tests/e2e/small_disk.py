"""A file system of a few megabytes, to be filled and emptied. Needs root."""

import errno
import os
import pathlib
import shutil
import subprocess

import servers


class SmallDisk:
    def __init__(self, folder, megabytes):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        try:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", self.folder], check=True)
        except BaseException:
            self.folder.rmdir()
            raise
        shutil.chown(self.folder, servers.SERVER_USER, servers.SERVER_USER)

    @property
    def _ballast(self):
        return self.folder / "ballast"

    def free_bytes(self):
        state = os.statvfs(self.folder)
        return state.f_bavail * state.f_frsize

    def fill(self, bytes_left=0):
        """Others may write meanwhile, so that there is less room than was seen."""
        with open(self._ballast, "wb") as file:
            while (wanted := self.free_bytes() - bytes_left) > 0:
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, wanted)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def make_room(self):
        self._ballast.unlink(missing_ok=True)

    def close(self):
        """What a server that still runs has open there stays until it ends."""
        subprocess.run(["umount", "--lazy", self.folder], check=True)
        self.folder.rmdir()
