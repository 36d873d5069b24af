"""Fixtures of the end-to-end tests: what a test names, it gets fresh, and it is gone afterwards.

`source` and `destination` are new databases on two servers that all tests share. A test that stops, kills or configures
a server takes `fresh_source` and `fresh_destination`, or makes servers with `new_server`.
"""

import itertools
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

import servers
from audited_source import AuditedSource
from check_report import Report
from traced_source import TracedSource
from waltrail_program import WaltrailProgram
from wired import Wired, tcp_settings

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


@pytest.fixture(scope="session")
def destination_template(server_folder, server_template):
    """The same, unless the destination is of another version."""
    if servers.DESTINATION_BINDIR == servers.BINDIR:
        return server_template
    return servers.make_template(server_folder / "destination_template", servers.DESTINATION_BINDIR)


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
def destination_server(server_folder, destination_template):
    server = _started("destination", server_folder, destination_template, None)
    yield server
    server.remove()


@pytest.fixture(scope="session")
def preloaded_server(server_folder, server_template):
    """A source that has the library preloaded, and listens on a port of 127.0.0.1, too."""
    settings = {"shared_preload_libraries": "waltrail", "listen_addresses": "127.0.0.1", "port": servers.free_port()}
    server = _started("preloaded", server_folder, server_template, settings)
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
def preloaded(preloaded_server, waltrail):
    database = preloaded_server.create_database(f"preloaded_{next(_numbers)}")
    yield database
    waltrail.close()  # what uses the database ends before it is dropped
    database.drop()


@pytest.fixture
def new_server(server_folder, server_template, destination_template, waltrail):
    """A function (name, **settings) that starts a server of the test's own."""
    started = []

    def start(name="server", **settings):
        template = destination_template if name == "destination" else server_template
        server = _started(name, server_folder, template, settings)
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
def server_without_waltrail(server_folder, server_template, monkeypatch):
    """A server whose installation lacks waltrail's files: the same program under another root, with links to the rest."""
    root = server_folder / "installation"
    folders = {
        name: pathlib.Path(subprocess.check_output([servers.PG_CONFIG, f"--{name}"], text=True).strip())
        for name in ("bindir", "pkglibdir", "sharedir")
    }
    common = pathlib.Path(os.path.commonpath(folders.values()))
    there = {name: root / folder.relative_to(common) for name, folder in folders.items()}
    extensions = there["sharedir"] / "extension"
    for folder in (*there.values(), extensions):
        folder.mkdir(parents=True, exist_ok=True)
    for new, old in (
        (there["pkglibdir"], folders["pkglibdir"]), (there["sharedir"], folders["sharedir"]),
        (extensions, folders["sharedir"] / "extension"),
    ):  # fmt: skip
        for entry in old.iterdir():
            if not entry.name.startswith("waltrail") and not (new / entry.name).exists():
                (new / entry.name).symlink_to(entry)
    # A link to the program would be followed, and its own root be found.
    shutil.copy(folders["bindir"] / "postgres", there["bindir"] / "postgres")

    server = servers.Server("bare", server_folder / "bare", server_template, {"dynamic_library_path": "$libdir"})
    try:
        with monkeypatch.context() as patched:
            patched.setattr(servers, "BINDIR", there["bindir"])
            server.start()
        yield server
    finally:
        server.remove()
        shutil.rmtree(root)


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
def pair(source, destination, slot, waltrail):
    """Both ends prepared, with a table `counters`."""
    source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
    waltrail.init(source, destination, slot)
    return source, destination, slot


@pytest.fixture
def check(source, destination, slot, waltrail):
    """A function that runs check between the two databases, or other ends, and returns its Report."""

    def run(*more, source=source, destination=destination, **options):
        ends = [end if isinstance(end, str) else end.conninfo() for end in (source, destination)]
        return Report(waltrail.run(
            "check", "--source", ends[0], "--destination", ends[1], "--slot", slot, "--json", *more, check=False, **options
        ))  # fmt: skip

    return run


@pytest.fixture
def audited(source, destination, slot, waltrail):
    """A source whose tables note every change that the trail must have."""
    return AuditedSource(source, destination, slot, waltrail)


@pytest.fixture(scope="module")
def tcp_servers(server_folder, server_template):
    """A source's and a destination's server that listen on ports, too."""
    started = []
    for name in ("source", "destination"):
        started.append(_started(name, server_folder, server_template, tcp_settings(servers.free_port())))
    yield started
    for server in started:
        server.remove()


@pytest.fixture
def wired(tcp_servers, slot, waltrail):
    """Two databases with a proxy before each, and the notes of what apply must bring over."""
    source, destination = (server.create_database(f"{server.name}_{next(_numbers)}") for server in tcp_servers)
    pair = Wired(source, destination, slot, waltrail)
    yield pair
    pair.close()
    for database in (source, destination):
        database.drop()


@pytest.fixture
def role(source):
    """A role of the source's server with no rights of its own."""
    name = f"{source.name}_role"
    source.execute(f"CREATE ROLE {name} LOGIN")
    yield name
    source.execute(f"DROP OWNED BY {name} CASCADE")
    source.execute(f"DROP ROLE {name}")


@pytest.fixture
def traced(source, destination, slot, waltrail):
    """A source for context triggers: what the trail says of contexts, and what the WAL holds of messages."""
    return TracedSource(source, destination, slot, waltrail)
