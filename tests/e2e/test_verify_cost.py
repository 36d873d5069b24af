"""What `waltrail verify` costs: its memory, and how often it asks the trail, whatever lies there."""

import json
import subprocess

import pytest

import servers
import waltrail_program
from verified import VerifiedPair


@pytest.fixture
def pair(source, destination, slot, waltrail):
    return VerifiedPair(source, destination, slot, waltrail)


def peak_of_verify(pair):
    """Its memory at its largest, in kB, and its report."""
    command = [waltrail_program.PROGRAM, "verify", "--source", pair.source.conninfo(), "--destination", pair.destination.conninfo(),
               "--slot", pair.slot, "--json"]  # fmt: skip
    # In a process of its own, whose only child is the program: the peak is that child's.
    code = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], capture_output=True, text=True);"
        " print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); print(done.stdout); print(done.stderr, done.returncode, file=sys.stderr)"
    )
    done = subprocess.run(["/usr/bin/python3", "-c", code, *command], capture_output=True, text=True, timeout=300, check=True)
    peak_kb, _, report = done.stdout.partition("\n")
    assert done.stderr.split() in (["0"], ["3"]), done.stderr
    return int(peak_kb), json.loads(report)


def statements_of_verify(pair):
    """How many it has run at the destination, and its report. Nothing else runs there."""

    def committed():
        return pair.destination.value("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")

    before = committed()
    report = pair.verify()
    # Counted when the session has ended.
    servers.wait_until(
        lambda: not pair.destination.query("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'waltrail'"),
        "the session of verify to end",
    )
    return committed() - before, report


def test_a_large_table_takes_bounded_memory_and_its_time(pair):
    pair.source.execute("CREATE TABLE large (id bigint PRIMARY KEY, v text)")
    pair.init()
    pair.source.execute("INSERT INTO large SELECT i, repeat('x', 200) FROM generate_series(1, 100000) AS i")
    pair.apply()
    peak_kb, report = peak_of_verify(pair)
    [table] = report["tables"]
    assert (table["rows"], table["equal"]) == (100_000, 100_000)
    assert peak_kb < 64 * 1024


def test_rows_that_are_long_in_the_trail_alone_take_bounded_memory(pair):
    """Their long column is gone at the source. Some are looked at once, those that differ in what is left twice."""
    source = pair.source
    source.execute("CREATE TABLE documents (id int PRIMARY KEY, v int, document text)")
    pair.init()
    source.execute("INSERT INTO documents SELECT i, i, CASE WHEN i % 4 = 0 THEN repeat('x', 2000000) END FROM generate_series(1, 400) AS i")
    source.execute("ALTER TABLE documents DROP COLUMN document")
    pair.follow()
    pair.caught_up()
    pair.tamper("""UPDATE changes SET after = after || '{"v": 0}' WHERE primary_key::int % 8 = 0""")
    peak_kb, report = peak_of_verify(pair)
    [table] = report["tables"]
    assert (table["rows"], table["equal"], table["different"]) == (400, 350, 50)
    assert peak_kb < 64 * 1024


def test_keys_whose_rows_are_gone_are_asked_for_by_the_thousand(pair):
    source = pair.source
    source.execute("CREATE TABLE staging (id int PRIMARY KEY, v int)")
    source.execute("CREATE TABLE moving (id int PRIMARY KEY, v int)")
    pair.init()
    source.execute("INSERT INTO staging SELECT i, i FROM generate_series(1, 3000) AS i")
    source.execute("TRUNCATE staging")
    source.execute("INSERT INTO staging VALUES (1, 1)")
    source.execute("INSERT INTO moving SELECT i, i FROM generate_series(1, 3000) AS i")
    source.execute("UPDATE moving SET id = id + 10000")
    pair.apply()
    statements, report = statements_of_verify(pair)
    assert report.status == 0 and report.findings == []
    assert report.counts("staging") == {"rows": 1, "equal": 1}
    assert report.counts("moving") == {"rows": 3000, "equal": 3000}
    assert 10 < statements < 200  # fewer: they were not counted
