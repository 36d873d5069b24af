"""`waltrail verify` finds every kind of difference, names it rightly, and names nothing else."""

import contextlib
import json
import threading
import time

import pytest

import servers
from verified import VerifiedPair


@pytest.fixture
def pair(source, destination, slot, waltrail):
    return VerifiedPair(source, destination, slot, waltrail)


def test_every_kind_of_difference_is_named_and_nothing_else(pair):
    source = pair.source
    source.execute("CREATE TABLE users (id int PRIMARY KEY, name text, email text)")
    source.execute("INSERT INTO users SELECT i, 'old ' || i, NULL FROM generate_series(1, 5) AS i")
    pair.init()
    pair.follow()
    source.execute("INSERT INTO users SELECT i, 'name ' || i, i || '@example.com' FROM generate_series(11, 40) AS i")
    source.execute("UPDATE users SET email = 'new' WHERE id BETWEEN 20 AND 29")
    source.execute("DELETE FROM users WHERE id IN (38, 39, 40)")
    pair.caught_up()
    report = pair.equal()
    assert report.counts("users") == {"rows": 32, "equal": 27, "not_seen": 5}

    pair.tamper(
        """UPDATE changes SET after = after || '{"email": "secret", "name": "bent"}' WHERE primary_key = '12'""",
        "DELETE FROM changes WHERE primary_key = '13'",  # its CREATE
        "DELETE FROM changes WHERE primary_key = '20' AND operation = 'UPDATE'",
        "DELETE FROM changes WHERE primary_key = '38' AND operation = 'DELETE'",
        """UPDATE changes SET operation = 'DELETE', before = after, after = '{}' WHERE primary_key = '14'""",
        """UPDATE changes SET after = after - 'name' WHERE primary_key = '15'""",
    )
    report = pair.verify()
    assert report.named() == [
        ("different", "users", "12", ("name", "email")),
        ("different", "users", "15", ("name",)),
        ("different", "users", "20", ("email",)),
        ("missing_in_source", "users", "38", ()),
        ("missing_in_trail", "users", "13", ()),
        ("missing_in_trail", "users", "14", ()),
    ]
    assert report.status == 3
    assert report.counts("users") == {
        "rows": 32, "equal": 22, "different": 3, "missing_in_trail": 2, "missing_in_source": 1, "not_seen": 5}  # fmt: skip
    change = {f["key"]: f["change"] for f in report.findings}
    assert change["13"] is None
    assert change["12"] == pair.destination.value("SELECT id::text FROM changes WHERE primary_key = '12'")
    assert all(f["cause"] is None and f["values"] == [] for f in report.findings)


def test_values_are_listed_only_where_they_are_asked_for(pair):
    source = pair.source
    source.execute("CREATE TABLE users (id int PRIMARY KEY, price numeric)")
    pair.init()
    pair.follow()
    source.execute("INSERT INTO users VALUES (1, 1.50)")
    pair.caught_up()
    pair.tamper("""UPDATE changes SET after = '{"id": 1, "price": 1.5}'""")
    assert "1.5" not in pair.command().stdout
    assert '"price" is 1.50 and was 1.5 ' in pair.command("--values").stdout
    [finding] = pair.verify("--values").findings
    assert finding["values"] == [{"column": "price", "source": "1.50", "trail": "1.5"}]


