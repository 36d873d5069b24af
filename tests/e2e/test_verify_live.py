"""`waltrail verify` while writers are at it: nothing is different, and nobody waits for it."""

import concurrent.futures
import contextlib
import random
import threading
import time

import psycopg2
import pytest

import servers
from verified import VerifiedPair

ROWS = 300


class Writers:
    """Sessions that change rows of few keys all the time, so that each range has some that are just being changed."""

    def __init__(self, source, count):
        self.source = source
        self.stop = threading.Event()
        self.transactions = 0
        self.problems = []
        self.threads = [threading.Thread(target=self._write, args=(random.Random(seed),)) for seed in range(count)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exception):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        assert self.problems == []

    def _write(self, rng):
        with contextlib.closing(self.source.connect(autocommit=False)) as connection, connection.cursor() as cursor:
            while not self.stop.is_set():
                try:
                    for _ in range(rng.choice([1, 1, 3])):
                        self._change(cursor, rng)
                    if rng.random() < 0.2:
                        time.sleep(0.02)  # an older transaction commits after newer ones
                    connection.rollback() if rng.random() < 0.1 else connection.commit()
                    self.transactions += 1
                except (psycopg2.errors.UniqueViolation, psycopg2.errors.DeadlockDetected):
                    connection.rollback()
                except Exception as problem:
                    self.problems.append(problem)
                    return

    @staticmethod
    def _change(cursor, rng):
        key = rng.randrange(ROWS)
        choice = rng.random()
        if choice < 0.45:
            cursor.execute("UPDATE busy SET v = v + 1, note = md5(random()::text) WHERE id = %s", [key])
        elif choice < 0.7:
            cursor.execute("INSERT INTO busy VALUES (%s, 0, 'new') ON CONFLICT (id) DO UPDATE SET v = 0", [key])
        elif choice < 0.85:
            cursor.execute("DELETE FROM busy WHERE id = %s", [key])
        elif choice < 0.95:
            cursor.execute("UPDATE busy SET id = %s WHERE id = %s", [rng.randrange(ROWS), key])
        else:
            cursor.execute("SAVEPOINT s; DELETE FROM busy WHERE id = %s; ROLLBACK TO SAVEPOINT s", [key])


@contextlib.contextmanager
def beside(function, *arguments):
    """Runs it in a thread. The future's result() is what it returned, or raises what it raised."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield pool.submit(function, *arguments)


def reads_of(source, table):
    """When the statements began that verify read the table's rows with; the last of each session is shown."""
    return {began for (began,) in source.query(
        "SELECT query_start FROM pg_stat_activity WHERE query LIKE %s AND query LIKE '%%pg_current_snapshot%%' AND pid <> pg_backend_pid()",
        [f"%{table}%"])}  # fmt: skip


@pytest.fixture
def pair(source, destination, slot, waltrail):
    source.execute("CREATE TABLE busy (id int PRIMARY KEY, v int, note text)")
    source.execute("INSERT INTO busy SELECT i, i, 'old' FROM generate_series(0, 20) AS i")
    pair = VerifiedPair(source, destination, slot, waltrail)
    pair.init()
    pair.follow()
    return pair


def test_nothing_differs_while_writers_go_on(pair):
    with Writers(pair.source, 4) as writers:
        for _ in range(8):
            before = writers.transactions
            report = pair.equal("--range-rows", "20")
            assert writers.transactions > before
            assert report.counts("busy")["rows"] > 20
    pair.caught_up()
    rows = pair.source.value("SELECT count(*) FROM busy")
    assert pair.equal().counts("busy")["rows"] == rows


def test_a_difference_is_found_among_writers(pair):
    source = pair.source
    source.execute("INSERT INTO busy VALUES (1000, 1, 'steady'), (1001, 1, 'steady')")
    with Writers(source, 3):
        pair.caught_up()
        pair.tamper("""UPDATE changes SET after = after || '{"v": 2}' WHERE primary_key = '1000'""",
                    "DELETE FROM changes WHERE primary_key = '1001'")  # fmt: skip
        for _ in range(3):
            assert pair.verify().named() == [("different", "busy", "1000", ("v",)), ("missing_in_trail", "busy", "1001", ())]


def test_no_writer_waits_and_no_snapshot_stays(pair):
    """A slow run: between its statements it holds neither a lock nor a snapshot."""
    source = pair.source
    source.execute("INSERT INTO busy SELECT i, i, 'x' FROM generate_series(1000, 1300) AS i")
    pair.caught_up()
    begin = time.monotonic()
    seen = 0
    with beside(pair.equal, "--range-rows", "10", "--rows-per-second", "100") as run:
        while not run.done():
            sessions = source.query(
                "SELECT state, backend_xmin FROM pg_stat_activity WHERE application_name = 'waltrail' AND datname = current_database()"
                " AND backend_type = 'client backend' AND state LIKE 'idle%'"
            )
            assert all(state == "idle" and xmin is None for state, xmin in sessions)
            seen += len(sessions)
            source.execute("SET lock_timeout = '2s'")
            source.execute("ALTER TABLE busy ALTER COLUMN v SET DEFAULT 0")
            time.sleep(0.1)
    source.execute("RESET lock_timeout")
    assert seen > 10 and time.monotonic() - begin > 2.5
    assert run.result().counts("busy") == {"rows": 322, "equal": 301, "not_seen": 21}  # those that were there before the trail


