"""`waltrail apply` tells over HTTP what it has done and how far it is, and no client of that can hold it up."""

import contextlib
import pathlib
import re
import socket
import subprocess
import time
import urllib.parse

import pytest

import servers
from metrics import Metrics, get, url_of

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "monitoring.md"
LISTEN = ["--listen", "127.0.0.1:0", "--metrics-interval", "1"]


@pytest.fixture
def watched(pair, waltrail):
    """A function that starts apply with a listener, and waits until it streams and has asked both servers."""

    def start(*more, **options):
        apply = waltrail.apply(*pair, *LISTEN, *more, **options)
        apply.wait_for_output("streaming")
        servers.wait_until(lambda: Metrics(apply).value("waltrail_up", end="destination") == 1, "the servers to be asked")
        return apply

    return start


def test_counts_are_those_of_the_trail(pair, watched):
    source, destination, _slot = pair
    apply = watched()
    source.execute("INSERT INTO counters SELECT i, 0 FROM generate_series(1, 1000) i")
    for n in range(20):
        source.execute("UPDATE counters SET value = value + 1 WHERE id <= %s", [n])
    source.execute("DELETE FROM counters WHERE id > 990")
    source.execute("TRUNCATE counters")
    servers.wait_until(lambda: destination.value("SELECT count(*) FROM changes WHERE operation = 'TRUNCATE'"), "the changes")
    rows = dict(destination.query("SELECT lower(operation), count(*) FROM changes GROUP BY 1"))
    transactions = destination.value("SELECT count(DISTINCT transaction_id) FROM changes")
    # Counted just after the COMMIT that makes them visible.
    servers.wait_until(lambda: Metrics(apply).value("waltrail_changes_total", operation="truncate") == 1, "the count")
    seen = Metrics(apply)
    assert {op: seen.value("waltrail_changes_total", operation=op) for op in rows} == rows
    assert rows == {"create": 1000, "update": 190, "delete": 10, "truncate": 1}
    assert seen.value("waltrail_transactions_total") == transactions
    assert 1 <= seen.value("waltrail_batches_total") <= transactions
    assert seen.value("waltrail_commit_duration_seconds_count") >= seen.value("waltrail_batches_total")
    assert seen.value("waltrail_commit_duration_seconds_bucket", le="+Inf") == seen.value("waltrail_commit_duration_seconds_count")
    assert seen.value("waltrail_received_bytes_total") > 1201 * 5
    assert all(seen.value("waltrail_rendered_bytes_total", operation=op) > count * 100 for op, count in rows.items())
    assert abs(seen.value("waltrail_last_record_timestamp_seconds") - time.time()) < 30
    assert seen.value("waltrail_last_commit_timestamp_seconds") == pytest.approx(
        float(destination.value("SELECT extract(epoch FROM last_committed_at) FROM changes.applied")), abs=0.001
    )
    assert (seen.value("waltrail_streaming"), seen.value("waltrail_healthy")) == (1, 1)
    assert apply.stop() == 0


def test_quarantine_and_gaps(pair, watched):
    source, destination, _slot = pair
    destination.execute("ALTER TABLE public.changes ADD CONSTRAINT no_thirteen CHECK (primary_key <> '13')")
    apply = watched()
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 20) i")
    # Nine of one transaction: written row by row after some passes.
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(101, 120) i")
    destination.execute(
        "INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) SELECT id, '0/10', '0/20', 'r' FROM changes.sources"
    )

    def counted():
        seen = Metrics(apply)
        return seen.value("waltrail_quarantine_changes") == 1 and seen.value("waltrail_gaps") == 1 and seen

    seen = servers.wait_until(counted, "quarantine and gap to be seen")
    servers.wait_until(lambda: Metrics(apply).value("waltrail_changes_total", operation="create") == 39, "the rest")
    assert seen.value("waltrail_quarantined_changes_total") == 1
    assert apply.stop() == 0


