"""The watcher at the destination: sees each number of a sequence once, in whatever order they become visible.

It asks for what lies beyond the numbers that it has seen without a hole, so that one that comes late is seen when it comes, however
far others are ahead. Its clock is taken when the answer is here: never before a row could be seen.
"""
import threading
import time

import psycopg2

from session import connect

PAUSE_S = 0.0002


class Watcher(threading.Thread):
    """question: SQL with $1, the number beyond which rows are told, as (number, seconds since 1970)."""

    def __init__(self, server, database, question, after):
        super().__init__()
        self.question = question
        self.contiguous = after  # every number up to here has been seen
        self.seen = {}           # number: (changed at, seen at)
        self.asked = 0
        self.asked_seconds = 0.0
        self.stopped = threading.Event()
        self.failure = None
        self.connection = connect(server, database)

    @property
    def question_seconds(self):
        return self.asked_seconds / max(self.asked, 1)

    def run(self):
        try:
            with self.connection.cursor() as cursor:
                # One plan for all: planning would take longer than the answer.
                cursor.execute('SET plan_cache_mode = force_generic_plan')
                cursor.execute('SET enable_seqscan = off')  # nothing has been analyzed yet
                cursor.execute('SET enable_bitmapscan = off')
                cursor.execute(f'PREPARE watch (bigint) AS {self.question}')
                while not self.stopped.is_set():
                    self._ask(cursor)
                    time.sleep(PAUSE_S)
        except psycopg2.Error as error:
            self.failure = error

    def _ask(self, cursor):
        start = time.perf_counter()
        cursor.execute(f'EXECUTE watch ({self.contiguous})')
        rows = cursor.fetchall()
        seen_at = time.time()
        self.asked += 1
        self.asked_seconds += time.perf_counter() - start
        for number, changed_at in rows:
            self.seen.setdefault(number, (changed_at, seen_at))
        while self.contiguous + 1 in self.seen:
            self.contiguous += 1

    def wait_for(self, last, timeout_s):
        deadline = time.monotonic() + timeout_s
        while self.contiguous < last and self.is_alive():
            if time.monotonic() > deadline:
                raise RuntimeError(f'number {self.contiguous + 1} of {last} did not arrive within {timeout_s} s')
            time.sleep(0.05)

    def end(self):
        self.stopped.set()
        self.join()
        self.connection.close()
        if self.failure:
            raise RuntimeError(f'the watcher: {str(self.failure).splitlines()[0]}')
