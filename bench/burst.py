"""A burst is absorbed while somebody asks: a session asks all the time what happened to one record, and keeps each answer.

An answer is complete when it has every change of the record that lies before the horizon as it was before the question was
asked. What there was to be found is known afterwards, from the trail's btree.
"""
import dataclasses
import random
import threading
import time

import psycopg2

import trail_check
from ingest_subjects import Waltrail, cpu_of
from server import DATABASE
from session import connect

PAUSE_S = 0.01
QUESTIONS = {
    '@>': 'SELECT position FROM public.changes WHERE after @> jsonb_build_object(\'id\', %(key)s::bigint)',
    'history': "SELECT position FROM changes.history('{table}', %(key)s::text)",
}


@dataclasses.dataclass(frozen=True)
class Answer:
    question: str
    key: int
    horizon: int      # before it was asked
    positions: set
    milliseconds: float


class Asker(threading.Thread):
    def __init__(self, trail, table, keys):
        super().__init__()
        self.trail = trail
        self.table = table
        self.keys = keys
        self.stopped = threading.Event()
        self.answers = []
        self.failure = None

    def run(self):
        generator = random.Random(1)
        try:
            connection = connect(self.trail.destination, self.trail.name)
            try:
                with connection.cursor() as cursor:
                    while not self.stopped.wait(PAUSE_S):
                        for question in QUESTIONS:
                            self._ask(cursor, question, generator.randint(1, self.keys))
            finally:
                connection.close()
        except psycopg2.Error as error:
            self.failure = error

    def _ask(self, cursor, question, key):
        cursor.execute("SELECT changes.horizon(%s) - '0/0' FROM changes.applied WHERE changes > 0 LIMIT 1", [DATABASE])
        recorded = cursor.fetchone()
        if recorded is None:
            return  # history() of a table without changes is an error
        start = time.perf_counter()
        cursor.execute(QUESTIONS[question].format(table=self.table), {'key': key})
        positions = {position for position, in cursor}
        milliseconds = (time.perf_counter() - start) * 1000
        self.answers.append(Answer(question, key, int(recorded[0]), positions, milliseconds))

    def end(self):
        self.stopped.set()
        self.join()
        if self.failure:
            raise RuntimeError(f'a question during the burst: {str(self.failure).splitlines()[0]}')

    def longest(self, question):
        return max((answer.milliseconds for answer in self.answers if answer.question == question), default=0)

    def check(self):
        """Of each answer; some must have had something to find."""
        connection = connect(self.trail.destination, self.trail.name)
        with connection.cursor() as cursor:
            cursor.execute('SELECT primary_key::bigint, array_agg(position) FROM public.changes WHERE "table" = %s AND primary_key = ANY (%s) '
                           "AND operation <> 'DELETE' GROUP BY primary_key", [self.table, list({str(answer.key) for answer in self.answers})])
            written = dict(cursor.fetchall())
        connection.close()
        for answer in self.answers:
            missing = {position for position in written.get(answer.key, []) if position < answer.horizon} - answer.positions
            trail_check.expect(f'changes that {answer.question} did not find of record {answer.key}', len(missing), 0)
        if not any(answer.positions for answer in self.answers):
            raise RuntimeError('no question during the burst found anything, which proves nothing')


class Burst(Waltrail):
    """`waltrail apply` with the flags of a declared burst, questions asked beside it."""
    name = 'burst'

    def run(self):
        asker = Asker(self.trail, self.ingest.workload.table, self.ingest.workload.counts(self.ingest.changes)['CREATE'])
        with cpu_of(destination=self.trail.destination) as cpu:
            asker.start()
            try:
                ended = self.trail.apply(self.flags)
            finally:
                asker.end()
        self.asker = asker
        start = time.monotonic()
        self.trail.sql('SELECT changes.clean_pending()')
        cleaning_seconds = time.monotonic() - start
        return self.ingest.rates(ended.wall_seconds, apply_cpu_seconds=ended.cpu_seconds, apply_memory_mb=ended.memory_bytes_max / 1e6, **cpu,
                                 cleaning_seconds=cleaning_seconds, questions=len(asker.answers), contains_ms_max=asker.longest('@>'), history_ms_max=asker.longest('history'))

    def check(self):
        super().check()
        self.asker.check()