def test_lines_for_a_person(pair):
    source = pair.source
    source.execute("CREATE TABLE users (id int PRIMARY KEY, name text)")
    source.execute("CREATE TABLE log (line text)")
    pair.init()
    pair.follow()
    source.execute("INSERT INTO users SELECT i, 'x' FROM generate_series(1, 12) AS i")
    pair.caught_up()
    pair.tamper("DELETE FROM changes WHERE primary_key::int <= 10")
    done = pair.command("--list", "2")
    lines = done.stdout.splitlines()
    assert done.returncode == 3 and done.stderr == ""
    assert lines[0].startswith('table              "public.log": 0 rows')
    assert lines[1] == 'note               "public.log": it has no primary key'
    assert lines[2] == 'note               "public.log": how many rows it has shows after ANALYZE'
    assert lines[3:5] == ['missing in trail   "public.users" key "1"', 'missing in trail   "public.users" key "2"']
    assert lines[5] == (
        'table              "public.users": 12 rows, 2 equal, 0 different, 10 missing in trail, 0 missing in source, '
        "0 not seen, 0 undecided, 0 not comparable"
    )
    assert lines[6] == "10 differences in 12 rows of 2 tables, 8 not listed"


def test_what_was_not_recorded_is_found(pair):
    """The slot has given these changes to an apply that left the table out."""
    source = pair.source
    source.execute("CREATE TABLE kept (id int PRIMARY KEY, v int)")
    source.execute("CREATE TABLE lost (id int PRIMARY KEY, v int)")
    pair.init()
    source.execute("INSERT INTO lost SELECT i, i FROM generate_series(1, 10) AS i")
    pair.apply()
    source.execute("INSERT INTO lost VALUES (11, 11)")
    source.execute("UPDATE lost SET v = 0 WHERE id = 2")
    source.execute("DELETE FROM lost WHERE id = 3")
    source.execute("UPDATE lost SET id = 40 WHERE id = 4")
    source.execute("INSERT INTO kept VALUES (1, 1)")
    pair.apply("--exclude-tables", "public.lost")
    pair.follow()
    report = pair.verify()
    assert report.named() == [
        ("different", "lost", "2", ("v",)),
        ("missing_in_source", "lost", "3", ()),
        ("missing_in_source", "lost", "4", ()),
        ("missing_in_trail", "lost", "11", ()),
        ("missing_in_trail", "lost", "40", ()),
    ]
    assert "public.lost" not in pair.equal("--exclude-tables", "public.lost").tables
    assert list(pair.equal("--tables", "public.kept").tables) == ["public.kept"]


def test_what_the_trail_does_not_reach_in_time_is_undecided(pair):
    source = pair.source
    source.execute("CREATE TABLE users (id int PRIMARY KEY, v int)")
    pair.init()
    source.execute("INSERT INTO users SELECT i, i FROM generate_series(1, 10) AS i")
    pair.apply()
    source.execute("UPDATE users SET v = 0 WHERE id = 2")
    source.execute("DELETE FROM users WHERE id = 3")
    source.execute("INSERT INTO users VALUES (11, 11)")
    report = pair.verify("--wait", "1")
    assert report.status == 1 and report.findings == []
    assert report.counts("users") == {"rows": 10, "equal": 8, "undecided": 3}
    pair.apply()
    assert pair.equal().counts("users") == {"rows": 10, "equal": 10}


def test_a_gap_that_explains_a_difference_is_named(pair):
    source, destination = pair.source, pair.destination
    source.execute("CREATE TABLE users (id int PRIMARY KEY, v int)")
    pair.init()
    source.execute("INSERT INTO users VALUES (1, 1)")
    pair.apply()
    source.execute("UPDATE users SET v = 2")
    source.execute("INSERT INTO users VALUES (2, 2)")
    pair.apply("--exclude-tables", "public.users")
    end = source.value("SELECT pg_current_wal_insert_lsn()::text")
    source.execute("INSERT INTO users VALUES (3, 3)")
    pair.follow()
    pair.caught_up()
    pair.tamper("""UPDATE changes SET after = '{"id": 3, "v": 9}' WHERE primary_key = '3'""")
    destination.execute(
        "INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) SELECT id, '0/10', %s, 'a test' FROM changes.sources", [end]
    )
    causes = {f["key"]: f["cause"] for f in pair.verify().findings}
    assert causes["1"].startswith("may come from gap 1 of changes.gaps (0/10 to ") and causes["2"] == causes["1"]
    assert causes["3"] is None


