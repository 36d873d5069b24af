"""The audit trigger: what it adds to the time of the workload itself, on a server of its own with the source's settings.

It moves nothing to another server, and nothing can be taken off the source: its price is paid in the application's transactions.
"""
import pathlib
import time

import trail_check
from ingest_subjects import cpu_of
from two_ends import create_database

TABLE_SQL = pathlib.Path(__file__).parent / 'audit_table.sql'


def make_audit(server, tables, database):
    """tables: name and key's column of each, in schema public."""
    server.sql(TABLE_SQL.read_text(encoding='utf-8'), *(
        f'CREATE TRIGGER bench_audit AFTER INSERT OR UPDATE OR DELETE ON public.{table} '
        f"FOR EACH ROW EXECUTE FUNCTION public.bench_write_audit('{key}')" for table, key in tables.items()), database=database)


class AuditTrigger:
    name = 'audit_trigger'

    def __init__(self, ingest, server):
        self.ingest = ingest
        self.server = server

    def reset(self):
        for database in ('plain', 'audited'):
            create_database(self.server, database)
            self.ingest.workload.make_tables(self.server, database)
        make_audit(self.server, {self.ingest.workload.table: 'id'}, 'audited')
        self.server.sql('CHECKPOINT')

    def run(self):
        plain_seconds = self._write('plain')
        with cpu_of(source=self.server) as cpu:
            audited_seconds = self._write('audited')
        return {'wall_seconds': audited_seconds, 'plain_wall_seconds': plain_seconds, 'extra_seconds': audited_seconds - plain_seconds,
                'changes_per_second': self.ingest.total / audited_seconds} | cpu

    def _write(self, database):
        start = time.monotonic()
        self.ingest.workload.write(self.server, self.ingest.changes, database=database)
        return time.monotonic() - start

    def check(self):
        """Its rows are to_jsonb of PostgreSQL's own rows: the trail's must be the same."""
        operation = "CASE operation WHEN 'INSERT' THEN 'CREATE' ELSE operation END"
        checksum = trail_check.checksum_sql(operation=operation, before="coalesce(before, '{}')", after="coalesce(after, '{}')")
        count, found = self.server.sql(f'SELECT count(*), {checksum} FROM public.bench_audit', database='audited').split('|')
        trail_check.expect('changes of the audit trigger', int(count), self.ingest.total)
        trail_check.expect('checksum of the trail, by the audit trigger', self.ingest.checksum, found)
