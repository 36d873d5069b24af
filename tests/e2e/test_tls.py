"""Both connections with TLS: each end proves by a certificate who it is (sslmode=verify-full, hba method cert), to roles of the least rights.
What does not fit is refused in one line, and a certificate that is renewed in time costs nothing."""

import datetime
import shutil

import pytest

import servers
from certificates import Authority
from metrics import Metrics
from servers import wait_until

SOURCE_ROLE, DESTINATION_ROLE = "trail_source", "trail_writer"
EXPIRED = -datetime.timedelta(hours=1)
# Nobody comes in by TCP without TLS and a certificate of the role's name.
HBA = """local all all trust
hostssl all all 127.0.0.1/32 cert
hostssl replication all 127.0.0.1/32 cert
"""


class TlsEnd:
    """A server with TLS and a role that only comes by it."""

    def __init__(self, new_server, authority, name, role):
        self.authority, self.name, self.role = authority, name, role
        self.port = servers.free_port()
        server = new_server(name, listen_addresses="127.0.0.1", port=self.port)
        self.database = servers.Database(server, "postgres")
        self.database.execute(f"CREATE ROLE {role} LOGIN")
        self.take_certificate()
        (server.data / "pg_hba.conf").write_text(HBA, encoding="utf-8")
        server.configure(ssl="on", ssl_ca_file=self._copied(authority.root, "root.crt"))
        server.restart()
        self.client = authority.issue(role, f"{name}-client")

    def take_certificate(self, **how):
        """The server's, for its address unless `how` says otherwise; in force with the next reload."""
        files = self.authority.issue(self.name, f"{self.name}-server", **{"addresses": ["127.0.0.1"], **how})
        for file, name in zip(files, ("server.crt", "server.key")):
            self._copied(file, name)

    def _copied(self, file, name):
        target = self.database.server.data / name
        shutil.copy(file, target)
        target.chmod(0o600)
        shutil.chown(target, servers.SERVER_USER, servers.SERVER_USER)
        return name

    def conninfo(self, **more):
        certificate, key = self.client
        words = dict(host="127.0.0.1", user=self.role, sslmode="verify-full", sslrootcert=self.authority.root, sslcert=certificate, sslkey=key)
        words.update(more)
        return self.database.conninfo(**{name: str(value) for name, value in words.items() if value is not None})


@pytest.fixture
def authority(server_folder, tmp_path):
    return Authority(tmp_path, "trail-ca")


@pytest.fixture
def ends(new_server, authority, waltrail, slot):
    """(source, destination), prepared by superusers through the sockets, with the rights that operations.md lists."""
    source = TlsEnd(new_server, authority, "source", SOURCE_ROLE)
    destination = TlsEnd(new_server, authority, "destination", DESTINATION_ROLE)
    source.database.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
    source.database.execute(f"ALTER ROLE {SOURCE_ROLE} REPLICATION")
    waltrail.init(source.database, destination.database, slot)
    destination.database.execute("SELECT changes.grant_writer(%s)", [DESTINATION_ROLE])
    return source, destination


def start_apply(waltrail, source, destination, slot):
    apply = waltrail.background("apply", "--source", source.conninfo(), "--destination", destination.conninfo(), "--slot", slot,
                                "--listen", "127.0.0.1:0", "--metrics-interval", "1")  # fmt: skip
    apply.wait_for_output("streaming")
    return apply


def run_apply(waltrail, source, destination, slot):
    return waltrail.run("apply", "--source", source, "--destination", destination, "--slot", slot, "--until", "now", check=False)


def sessions_without_tls(end):
    return end.database.value(
        "SELECT count(*) FROM pg_stat_activity AS a JOIN pg_stat_ssl AS s USING (pid) WHERE a.usename = %s AND NOT s.ssl", [end.role])  # fmt: skip


def names_of_certificates(end):
    return {name for (name,) in end.database.query(
        "SELECT s.client_dn FROM pg_stat_activity AS a JOIN pg_stat_ssl AS s USING (pid) WHERE a.usename = %s", [end.role])}  # fmt: skip


def assert_refused(done, *words):
    """In one line that says all of these."""
    assert done.returncode == 1, done.stdout + done.stderr
    line = done.stderr.strip().splitlines()[-1]
    for word in words:
        assert word in line


def test_all_of_its_connections_are_verified(ends, waltrail, slot):
    source, destination = ends
    apply = start_apply(waltrail, source, destination, slot)
    source.database.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 1000) AS i")
    wait_until(lambda: destination.database.value("SELECT count(*) FROM public.changes") == 1000, "the rows are there")
    # The connections on which it asks the servers for metrics, too: by now it has asked both.
    wait_until(lambda: all(Metrics(apply).value("waltrail_up", end=end.name) == 1 for end in ends), "the metrics of both ends")
    for end in ends:
        assert names_of_certificates(end) == {f"/CN={end.role}"}
        assert sessions_without_tls(end) == 0
    assert apply.stop() == 0
    for command in ("check", "status"):
        done = waltrail.run(command, "--source", source.conninfo(), "--destination", destination.conninfo(), "--slot", slot, check=False)
        assert "could not connect" not in done.stdout + done.stderr


@pytest.mark.parametrize("number", [0, 1], ids=["source", "destination"])
def test_a_server_of_another_authority(ends, waltrail, slot, tmp_path, number):
    other = Authority(tmp_path, "other-ca")
    texts = [end.conninfo() for end in ends]
    texts[number] = ends[number].conninfo(sslrootcert=other.root)
    assert_refused(run_apply(waltrail, *texts, slot), ends[number].name, "certificate verify failed")


@pytest.mark.parametrize("number", [0, 1], ids=["source", "destination"])
def test_a_server_of_another_name(ends, waltrail, slot, number):
    ends[number].take_certificate(addresses=["127.0.0.2"])
    ends[number].database.server.restart()
    texts = [end.conninfo() for end in ends]
    assert_refused(run_apply(waltrail, *texts, slot), ends[number].name, "does not match")


@pytest.mark.parametrize("number", [0, 1], ids=["source", "destination"])
@pytest.mark.parametrize(
    ("client", "words"),
    [
        ("expired", ["expired"]),
        ("of another role", ["certificate authentication failed"]),
        ("none", ["connection requires a valid client certificate"]),
    ],
)
def test_a_client_without_a_good_certificate(ends, waltrail, slot, authority, number, client, words):
    end = ends[number]
    certificate, key = end.client
    if client == "expired":
        certificate, key = authority.issue(end.role, "expired", lasting=EXPIRED)
    elif client == "of another role":
        certificate, key = authority.issue("somebody", "somebody")
    else:
        certificate = key = "/nonexistent"
    texts = [other.conninfo() for other in ends]
    texts[number] = end.conninfo(sslcert=certificate, sslkey=key)
    assert_refused(run_apply(waltrail, *texts, slot), f"could not connect to the {end.name}", *words)


@pytest.mark.parametrize("number", [0, 1], ids=["source", "destination"])
def test_a_certificate_that_expires_while_it_runs(ends, waltrail, slot, number):
    """Sessions that are there go on; a server that starts with an expired one is not trusted until it has another."""
    source, destination = ends
    apply = start_apply(waltrail, source, destination, slot)
    end = ends[number]
    end.take_certificate(lasting=EXPIRED)
    end.database.server.restart()
    apply.wait_for_output("certificate verify failed")
    source.database.execute("INSERT INTO counters VALUES (1, 1)")
    end.take_certificate()
    end.database.server.restart()
    wait_until(lambda: destination.database.value("SELECT count(*) FROM public.changes") == 1, "it goes on", 60)
    assert apply.stop() == 0