def test_changes_in_quarantine_are_told(pair):
    source, destination = pair.source, pair.destination
    source.execute("CREATE TABLE users (id int PRIMARY KEY)")
    pair.init()
    destination.execute("ALTER TABLE public.changes ADD CONSTRAINT no_thirteen CHECK (primary_key <> '13')")
    pair.follow()
    source.execute("INSERT INTO users SELECT i FROM generate_series(1, 20) AS i")
    pair.caught_up()
    report = pair.verify()
    assert report.named() == [("missing_in_trail", "users", "13", ())]
    assert "changes in quarantine, which the trail lacks: 1" in report.notes("users")


def test_what_the_retention_has_dropped_is_not_seen(pair):
    source, destination = pair.source, pair.destination
    source.execute("CREATE TABLE users (id int PRIMARY KEY)")
    pair.init()
    source.execute("INSERT INTO users VALUES (1), (2)")
    source.execute("INSERT INTO users VALUES (3)")
    pair.follow()
    pair.caught_up()
    pair.tamper("DELETE FROM changes WHERE primary_key IN ('1', '2')")
    assert pair.verify().counts("users") == {"rows": 3, "equal": 1, "missing_in_trail": 2}
    destination.execute(
        "INSERT INTO changes.drops (partition, lower_bound, upper_bound, rows, held, retention)"
        " VALUES ('changes_p1', now() - interval '2 days', now() - interval '1 minute', 2, 0, '1 day')"
    )
    # Their transaction is not later than one that was committed after what was dropped.
    assert pair.equal().counts("users") == {"rows": 3, "equal": 1, "not_seen": 2}
    source.execute("INSERT INTO users VALUES (4)")
    source.execute("INSERT INTO users VALUES (5)")
    pair.caught_up()
    pair.tamper("DELETE FROM changes WHERE primary_key = '4'")
    assert pair.equal().counts("users")["not_seen"] == 3


def test_what_the_retention_has_left_of_a_row_is_no_difference(pair):
    """Its older change is there, the newer one went with a partition."""
    source, destination = pair.source, pair.destination
    source.execute("CREATE TABLE users (id int PRIMARY KEY, v int)")
    pair.init()
    source.execute("INSERT INTO users VALUES (1, 1), (2, 2), (3, 3), (4, 4)")
    source.execute("UPDATE users SET v = 0 WHERE id = 1")
    source.execute("DELETE FROM users WHERE id = 2")
    source.execute("DELETE FROM users WHERE id = 3")
    source.execute("INSERT INTO users VALUES (3, 3)")
    pair.follow()
    pair.caught_up()
    pair.tamper(
        "DELETE FROM changes WHERE operation = 'UPDATE'",
        "DELETE FROM changes WHERE primary_key = '2' AND operation = 'DELETE'",
        "DELETE FROM changes AS c WHERE primary_key = '3' AND position = (SELECT max(position) FROM changes WHERE primary_key = '3')",
    )
    assert pair.verify().counts("users") == {"rows": 3, "equal": 1, "different": 1, "missing_in_trail": 1, "missing_in_source": 1}
    destination.execute(
        "INSERT INTO changes.drops (partition, lower_bound, upper_bound, rows, held, retention)"
        " VALUES ('changes_p1', now() - interval '2 days', now() + interval '2 seconds', 3, 0, '1 day')"
    )
    assert pair.equal().counts("users") == {"rows": 3, "equal": 1, "not_comparable": 3}
    time.sleep(3)
    source.execute("INSERT INTO users VALUES (5, 5)")
    pair.caught_up()
    pair.tamper("""UPDATE changes SET after = '{"id": 5, "v": 0}' WHERE primary_key = '5'""")
    assert pair.verify().named() == [("different", "users", "5", ("v",))]  # it is newer than what was dropped


