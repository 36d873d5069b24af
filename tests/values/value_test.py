"""Random tables, rows and changes on a real source, captured by the real program; PostgreSQL says what the trail must hold.

    value_test.py [--changes N] [--seed S] [--round R]

docs/value_test.md describes it. Ends with the line "N changes, D differences"; the exit status is 0 only when D is 0.
"""

import argparse
import collections
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import comparison  # noqa: E402
import oracle  # noqa: E402
import servers  # noqa: E402
from random_changes import Changes  # noqa: E402
from random_tables import SCHEMAS, World  # noqa: E402
from random_types import EXTENSIONS, identifier, literal, uncovered  # noqa: E402
from waltrail_program import WaltrailProgram  # noqa: E402

CHANGES_DEFAULT = 100_000
CHANGES_OF_A_ROUND = 8_000
DIFFERENCES_SHOWN = 10
ROUND_TIMEOUT_S = 300
# The share of a type's literals that the server must accept: a generator that makes nonsense tests nothing.
ACCEPTED_MIN = 0.5
ACCEPTED_MIN_OF_RANGES = 0.25
SLOT = "values"
LABEL = "the source's \"values\""
CAPTURE_ROLE = "capture"

# All seven differ from what the trail is rendered under, on the database and again on the role.
DATABASE_SETTINGS = {"TimeZone": "Asia/Kathmandu", "DateStyle": "German, DMY", "IntervalStyle": "sql_standard", "extra_float_digits": "-3",
                     "bytea_output": "escape", "search_path": "pg_catalog, oracle, public"}  # fmt: skip
ROLE_SETTINGS = {"TimeZone": "America/St_Johns", "DateStyle": "SQL, DMY", "IntervalStyle": "iso_8601", "extra_float_digits": "-5",
                 "bytea_output": "escape", "search_path": "oracle, plain"}  # fmt: skip

SERVER_SETTINGS = {
    "full_page_writes": "off",
    "max_wal_size": "8GB",
    "shared_buffers": "256MB",
    "default_toast_compression": "lz4",
    "track_commit_timestamp": "on",
    "jit": "off",
    "autovacuum_naptime": "20s",
    "client_min_messages": "warning",
}


def other_locale():
    """For lc_monetary: one that writes money in another way than C, where the machine has one."""
    names = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout.split()
    others = [name for name in names if not name.startswith(("C", "POSIX"))]
    return (others or ["C.UTF-8"])[0]


class AsRole:
    """A database as another role sees it: what waltrail apply is given."""

    def __init__(self, database, role):
        self.name = database.name
        self.conninfo = lambda: database.conninfo(user=role)


