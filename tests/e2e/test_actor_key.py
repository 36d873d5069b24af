"""The server's key: made once, its own, and what becomes of actors without it."""

import os
import shutil
import subprocess

import pytest

import servers
from recorded import Recorded

KEY = "waltrail_actor.key"
ROWS = "CREATE TABLE rows (id integer PRIMARY KEY)"


@pytest.fixture
def source(new_server, slot):
    server = new_server("source", shared_preload_libraries="waltrail")
    database = servers.Database(server, "postgres")
    database.execute(ROWS)
    return Recorded(database, slot)


def write(recorded, id):
    recorded.database.execute(f"INSERT INTO rows VALUES ({id}) /*Bemi {{}} Bemi*/")


def replace_key(server, content, mode=0o600):
    server.stop()
    path = server.data / KEY
    path.write_bytes(content)
    path.chmod(mode)
    server.start()


ACTOR = {"session_user": "postgres"}


def test_key_is_made_once(source):
    server = source.database.server
    key = (server.data / KEY).read_bytes()
    write(source, 1)
    server.restart()
    server.kill9()
    server.start()
    write(source, 2)
    assert (server.data / KEY).read_bytes() == key and len(set(key)) > 8
    assert [ours["actor"] for _, ours in source.ours()] == [ACTOR, ACTOR]
    assert [name for name in os.listdir(server.data) if name.startswith(KEY)] == [KEY]


def test_actor_of_another_key_is_only_claimed(source):
    write(source, 1)
    replace_key(source.database.server, bytes(range(32)))
    write(source, 2)
    (_, old), (_, new) = source.ours()
    assert old == {"claimed": {"actor": ACTOR}}
    assert new["actor"] == ACTOR


@pytest.mark.parametrize("content, mode", [(b"k" * 32, 0o640), (b"short", 0o600), (b"", 0o600)])
def test_key_that_is_none_costs_the_actor_and_nothing_else(source, content, mode):
    server = source.database.server
    replace_key(server, content, mode)
    server.execute("INSERT INTO rows VALUES (1) /*Bemi {\"a\": 1} Bemi*/")
    assert source.contexts() == [("1", {"a": 1})]
    assert f'file "{KEY}" of the data directory is no key' in server.log()


def test_copy_of_the_server_signs_with_the_same_key(source, server_folder):
    """A standby has it by its base backup. One that never got it makes none, before it is promoted."""
    primary = source.database.server
    for name, has_key in (("follows", True), ("older", False)):
        copy = servers.Server.__new__(servers.Server)
        copy.name, copy.folder, copy.port, copy.process, copy._pooled = name, server_folder / f"{name}-copy", 5432, None, {}
        copy.data, copy.log_file = copy.folder / "data", copy.folder / "log"
        copy.folder.mkdir()
        shutil.chown(copy.folder, servers.SERVER_USER, servers.SERVER_USER)
        backup = [servers.BINDIR / "pg_basebackup", "-h", primary.folder, "-U", "postgres", "-D", copy.data, "-R", "-X", "stream"]
        servers._run(backup)
        try:
            copy.configure(unix_socket_directories=copy.folder, hot_standby="on")
            if not has_key:
                (copy.data / KEY).unlink()
            copy.start()
            assert (copy.data / KEY).exists() == has_key
            copy.execute("SELECT pg_promote()")
            promoted = Recorded(servers.Database(copy, "postgres"), f"promoted_{name}")
            write(promoted, 1)
            assert promoted.ours() == [("1", {"actor": ACTOR})]
            assert ((copy.data / KEY).read_bytes() == (primary.data / KEY).read_bytes()) == has_key
        finally:
            copy.remove()