def test_rows_that_are_written_with_care_are_counted_by_what_became_of_them(pair, watched):
    source, destination, _slot = pair
    destination.execute("ALTER TABLE public.changes ADD CONSTRAINT few CHECK (primary_key::int <= 10 OR operation <> 'CREATE')")
    apply = watched()
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 40) i; UPDATE counters SET value = 0")
    servers.wait_until(lambda: Metrics(apply).value("waltrail_quarantined_changes_total") == 30, "the rows to be refused")
    seen = Metrics(apply)
    assert seen.value("waltrail_changes_total", operation="create") == 10
    assert seen.value("waltrail_changes_total", operation="update") == 40
    assert destination.query("SELECT operation, count(*) FROM changes GROUP BY 1 ORDER BY 1") == [("CREATE", 10), ("UPDATE", 40)]
    assert apply.stop() == 0


def test_what_the_servers_tell(new_server, destination, slot, waltrail):
    server = new_server("limited", max_slot_wal_keep_size="500MB")
    source = servers.Database(server, "postgres")
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    waltrail.init(source, destination, slot)
    apply = waltrail.apply(source, destination, slot, *LISTEN)
    apply.wait_for_output("streaming")
    source.execute("INSERT INTO t SELECT generate_series(1, 1000)")
    seen = servers.wait_until(
        lambda: (m := Metrics(apply)) and all(m.value("waltrail_up", end=end) == 1 for end in ("source", "destination")) and m, "both to be asked"
    )
    [(age, safe)] = source.query("SELECT age(catalog_xmin), safe_wal_size FROM pg_replication_slots")
    assert abs(seen.value("waltrail_slot_catalog_xmin_age_transactions") - age) < 100
    assert abs(seen.value("waltrail_slot_safe_wal_bytes") - safe) < 1 << 24
    assert 0 <= seen.value("waltrail_slot_retained_bytes") < 1 << 25
    assert seen.value("waltrail_slot_lost") == 0
    versions = [database.value("SHOW server_version").split()[0] for database in (source, destination)]
    info = seen.labels("waltrail_build_info")
    assert [info["source_postgres"], info["destination_postgres"]] == versions
    assert (info["source"], info["slot"]) == ("postgres", slot)
    assert subprocess.check_output([apply.arguments[0], "--version"], text=True).split() == ["waltrail", info["version"]]
    assert apply.stop() == 0


@pytest.fixture
def may_scan(destination):
    """The role of apply may look into indexes."""
    destination.execute(f"GRANT pg_stat_scan_tables TO {servers.DESTINATION_ROLE}")
    yield
    destination.execute(f"REVOKE pg_stat_scan_tables FROM {servers.DESTINATION_ROLE}")


def test_pending_lists(pair, watched, may_scan):
    source, destination, _slot = pair
    destination.execute("CREATE SCHEMA tools; CREATE EXTENSION pgstattuple SCHEMA tools")
    destination.execute(f"GRANT USAGE ON SCHEMA tools TO {servers.DESTINATION_ROLE}")
    # As in a burst, of which nothing is cleaned while it lasts, so that there is something to see.
    apply = watched("--pending-bytes", str(64 << 20))
    destination.execute("ALTER FUNCTION changes.clean_pending() RENAME TO clean_pending_later")
    for (partition,) in destination.query("SELECT partition::text FROM changes.partition_bounds()"):
        destination.execute(f"ALTER TABLE {partition} SET (autovacuum_enabled = off)")
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 20000) i")
    servers.wait_until(lambda: destination.value("SELECT count(*) FROM changes") == 20_000, "the changes")
    longest = destination.value("""
        SELECT max(p.pending_pages) * 8192 FROM pg_class AS c JOIN pg_am AS m ON m.oid = c.relam AND m.amname = 'gin'
        CROSS JOIN LATERAL tools.pgstatginindex(c.oid) AS p WHERE c.relkind = 'i'""")
    assert longest > 100_000
    servers.wait_until(lambda: Metrics(apply).value("waltrail_pending_list_bytes") == longest, "the longest list")
    assert apply.stop() == 0