def test_patterns_that_match_nothing_are_told(pair):
    pair.source.execute("CREATE TABLE users (id int PRIMARY KEY, v int)")
    pair.init()
    report = pair.verify("--tables", "public.usres")
    assert (report.status, report.tables, report.differences) == (1, {}, 0)
    assert report.of_run == ['pattern "public.usres" of --tables matches no table now']
    done = pair.command("--tables", "public.usres")
    assert (done.returncode, done.stdout.splitlines()) == (
        1, ['note               pattern "public.usres" of --tables matches no table now', "there is no table to compare"])  # fmt: skip
    report = pair.verify("--tables", "public.users", "--exclude-columns", "public.users.w")
    assert report.status == 0 and list(report.tables) == ["public.users"]
    assert report.of_run == ['pattern "public.users.w" of --exclude-columns matches no column now']
    assert pair.verify().of_run == []


def test_a_right_that_is_missing_is_told_and_the_rest_goes_on(pair, role):
    source, destination = pair.source, pair.destination
    source.execute("CREATE TABLE given (id int PRIMARY KEY, v int, secret text)")
    source.execute("CREATE TABLE refused (id int PRIMARY KEY)")
    source.execute("CREATE TABLE policed (id int PRIMARY KEY)")
    source.execute("ALTER TABLE policed ENABLE ROW LEVEL SECURITY")
    source.execute("CREATE SCHEMA hidden CREATE TABLE t (id int PRIMARY KEY)")
    source.execute(f"GRANT SELECT (id, v) ON given TO {role}")
    source.execute(f"GRANT SELECT ON policed TO {role}")
    pair.init()
    source.execute("INSERT INTO given SELECT i, i FROM generate_series(1, 3) AS i")
    source.execute("INSERT INTO refused SELECT i FROM generate_series(1, 3) AS i")
    pair.apply()
    reader = f"{destination.name}_reader"
    destination.execute(f"CREATE ROLE {reader} LOGIN")
    try:
        destination.execute("SELECT changes.grant_reader(%s)", [reader])
        report = pair.verify(source=source.conninfo(user=role), destination=destination.conninfo(user=reader))
        assert report.status == 1
        assert report.counts("given") == {"rows": 3, "equal": 3}
        assert "columns not compared, because the role may not read them: secret" in report.notes("given")
        assert report.problem("refused").startswith('the role lacks SELECT on column "id" of its key: GRANT SELECT ON "public"."refused" TO ')
        assert "row-level security" in report.problem("policed")
        assert report.problem("t", "hidden").startswith('the role lacks USAGE on schema "hidden": GRANT USAGE ON SCHEMA "hidden" TO ')
        source.execute(f"GRANT SELECT ON refused TO {role}")
        report = pair.verify("--tables", "public.given,public.refused", source=source.conninfo(user=role),
                             destination=destination.conninfo(user=reader))  # fmt: skip
        assert report.status == 0 and report.counts("refused") == {"rows": 3, "equal": 3}
        done = pair.command(destination=destination.server.conninfo())
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1
    finally:
        destination.execute(f"DROP OWNED BY {reader} CASCADE")
        destination.execute(f"DROP ROLE {reader}")