class ValueTest:
    def __init__(self, seed, folder):
        self.seed = seed
        self.folder = pathlib.Path(folder)
        self.program = WaltrailProgram()
        self.servers = []
        self.rounds = 0
        self.changes = 0
        self.differences = 0
        self.shown = 0
        self.operations = {}
        self.transactions = 0
        self.failures = collections.Counter()
        self.statistics = {}
        self.times = {"writing": 0.0, "waiting": 0.0, "comparing": 0.0, "cleaning": 0.0}
        self.started_at = time.monotonic()

    # -- both ends -------------------------------------------------------------------------------------------------

    def start(self):
        os.chmod(self.folder, 0o755)
        template_folder = self.folder / "template"
        template_folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(template_folder, servers.SERVER_USER, servers.SERVER_USER)
        template = servers.make_template(template_folder / "data")
        for name in ("source", "destination"):
            server = servers.Server(name, self.folder / name, template, SERVER_SETTINGS)
            self.servers.append(server)
            server.start()
        shutil.rmtree(template)
        source_server, destination_server = self.servers
        self.source = source_server.create_database("values")
        self.destination = destination_server.create_database("trail")
        self._set_up_source()
        self._alter("DATABASE trail", destination_server, dict(ROLE_SETTINGS, search_path="public, pg_catalog"))
        self.program.init(self.source, self.destination, SLOT, label=LABEL)
        # Indexes say nothing about values, and GIN would take most of the time.
        self._drop_gin_indexes()
        self._open_writer()
        self.reader = self.destination.connect()
        missing = uncovered(self.cursor)
        assert not missing, f"no literals for types of the server: {', '.join(missing)}"
        self._start_apply()

    def _open_writer(self):
        self.writer = self.source.connect()
        self.cursor = self.writer.cursor()
        for name, value in oracle.RENDERING.items():
            self.cursor.execute(f"SET {name} = {literal(value)}")
        self.cursor.execute("SET oracle.assigned = ''")

    @staticmethod
    def _alter(what, server, settings):
        for name, value in dict(settings, lc_monetary=other_locale()).items():
            words = value if name in ("search_path", "DateStyle") else literal(value)
            server.execute(f"ALTER {what} SET {name} = {words}")

    def _set_up_source(self):
        self.source.psql(oracle.SETUP + "".join(f"CREATE EXTENSION {name} SCHEMA ext;" for name in EXTENSIONS))
        self.source.execute(f"CREATE ROLE {CAPTURE_ROLE} LOGIN REPLICATION")
        self._alter('DATABASE "values"', self.servers[0], DATABASE_SETTINGS)
        self._alter(f"ROLE {CAPTURE_ROLE}", self.servers[0], ROLE_SETTINGS)

    def _drop_gin_indexes(self):
        for (name,) in self.destination.query(
            "SELECT c.oid::regclass::text FROM pg_class AS c JOIN pg_am AS a ON a.oid = c.relam JOIN pg_index AS i ON i.indexrelid = c.oid"
            " WHERE a.amname = 'gin' AND i.indrelid = 'public.changes'::regclass"
        ):
            self.destination.execute(f"DROP INDEX {name}")

    def _start_apply(self):
        self.apply = self.program.apply(AsRole(self.source, CAPTURE_ROLE), self.destination, SLOT)

    def stop(self):
        try:
            self.program.close()
        finally:
            for server in self.servers:
                server.remove()

    # -- rounds ----------------------------------------------------------------------------------------------------

    def accepted(self, type, texts):
        self.cursor.execute("SELECT oracle.accepted(%s, %s)", (type, texts))
        return self.cursor.fetchone()[0]

    def round(self, number):
        log = open(self.folder / "statements.sql", "w", encoding="utf-8")

        def logged(sql):
            log.write(sql[:2000] + ";\n")

        rng = random.Random(f"{self.seed}/{number}")
        kill = rng.random() < 0.25
        world = World(rng, lambda sql: (logged(sql), self.cursor.execute(sql)), self.accepted)
        world.statistics = self.statistics
        changes = Changes(world, self.cursor, logged)
        with self._timed("writing"):
            self.cursor.execute("SELECT pg_current_xact_id()::text::bigint")
            first = self.cursor.fetchone()[0] + 1
            changes.prepare()
            if kill:
                changes.run(CHANGES_OF_A_ROUND // 2)
                self.apply.kill9()
                self._start_apply()
            changes.run(CHANGES_OF_A_ROUND // (2 if kill else 1))
        with self._timed("waiting"):
            last = self._wait_until_applied(number)
        with self._timed("comparing"):
            self._compare(number, first, last)
        log.close()
        self.transactions += changes.transactions
        self.failures.update(changes.failures)
        with self._timed("cleaning"):
            self._clean_up()
        self.rounds += 1

    def _wait_until_applied(self, number):
        self.cursor.execute("SELECT pg_current_wal_insert_lsn()::text")
        end = self.cursor.fetchone()[0]
        self.cursor.execute(f"INSERT INTO oracle.marker VALUES ({number}) RETURNING pg_current_xact_id()::text::bigint - 1")
        last = self.cursor.fetchone()[0]

        def applied():
            assert self.apply.is_running(), f"waltrail apply ended with {self.apply.process.returncode}: {self.apply.output()[-2000:]}"
            with self.reader.cursor() as cursor:
                cursor.execute("SELECT max(last_end_lsn) >= %s FROM changes.applied", (end,))
                return cursor.fetchone()[0]

        servers.wait_until(applied, f"round {number} to be applied", ROUND_TIMEOUT_S, 0.02)
        return last

    def _compare(self, number, first, last):
        count, differences, details, operations = comparison.compare(
            self.writer, self.reader, LABEL, first, last, DIFFERENCES_SHOWN - self.shown
        )
        self.changes += count
        self.differences += differences
        for operation, times in operations.items():
            self.operations[operation] = self.operations.get(operation, 0) + times
        for difference in details:
            print(f"round {number}: {difference.text()}")
            self.shown += 1
        if differences:
            kept = pathlib.Path(tempfile.gettempdir()) / f"waltrail-values-{self.seed}-{number}.sql"
            if not kept.exists():
                shutil.copy(self.folder / "statements.sql", kept)
            print(f"round {number}: {differences} differences; statements in {kept}; again with --seed {self.seed} --round {number}", flush=True)

    def _clean_up(self):
        for schema in [*SCHEMAS, "oracle_round"]:
            self.cursor.execute(f"DROP SCHEMA {identifier(schema)} CASCADE")
        self.cursor.execute("CREATE SCHEMA oracle_round; TRUNCATE oracle.expected, oracle.marker")
        # The session keeps the plans of functions that are gone, and looks at all of them whenever something is dropped.
        self.writer.close()
        self._open_writer()
        if self.rounds % 8 == 7:
            with self.reader.cursor() as cursor:
                # The trail is append-only by triggers.
                cursor.execute("SET session_replication_role = replica; TRUNCATE public.changes; RESET session_replication_role")

    def _timed(self, name):
        return _Timed(self.times, name)

    # -- the end ---------------------------------------------------------------------------------------------------

    def check_literals(self):
        for name, (good, all_of_them) in sorted(self.statistics.items()):
            least = ACCEPTED_MIN_OF_RANGES if name.startswith("Range") else ACCEPTED_MIN
            assert all_of_them < 100 or good >= least * all_of_them, f"the server accepted {good} of {all_of_them} literals of {name}"

    def summary(self):
        seconds = time.monotonic() - self.started_at
        print(f"{self.rounds} rounds in {seconds:.0f} s, {self.changes / seconds:.0f} changes/s; " + ", ".join(f"{name} {spent:.0f} s" for name, spent in self.times.items()))
        print(", ".join(f"{count} {operation}" for operation, count in sorted(self.operations.items())))
        print(f"{self.transactions} transactions, {self.failures.total()} of them failed: " + "; ".join(f"{count} {error}" for error, count in self.failures.most_common(4)))
        quarantined = self.destination.value("SELECT count(*) FROM changes.quarantine")
        if quarantined:
            print(f"{quarantined} rows are in the quarantine: {self.destination.query('SELECT error FROM changes.quarantine LIMIT 3')}")
        print(f"{self.changes} changes, {self.differences} differences", flush=True)


class _Timed:
    def __init__(self, times, name):
        self.times = times
        self.name = name

    def __enter__(self):
        self.started_at = time.monotonic()

    def __exit__(self, *_):
        self.times[self.name] += time.monotonic() - self.started_at


def arguments():
    parser = argparse.ArgumentParser(description="compares the trail of random changes with what PostgreSQL says of them")
    parser.add_argument("--changes", type=int, default=CHANGES_DEFAULT, help=f"how many at least (default {CHANGES_DEFAULT})")
    parser.add_argument("--seed", type=int, help="the same seed makes the same tables and statements (default: a random one)")
    parser.add_argument("--round", type=int, help="only this round of the seed's")
    return parser.parse_args()


def main():
    options = arguments()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="wtv.", dir="/tmp") as folder:
        test = ValueTest(seed, folder)
        try:
            test.start()
            number = options.round or 0
            while test.changes < options.changes:
                test.round(number)
                number += 1
                if options.round is not None:
                    break
                if number % 50 == 0:
                    print(f"{test.changes} changes so far, {test.differences} differences", flush=True)
            test.check_literals()
            test.summary()
        finally:
            test.stop()
    return 0 if test.differences == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