def test_a_table_that_stays_locked_is_told_and_the_rest_goes_on(pair):
    source = pair.source
    source.execute("CREATE TABLE after_busy (id int PRIMARY KEY)")
    source.execute("INSERT INTO after_busy VALUES (1)")
    pair.caught_up()
    with contextlib.closing(source.connect(autocommit=False)) as locking, locking.cursor() as cursor:
        cursor.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
        report = pair.verify()
        locking.rollback()
    assert report.status == 1 and "lock timeout" in report.problem("busy")
    assert report.counts("after_busy") == {"rows": 1, "equal": 1}


def test_what_is_dropped_while_it_is_compared_is_not_seen(pair):
    source, destination = pair.source, pair.destination
    source.execute("CREATE TABLE dropped (id int PRIMARY KEY)")
    source.execute("INSERT INTO dropped SELECT generate_series(1, 400)")
    source.execute("CREATE TABLE kept (id int PRIMARY KEY)")
    source.execute("INSERT INTO kept VALUES (1)")
    pair.caught_up()
    read = set()
    with beside(pair.equal, "--tables", "public.dropped", "--range-rows", "10", "--rows-per-second", "100") as run:
        # By the third, the first rows have been compared.
        servers.wait_until(lambda: read.update(reads_of(source, "dropped")) or run.done() or len(read) >= 3, "some rows to be compared")
        # As the retention does it: in one transaction.
        pair.tamper("""
            WITH dropped AS (DELETE FROM changes WHERE "table" = 'dropped')
            INSERT INTO changes.drops (partition, lower_bound, upper_bound, rows, held, retention)
            SELECT 'changes_p1', now() - interval '2 days', max(committed_at), 400, 0, '1 day' FROM changes WHERE "table" = 'kept'""")
    counts = run.result().counts("dropped")
    assert counts.get("equal", 0) > 0 and counts.get("not_seen", 0) > 0 and counts["equal"] + counts["not_seen"] == 400, counts


def test_a_table_that_is_altered_while_it_is_compared_has_no_difference(pair):
    """What was read of it before is not what it is now. The next one is read as it is when its turn comes."""
    source = pair.source
    source.execute("CREATE TABLE altered (id int PRIMARY KEY, v int)")
    source.execute("CREATE TABLE later (id int PRIMARY KEY, v int)")
    for table in ("altered", "later"):
        source.execute(f"INSERT INTO {table} SELECT i, i FROM generate_series(1, 400) AS i")
    pair.caught_up()
    pair.tamper("""UPDATE changes SET after = after || '{"v": 0}' WHERE "table" = 'altered' AND primary_key = '7'""")
    options = ("--tables", "public.altered,public.later", "--range-rows", "10", "--rows-per-second", "200")
    assert pair.verify(*options).named() == [("different", "altered", "7", ("v",))]
    with beside(pair.verify, *options) as run:
        servers.wait_until(lambda: reads_of(source, "altered"), "the first rows to be read")
        source.execute("ALTER TABLE altered ADD COLUMN w int")
        source.execute("ALTER TABLE later ALTER COLUMN v TYPE text")
        source.execute("UPDATE later SET v = 'new' WHERE id = 9")
    report = run.result()
    assert report.status == 1 and report.findings == []
    assert report.problem("altered") == "it was altered meanwhile: verify it again" and report.counts("altered")["undecided"] == 1
    assert report.problem("later") is None and report.counts("later")["equal"] == 400
    assert pair.verify(*options).named() == [("different", "altered", "7", ("v",))]


def test_a_transaction_that_commits_after_it_was_passed_by(pair):
    """Its changes lie before others in the WAL, and are seen after them."""
    source = pair.source
    source.execute("INSERT INTO busy VALUES (500, 1, 'a'), (501, 1, 'a')")
    with contextlib.closing(source.connect(autocommit=False)) as slow, slow.cursor() as cursor:
        cursor.execute("UPDATE busy SET v = 2 WHERE id = 500")
        cursor.execute("DELETE FROM busy WHERE id = 501")
        cursor.execute("INSERT INTO busy VALUES (502, 1, 'a')")
        source.execute("UPDATE busy SET v = 3 WHERE id = 1")
        pair.caught_up()
        pair.equal()
        slow.commit()
    pair.equal()
    servers.wait_until(
        lambda: pair.destination.value("SELECT count(*) FROM changes WHERE primary_key = '502'") == 1, "the last change"
    )
    pair.equal()
