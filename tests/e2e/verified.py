"""`waltrail verify` between two databases: what it has printed, with its promises asserted, and questions to it."""

import contextlib
import json

import servers

COUNTS = ["rows", "equal", "partly_compared", "different", "missing_in_trail", "missing_in_source", "not_seen", "undecided", "not_comparable"]
DIFFERENCES = ["different", "missing_in_trail", "missing_in_source"]


class VerifyReport:
    """What `waltrail verify --json` has printed."""

    def __init__(self, done):
        assert done.stderr == "", done.stderr
        printed = json.loads(done.stdout)
        self.status = done.returncode
        self.differences, self.findings, self.of_run = printed["differences"], printed["findings"], printed["notes"]
        self.tables = {f"{table['schema']}.{table['table']}": table for table in printed["tables"]}
        for table in self.tables.values():
            assert list(table) == ["schema", "table", *COUNTS, "problem", "notes"]
            if table["problem"] is None:
                # Every row of the source is counted once; keys that only the trail has are no rows.
                of_rows = sum(table[name] for name in COUNTS if name not in ("rows", "partly_compared", "missing_in_source"))
                assert of_rows >= table["rows"], table
        for finding in self.findings:
            assert list(finding) == ["kind", "schema", "table", "key", "columns", "change", "cause", "values"]
        assert self.differences == sum(table[kind] for table in self.tables.values() for kind in DIFFERENCES)
        assert (self.status == 3) == (self.differences > 0)

    def named(self):
        """What is named of each difference: kind, table, key, columns."""
        return sorted((f["kind"], f["table"], f["key"], tuple(f["columns"])) for f in self.findings)

    def counts(self, table, schema="public"):
        """The counts of a table that are not 0."""
        return {name: self.tables[f"{schema}.{table}"][name] for name in COUNTS if self.tables[f"{schema}.{table}"][name]}

    def notes(self, table, schema="public"):
        return " / ".join(self.tables[f"{schema}.{table}"]["notes"])

    def problem(self, table, schema="public"):
        return self.tables[f"{schema}.{table}"]["problem"]


class VerifiedPair:
    """Two ends with a trail between them."""

    def __init__(self, source, destination, slot, waltrail):
        self.source, self.destination, self.slot, self.waltrail = source, destination, slot, waltrail
        self.process = None

    def init(self, *more):
        self.waltrail.init(self.source, self.destination, self.slot, *more)

    def apply(self, *more):
        """Applies what exists and ends."""
        self.waltrail.apply_until_now(self.source, self.destination, self.slot, *more)

    def follow(self, *more):
        """Apply goes on, so that the trail reaches whatever verify reads."""
        self.process = self.waltrail.apply(self.source, self.destination, self.slot, *more)
        self.process.wait_for_output("streaming")

    def command(self, *more, source=None, destination=None, check=False, **options):
        return self.waltrail.run(
            "verify", "--source", source or self.source.conninfo(), "--destination", destination or self.destination.conninfo(),
            "--slot", self.slot, *more, check=check, **options,
        )  # fmt: skip

    def verify(self, *more, **options):
        return VerifyReport(self.command("--json", *more, **options))

    def equal(self, *more):
        """There is no difference, and nothing that was not decided."""
        report = self.verify(*more)
        assert report.status == 0 and report.findings == [], (report.findings, report.tables)
        return report

    @contextlib.contextmanager
    def tampering(self):
        """A connection to the destination that nothing is refused to: the triggers that keep the trail append-only are off."""
        connection = self.destination.connect()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET session_replication_role = replica")
                yield cursor
        finally:
            connection.close()

    def tamper(self, *statements):
        with self.tampering() as cursor:
            for statement in statements:
                cursor.execute(statement)
                assert cursor.rowcount > 0, statement

    def caught_up(self):
        """What the source has committed is in the trail; asserted of apply that goes on."""
        end = self.source.value("SELECT pg_current_wal_insert_lsn()::text")
        servers.wait_until(
            lambda: self.destination.value("SELECT changes.horizon(%s) >= %s::pg_lsn", [self.source.name, end]), "the trail", timeout_s=60
        )
