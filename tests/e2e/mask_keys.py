"""Mask keys of servers, and the masks that they make."""

import hashlib
import hmac
import os
import shutil

import servers

KEY = "0123456789abcdef0123456789abcdef"


def make_key(server, key=KEY, mode=0o600):
    """Writes a key file into the server's data directory; returns its name there."""
    path = server.data / "mask.key"
    path.write_text(key + "\n")
    path.chmod(mode)
    if os.geteuid() == 0:
        shutil.chown(path, servers.SERVER_USER, servers.SERVER_USER)
    return path.name


def mask(text, key=KEY):
    return "hmac-sha256:" + hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