def test_lag_grows_while_the_destination_is_away_and_falls_after(fresh_source, fresh_destination, slot, waltrail):
    source, destination = fresh_source, fresh_destination
    source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
    waltrail.init(source, destination, slot)
    apply = waltrail.apply(source, destination, slot, *LISTEN)
    apply.wait_for_output("streaming")
    first = servers.wait_until(lambda: (m := Metrics(apply)).value("waltrail_lag_bytes") is not None and m, "the lag to be known")
    destination.server.stop("immediate")
    source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 20000) i")
    lags = []

    def grows():
        seen = Metrics(apply)
        lags.append((seen.value("waltrail_lag_bytes"), seen.value("waltrail_lag_seconds")))
        return lags[-1][0] > 1_000_000 and lags[-1][1] > 5 and seen

    seen = servers.wait_until(grows, "the lag to grow", interval_s=0.3)
    assert [lag for _bytes, lag in lags] == sorted(lag for _bytes, lag in lags)
    # The WAL that is kept for it.
    kept = seen.value("waltrail_slot_retained_bytes")
    assert kept > first.value("waltrail_slot_retained_bytes") + 1_000_000 and kept >= seen.value("waltrail_lag_bytes")
    # What the destination tells is not told while it does not.
    assert seen.value("waltrail_up", end="destination") == 0 and seen.value("waltrail_up", end="source") == 1
    assert seen.value("waltrail_gaps") is None and seen.value("waltrail_quarantine_changes") is None
    assert seen.value("waltrail_streaming") == 0
    assert seen.value("waltrail_reconnects_total", end="destination") >= 1
    destination.server.start()
    servers.wait_until(
        lambda: (m := Metrics(apply)).value("waltrail_lag_bytes") == 0 and m.value("waltrail_lag_seconds") == 0
        and m.value("waltrail_streaming") == 1 and m.value("waltrail_gaps") == 0, "the lag to go", 60)  # fmt: skip
    assert destination.value("SELECT count(*) FROM changes") == 20_000
    source.server.stop("immediate")
    seen = servers.wait_until(lambda: (m := Metrics(apply)).value("waltrail_up", end="source") == 0 and m, "the source to be missed")
    for name in seen.names():
        assert not name.startswith(("waltrail_lag_", "waltrail_slot_")), name
    assert seen.value("waltrail_up", end="destination") == 1
    servers.wait_until(lambda: Metrics(apply).value("waltrail_reconnects_total", end="source"), "the reconnect to be counted")


def test_what_a_role_may_not_see_hides_nothing_else(pair, waltrail):
    """Rights that were granted by hand: as few as apply asks for. Those of pgstattuple were forgotten."""
    _source, destination, _slot = pair
    destination.execute("CREATE SCHEMA tools; CREATE EXTENSION pgstattuple SCHEMA tools")
    destination.execute(f"REVOKE ALL ON changes.quarantine FROM {servers.DESTINATION_ROLE}")
    destination.execute(f"GRANT INSERT, SELECT (id, part) ON changes.quarantine TO {servers.DESTINATION_ROLE}")
    process = waltrail.apply(*pair, *LISTEN)
    process.wait_for_output("streaming")
    seen = servers.wait_until(
        lambda: (m := Metrics(process)).value("waltrail_up", end="destination") == 1 and m, "the destination to be asked")  # fmt: skip
    assert (seen.value("waltrail_gaps"), seen.value("waltrail_quarantine_changes"), seen.value("waltrail_pending_list_bytes")) == (0, None, None)
    assert process.stop() == 0


def test_a_role_with_the_least_rights_sees_everything(pair, waltrail):
    process = waltrail.apply(*pair, *LISTEN)
    process.wait_for_output("streaming")
    seen = servers.wait_until(
        lambda: (m := Metrics(process)).value("waltrail_up", end="destination") == 1 and m, "the destination to be asked")  # fmt: skip
    assert (seen.value("waltrail_gaps"), seen.value("waltrail_quarantine_changes")) == (0, 0)
    assert process.stop() == 0


