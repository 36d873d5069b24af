"""What a person would write who has wal2json and an afternoon: pg_recvlogical's output, inserted in batches of 100.

The client makes the rows of "changes" of it: before and after as objects, the context from messages, an id at random.
"""
import json
import pathlib
import subprocess
import time
import uuid

import psycopg2.extras

import slots
import trail_check
from ingest_subjects import cpu_of
from server import DATABASE
from session import connect
from two_ends import create_database

BATCH_ROWS = 100
OPERATIONS = {'I': 'CREATE', 'U': 'UPDATE', 'D': 'DELETE'}
INSERT = 'INSERT INTO public.changes_wal2json VALUES %s'
KEYS = ("SELECT count(*), sum(primary_key::bigint), count(*) FILTER (WHERE operation = 'CREATE'), "
        "count(*) FILTER (WHERE operation = 'UPDATE') FROM {table}")


class Wal2json:
    name = 'wal2json'
    plugin = 'wal2json'
    slot = 'bench_wal2json'
    run_slot = 'bench_wal2json_run'
    database = 'wal2json'

    def __init__(self, ingest):
        self.ingest = ingest

    def prepare(self):
        """Before the workload is written."""
        self.ingest.source.sql(f"SELECT pg_create_logical_replication_slot('{self.slot}', '{self.plugin}')")

    def reset(self):
        slots.drop(self.ingest.source, self.run_slot)
        slots.copy(self.ingest.source, self.slot, self.run_slot)
        create_database(self.ingest.destination, self.database)
        self.ingest.destination.sql((pathlib.Path(__file__).parent / 'wal2json_table.sql').read_text(encoding='utf-8'), 'CHECKPOINT',
                                    database=self.database)

    def run(self):
        source = self.ingest.source
        command = [source.bindir / 'pg_recvlogical', '--start', '--no-loop', '-h', source.folder, '-U', 'postgres', '-d', DATABASE,
                   '-S', self.run_slot, f'--endpos={self.ingest.end_lsn}', '--fsync-interval=0', '-f', '-']
        for option in ('format-version=2', 'include-xids=true', 'include-timestamp=true', 'include-lsn=true', 'include-pk=true'):
            command += ['-o', option]
        with cpu_of(source=source, destination=self.ingest.destination) as cpu:
            start, start_cpu = time.monotonic(), time.process_time()
            receiver = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                self._insert_all(rows(receiver.stdout))
            except BaseException:
                receiver.kill()
                raise
            finally:
                reason = receiver.communicate()[1]
            if receiver.returncode != 0:
                raise RuntimeError(f'pg_recvlogical: {reason.decode(errors="replace").strip().splitlines()[-1:]}')
            wall_seconds = time.monotonic() - start
            client_cpu_seconds = time.process_time() - start_cpu
        return self.ingest.rates(wall_seconds, apply_cpu_seconds=client_cpu_seconds,
                                 cpu_us_per_change=client_cpu_seconds * 1e6 / self.ingest.total, **cpu)

    def _insert_all(self, found):
        connection = connect(self.ingest.destination, self.database)
        try:
            with connection.cursor() as cursor:
                batch = []
                for row in found:
                    batch.append(row)
                    if len(batch) == BATCH_ROWS:
                        psycopg2.extras.execute_values(cursor, INSERT, batch, page_size=BATCH_ROWS)
                        batch.clear()
                if batch:
                    psycopg2.extras.execute_values(cursor, INSERT, batch, page_size=BATCH_ROWS)
        finally:
            connection.close()

    def check(self):
        """Its values are not those of to_jsonb (a jsonb column is a string), so keys and counts stand for the checksum."""
        trail_check.expect('changes, sum of keys, inserts, updates',
                           self.ingest.destination.sql(KEYS.format(table='public.changes_wal2json'), database=self.database),
                           self.ingest.keys)


def rows(lines):
    """The rows of the table, from wal2json's lines of format version 2."""
    begin, context = {}, '{}'
    for line in lines:
        if len(line) < 2:
            continue
        event = json.loads(line)
        action = event['action']
        if action == 'B':
            begin, context = event, '{}'
        elif action == 'M':
            context = event['content']
        elif action in OPERATIONS:
            yield row(event, OPERATIONS[action], begin, context)


def row(event, operation, begin, context):
    before, after = values(event.get('identity')), values(event.get('columns'))
    key = event['pk'][0]['name']
    at = begin['timestamp']
    high, low = event['lsn'].split('/')
    return (str(uuid.uuid4()), DATABASE, event['schema'], event['table'], str((after or before)[key]), operation, json.dumps(before),
            json.dumps(after), context, at, at, at, begin['xid'], (int(high, 16) << 32) + int(low, 16))


def values(columns):
    return {column['name']: column['value'] for column in columns or []}
