"""Fixtures of the end-to-end tests: what a test names, it gets fresh, and it is gone afterwards.

`source` and `destination` are new databases on two servers that all tests share. A test that stops, kills or configures
a server takes `fresh_source` and `fresh_destination`, or makes servers with `new_server`.
"""

import itertools
import os
import pathlib
import shutil
import tempfile

import pytest

import servers
from audited_source import AuditedSource
from waltrail_program import WaltrailProgram

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server_folder():
    """In /tmp rather than pytest's own folder: a socket's address has room for 107 bytes, and postgres must get in."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="waltrail-e2e-", dir="/tmp"))
    folder.chmod(0o755)
    if os.geteuid() == 0:
        shutil.chown(folder, servers.SERVER_USER, servers.SERVER_USER)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server_template(server_folder):
    return servers.make_template(server_folder / "template")


def _started(name, server_folder, server_template, settings):
    server = servers.Server(name, server_folder / f"{name}-{next(_numbers)}", server_template, settings)
    try:
        return server.start()
    except BaseException:
        server.remove()
        raise


@pytest.fixture(scope="session")
def source_server(server_folder, server_template):
    server = _started("source", server_folder, server_template, None)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def destination_server(server_folder, server_template):
    server = _started("destination", server_folder, server_template, None)
    yield server
    server.remove()


@pytest.fixture
def source(source_server, waltrail):
    database = source_server.create_database(f"source_{next(_numbers)}")
    yield database
    waltrail.close()  # what uses the database ends before it is dropped
    database.drop()


@pytest.fixture
def destination(destination_server, waltrail):
    database = destination_server.create_database(f"destination_{next(_numbers)}")
    yield database
    waltrail.close()  # what uses the database ends before it is dropped
    database.drop()


@pytest.fixture
def new_server(server_folder, server_template, waltrail):
    """A function (name, **settings) that starts a server of the test's own."""
    started = []

    def start(name="server", **settings):
        server = _started(name, server_folder, server_template, settings)
        started.append(server)
        return server

    yield start
    waltrail.close()
    for server in started:
        server.remove()


@pytest.fixture
def fresh_source(new_server):
    """The database postgres of a server of the test's own: `fresh_source.server` may be killed or configured."""
    return servers.Database(new_server("source"), "postgres")


@pytest.fixture
def fresh_destination(new_server):
    return servers.Database(new_server("destination"), "postgres")


@pytest.fixture
def waltrail():
    program = WaltrailProgram()
    yield program
    program.close()


@pytest.fixture
def slot():
    """A slot name of the test's own; the slot goes with its database."""
    return f"waltrail_{next(_numbers)}"


@pytest.fixture
def audited(source, destination, slot, waltrail):
    """A source whose tables note every change that the trail must have."""
    return AuditedSource(source, destination, slot, waltrail)