# -- the listener ------------------------------------------------------------------------------------------------------


def test_paths(watched):
    apply = watched()
    servers.wait_until(lambda: get(apply, "/readyz") == (200, "ok\n"), "readiness")  # its writers connect after it says so
    assert get(apply, "/healthz") == (200, "ok\n")
    status, text = get(apply, "/")
    assert status == 404 and "/metrics" in text
    assert get(apply, "/metrics/../../etc/passwd")[0] == 404


def test_ipv6(pair, waltrail):
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    apply = waltrail.apply(*pair, "--listen", "[::1]:0")
    assert url_of(apply).startswith("http://[::1]:")
    assert Metrics(apply).value("waltrail_streaming") is not None


def test_a_port_that_is_taken_is_an_error_where_it_was_asked_for(pair, waltrail):
    source, destination, slot = pair
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = waltrail.run("apply", "--source", source.conninfo(), "--destination", destination.conninfo(), "--slot", slot,
                            "--listen", address, check=False)  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"waltrail: could not listen on {address}: Address already in use")


def take_default_port():
    """None where another has it."""
    try:
        return socket.create_server(("127.0.0.1", 19187))
    except OSError:
        return None


def test_the_default_port_that_is_taken_is_a_warning(pair, waltrail):
    # Another test's apply has it by default as well, and might give it back before this one's asks for it.
    with servers.wait_until(take_default_port, "the default port to be free", 300):
        apply = waltrail.apply(*pair)
        apply.wait_for_output("streaming")
        assert "no metrics and health over HTTP: could not listen on 127.0.0.1:19187" in apply.output()
        assert apply.stop() == 0


@pytest.mark.parametrize("how", [["--listen", "off"], ["--listen", ""], ["--until", "now"]])
def test_nothing_listens(pair, waltrail, how):
    source, destination, _slot = pair
    source.execute("INSERT INTO counters VALUES (1, 1)")
    with contextlib.closing(destination.connect(autocommit=False)) as locker:
        # What it has to write keeps the one that has an end from ending meanwhile.
        locker.cursor().execute("LOCK TABLE public.changes IN SHARE MODE")
        apply = waltrail.apply(*pair, *how)
        apply.wait_for_output("streaming")
        files = subprocess.run(["ls", "-l", f"/proc/{apply.pid}/fd"], capture_output=True, text=True, check=False).stdout
        sockets = set(re.findall(r"socket:\[(\d+)\]", files))
        listening = {line.split()[9] for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:] if line.split()[3] == "0A"}
        assert apply.is_running() and sockets and not sockets & listening
    servers.wait_until(lambda: destination.value("SELECT count(*) FROM changes") == 1, "the change")
    assert "HTTP" not in apply.output() and "http" not in apply.output()


def test_settings_from_environment_and_file(pair, waltrail, tmp_path):
    source, destination, slot = pair
    apply = waltrail.apply(*pair, environment={"WALTRAIL_LISTEN": "127.0.0.1:0", "WALTRAIL_METRICS_INTERVAL": "1"})
    assert get(apply, "/metrics")[0] == 200
    assert apply.stop() == 0
    file = tmp_path / "waltrail.toml"
    file.write_text('[apply]\nlisten = "127.0.0.1:0"\nmetrics-interval = 1\nhealth-patience = 5\n')
    apply = waltrail.apply(*pair, "--config", file)
    assert get(apply, "/metrics")[0] == 200
    done = waltrail.run("apply", "--source", "x", "--destination", "x", "--listen", "9000", check=False)
    assert done.returncode == 2 and '"9000" is not ADDRESS:PORT' in done.stderr