@pytest.mark.parametrize("options", [["--json"], []], ids=["json", "lines"])
def test_what_was_found_before_a_connection_is_lost_is_told(pair, options):
    source = pair.source
    for table in ("a_first", "b_second", "c_third"):
        source.execute(f"CREATE TABLE {table} (id int PRIMARY KEY)")
    pair.init()
    pair.follow()
    source.execute("INSERT INTO a_first VALUES (1), (2)")
    source.execute("INSERT INTO b_second SELECT i FROM generate_series(1, 2000) AS i")
    pair.caught_up()
    pair.tamper("""DELETE FROM changes WHERE primary_key = '2' AND "table" = 'a_first'""")
    done = []
    run = threading.Thread(target=lambda: done.append(pair.command(*options, "--range-rows", "10", "--rows-per-second", "200")))
    run.start()
    try:
        [[pid]] = servers.wait_until(
            lambda: source.query("SELECT pid FROM pg_stat_activity WHERE query LIKE '%FROM ONLY%b_second%' AND pid <> pg_backend_pid()"),
            "the second table to be read",
        )
        source.execute("SELECT pg_terminate_backend(%s)", [pid])
    finally:
        run.join()
    [done] = done
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1 and "source" in done.stderr
    if options:
        report = json.loads(done.stdout)
        assert report["error"] in done.stderr
        assert [(f["kind"], f["table"], f["key"]) for f in report["findings"]] == [("missing_in_trail", "a_first", "2")]
        assert [table["table"] for table in report["tables"]] == ["a_first", "b_second"] and report["differences"] == 1
        assert report["tables"][0]["problem"] is None and report["tables"][1]["problem"] == report["error"]
        assert 0 < report["tables"][1]["rows"] < 2000
    else:
        lines = done.stdout.splitlines()
        assert lines[0] == 'missing in trail   "public.a_first" key "2"'
        assert lines[-2].startswith('error              "public.b_second": source ')
        assert lines[-1].startswith("1 difference in ") and lines[-1].endswith(", 1 table not compared, and no table after that")


def test_another_database_is_refused(pair, source_server, slot):
    pair.source.execute("CREATE TABLE t (id int PRIMARY KEY)")
    pair.init()
    other = source_server.create_database(f"{slot}_other")
    try:
        done = pair.command(source=other.conninfo())
        assert done.returncode == 1 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    finally:
        other.drop()


@pytest.fixture
def one_server(destination, slot, waltrail):
    """Both ends are one database, whose idle WAL is hardly ever recorded."""
    pair = VerifiedPair(destination, destination, slot, waltrail)
    destination.execute("CREATE TABLE users (id int PRIMARY KEY, v int)")
    destination.execute("CREATE TABLE others (id serial PRIMARY KEY)")
    pair.init()
    pair.follow()
    destination.execute("INSERT INTO users VALUES (1, 1), (2, 2)")
    servers.wait_until(lambda: destination.value("SELECT count(*) FROM changes") == 2, "the changes")
    return pair


def test_one_server_that_is_both_ends(one_server):
    one_server.tamper("""UPDATE changes SET after = '{"id": 2, "v": 9}' WHERE primary_key = '2'""")
    report = one_server.verify("--wait", "8")
    assert report.status == 1 and report.findings == []
    assert report.counts("users") == {"rows": 2, "equal": 1, "undecided": 1}
    reports = []
    run = threading.Thread(target=lambda: reports.append(one_server.verify("--tables", "public.users")))
    run.start()
    while run.is_alive():  # a change that is recorded takes what lies before it along
        one_server.source.execute("INSERT INTO others DEFAULT VALUES")
        run.join(0.5)
    assert reports[0].named() == [("different", "users", "2", ("v",))]


def test_one_server_whose_trail_waits_for_a_lock_has_no_difference(one_server):
    source = one_server.source
    assert one_server.equal().counts("users") == {"rows": 2, "equal": 2}
    with contextlib.closing(source.connect(autocommit=False)) as locking, locking.cursor() as cursor:
        cursor.execute("LOCK TABLE public.changes IN EXCLUSIVE MODE")  # what lets verify read, and apply not write
        source.execute("INSERT INTO users VALUES (3, 3)")
        source.execute("UPDATE users SET v = 0 WHERE id = 1")
        source.execute("DELETE FROM users WHERE id = 2")
        report = one_server.verify("--wait", "12")
        assert report.status == 1 and report.findings == []
        assert report.counts("users") == {"rows": 2, "undecided": 3}
        locking.rollback()
    servers.wait_until(lambda: source.value("SELECT count(*) FROM changes") == 5, "the changes behind the lock")
    assert one_server.equal().counts("users") == {"rows": 2, "equal": 2}
