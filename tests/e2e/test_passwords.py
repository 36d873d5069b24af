"""Where a password may stand, and that it comes out nowhere: no line, log, JSON or page of metrics has it."""

import pytest

import servers
from metrics import Metrics, get
from servers import wait_until

PASSWORD = "open-sesame-17"
ROLE = "with_password"
HBA = "local all postgres trust\nlocal all all scram-sha-256\nlocal replication all scram-sha-256\n"


@pytest.fixture
def ends(new_server, waltrail, slot):
    """(source, destination): databases whose servers ask the role for its password, prepared by the superuser."""
    databases = []
    for name in ("source", "destination"):
        server = new_server(name)
        (server.data / "pg_hba.conf").write_text(HBA, encoding="utf-8")
        server.execute(f"CREATE ROLE {ROLE} LOGIN REPLICATION PASSWORD '{PASSWORD}'")
        server.reload()
        databases.append(servers.Database(server, "postgres"))
    source, destination = databases
    source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
    waltrail.init(source, destination, slot)
    destination.execute("SELECT changes.grant_writer(%s)", [ROLE])
    return databases


def private(file, text):
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return file


def words_of(database):
    return {"host": database.server.folder, "port": database.server.port, "dbname": database.name, "user": ROLE}


def conninfo(database, **more):
    return " ".join(f"{name}={value}" for name, value in {**words_of(database), **more}.items())


def passfile(tmp_path, password=PASSWORD):
    return private(tmp_path / "pgpass", f"*:*:*:{ROLE}:{password}\n")


def service_file(tmp_path, databases):
    sections = [f"[{database.server.name}]\n" + "".join(f"{name}={value}\n" for name, value in words_of(database).items()) + f"password={PASSWORD}\n"
                for database in databases]  # fmt: skip
    return private(tmp_path / "pg_service.conf", "\n".join(sections))


@pytest.mark.parametrize("place", ["PGPASSFILE", "passfile", "service", "settings"])
def test_places_of_a_password(ends, waltrail, slot, tmp_path, place):
    source, destination = ends
    environment, texts, more = None, [conninfo(end) for end in ends], []
    if place == "PGPASSFILE":
        environment = {"PGPASSFILE": str(passfile(tmp_path))}
    elif place == "passfile":
        texts = [conninfo(end, passfile=passfile(tmp_path)) for end in ends]
    elif place == "service":
        environment = {"PGSERVICEFILE": str(service_file(tmp_path, ends))}
        texts = ["service=source", "service=destination"]
    else:
        texts = [conninfo(end, password=PASSWORD) for end in ends]
    lines = [f'source = "{texts[0]}"', f'destination = "{texts[1]}"', f'slot = "{slot}"']
    more = ["--config", private(tmp_path / "settings.toml", "[apply]\n" + "\n".join(lines) + "\n"), "--log-level", "debug"]
    apply = waltrail.background("apply", *more, "--listen", "127.0.0.1:0", "--metrics-interval", "1", environment=environment)
    apply.wait_for_output("streaming")
    source.execute("INSERT INTO counters VALUES (1, 1)")
    wait_until(lambda: destination.value("SELECT count(*) FROM public.changes") == 1, "the change is there")
    # It has connections of its own to ask the servers for metrics.
    wait_until(lambda: all(Metrics(apply).value("waltrail_up", end=end.server.name) == 1 for end in ends), "the metrics of both ends")
    printed = "".join(get(apply, page)[1] for page in ("/metrics", "/healthz", "/readyz"))
    assert "waltrail_build_info" in printed
    assert apply.stop() == 0
    printed += apply.output()
    for command in (["check"], ["check", "--json"], ["status"], ["status", "--json"]):
        done = waltrail.run(*command, *more, environment=environment, check=False)
        assert "could not connect" not in done.stdout + done.stderr
        printed += done.stdout + done.stderr
    assert PASSWORD not in printed
    for end in ends:
        assert PASSWORD not in end.server.log()


@pytest.mark.parametrize("number", [0, 1], ids=["source", "destination"])
def test_a_wrong_password_is_refused_in_one_line(ends, waltrail, slot, tmp_path, number):
    texts = [conninfo(end, passfile=passfile(tmp_path)) for end in ends]
    texts[number] = conninfo(ends[number], password="not-" + PASSWORD)
    done = waltrail.run("apply", "--source", texts[0], "--destination", texts[1], "--slot", slot, check=False)
    assert done.returncode == 1
    assert PASSWORD not in done.stdout + done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert f"could not connect to the {ends[number].server.name}" in line and "password authentication failed" in line


@pytest.mark.parametrize("text", [
    f"host=db1 password={PASSWORD}' user=x", f"host=db1 passwd={PASSWORD}", f"postgresql://u:{PASSWORD}@db1:port/shop",
    f"postgresql://u:{PASSWORD}@[db1/shop", f"postgresql://u:%zz{PASSWORD}@db1/shop", f"password='{PASSWORD}", f"host=db1 {PASSWORD}",
])  # fmt: skip
def test_a_malformed_connection_string_is_not_repeated(waltrail, text):
    done = waltrail.run("apply", "--source", text, "--destination", "host=/nonexistent", check=False)
    assert done.returncode == 1
    assert PASSWORD not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1 and "connection string" in done.stderr


@pytest.mark.parametrize("lines", [
    f'source = "password={PASSWORD}', f"source = password={PASSWORD}", f'source = "password={PASSWORD}" x', f'source "password={PASSWORD}"',
    f'source = ["a", "password={PASSWORD}"]', f'souce = "password={PASSWORD}"',
])  # fmt: skip
def test_a_mistake_in_the_file_does_not_print_the_line(waltrail, tmp_path, lines):
    file = private(tmp_path / "settings.toml", f"[apply]\n{lines}\n")
    done = waltrail.run("apply", "--config", file, check=False)
    assert done.returncode != 0
    assert PASSWORD not in done.stdout + done.stderr