def test_hostile_clients_neither_slow_nor_end_it(pair, watched):
    source, destination, _slot = pair
    apply = watched()
    address = urllib.parse.urlsplit(url_of(apply))
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection((address.hostname, address.port), 10)) for _ in range(400)]
        for n, client in enumerate(clients[::2]):
            with contextlib.suppress(OSError):
                client.sendall([b"GET /metrics", b"GET / HTTP/1.1\r\nX: " + b"y" * 5000, b"\0" * 3000, b"\x16\x03\x01"][n % 4])
        started = time.monotonic()
        source.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 5000) i")
        servers.wait_until(lambda: destination.value("SELECT count(*) FROM changes") == 5000, "the changes", interval_s=0.01)
        assert time.monotonic() - started < 20
        assert get(apply, "/healthz", timeout_s=20) == (200, "ok\n")
    with socket.create_connection((address.hostname, address.port), 10) as client:
        with contextlib.suppress(OSError):
            client.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
            for _ in range(2000):
                client.sendall(b"y" * 65536)
            pytest.fail("128 MB of a header were taken")
    memory = int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{apply.pid}/status").read_text())[1])
    assert memory < 300_000
    assert apply.is_running() and Metrics(apply).value("waltrail_changes_total", operation="create") == 5000
    started = time.monotonic()
    with socket.create_connection((address.hostname, address.port), 10):
        assert apply.stop() == 0
    assert time.monotonic() - started < 20


def test_no_secret_is_told(fresh_source, fresh_destination, slot, waltrail):
    source, destination = fresh_source, fresh_destination
    source.execute("CREATE TABLE people (id int PRIMARY KEY, name text)")
    waltrail.init(source, destination, slot)
    more = {"password": "secret_word", "options": "-c my.hidden=secret_word"}
    apply = waltrail.apply(_With(source, more), _With(destination, more), slot, *LISTEN, "--health-patience", "1")
    apply.wait_for_output("streaming")
    source.execute("INSERT INTO people VALUES (1, 'secret_word')")
    servers.wait_until(lambda: destination.value("SELECT count(*) FROM changes"), "the change")
    destination.server.stop("immediate")
    source.execute("INSERT INTO people VALUES (2, 'secret_word')")
    status, reason = servers.wait_until(lambda: (a := get(apply, "/healthz"))[0] == 503 and a, "the alarm")
    assert "destination" in reason and reason.count("\n") == 1
    for text in (reason, get(apply, "/readyz")[1], get(apply, "/metrics")[1], apply.output()):
        assert "secret_word" not in text


class _With:
    """A database with more in its connection string."""

    def __init__(self, database, more):
        self.database, self.more = database, more

    def conninfo(self):
        return self.database.conninfo(**self.more)


# -- the document ------------------------------------------------------------------------------------------------------


def documented_metrics():
    """{name: type} of the table in docs/monitoring.md; labels in braces are left out."""
    rows = re.findall(r"^\| `(waltrail_\w+)(?:\{[^}]*\})?` \| (counter|gauge|histogram) \|", DOCUMENT.read_text(), re.MULTILINE)
    assert len(rows) == len(dict(rows)), "a metric has two rows"
    return dict(rows)


def test_the_document_lists_the_metrics(new_server, destination, slot, waltrail):
    server = new_server("limited", max_slot_wal_keep_size="500MB")  # for waltrail_slot_safe_wal_bytes
    source = servers.Database(server, "postgres")
    source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    waltrail.init(source, destination, slot)
    apply = waltrail.apply(source, destination, slot, *LISTEN)
    apply.wait_for_output("streaming")
    source.execute("INSERT INTO t VALUES (1)")

    def everything():
        seen = Metrics(apply)
        complete = {"waltrail_last_commit_timestamp_seconds", "waltrail_pending_list_bytes", "waltrail_gaps", "waltrail_lag_bytes"}
        return complete <= seen.names() and seen

    seen = servers.wait_until(everything, "all metrics to be there", 60)
    types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", seen.text, re.MULTILINE))
    helps = dict(re.findall(r"^# HELP (\S+) (.+)$", seen.text, re.MULTILINE))
    assert types == documented_metrics()
    assert helps.keys() == types.keys()
    for name, kind in types.items():
        assert (kind == "counter") == name.endswith("_total"), name
