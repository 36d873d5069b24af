"""What a writer waits for while partitions are dropped beside it."""
import concurrent.futures
import os
import threading
import time

import report
import session

LONGEST_MS = 100  # the goal

def write_until(server, stopped):
    """The longest milliseconds that a transaction of one new change took, of those written until then."""
    connection = session.connect(server)
    longest = 0
    with connection.cursor() as cursor:
        while not stopped.is_set():
            start = time.perf_counter()
            cursor.execute('INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position) '
                           "VALUES ('shop', 'public', 'users', 'UPDATE', 0, 0)")
            longest = max(longest, (time.perf_counter() - start) * 1000)
    connection.close()
    return longest


def beside_a_writer(server, work):
    stopped = threading.Event()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        writer = pool.submit(write_until, server, stopped)
        try:
            work()
        finally:
            stopped.set()
    return writer.result()


def drop_expired(server, scale):
    """What a writer waits while the oldest partitions expire: behind readers, when none can be dropped, and without."""
    def partitions():
        return int(server.sql('SELECT count(*) FROM changes.partitions()'))

    def maintain():
        server.sql('SET client_min_messages = error', 'CALL changes.maintain()')

    def behind_reader(condition):
        reader = session.connect(server)
        reader.autocommit = False
        with reader.cursor() as cursor:
            cursor.execute(f'SELECT count(*) FROM public.changes WHERE {condition}')
            longest = beside_a_writer(server, maintain)
        if partitions() < before:
            raise RuntimeError('a partition was dropped behind a reader of the trail')
        reader.close()
        return longest

    server.sql('CHECKPOINT')
    os.sync()
    found = {'nothing else for 5 s': beside_a_writer(server, lambda: time.sleep(5))}
    server.sql(f"SELECT changes.set_retention('{scale.days - 3} days')")
    before = partitions()
    today = server.sql("SELECT date_trunc('day', now())")  # as text: only its partition is read, and locked beside the parent
    found['maintain(), a reader of all partitions has a transaction open'] = behind_reader('position < 0')
    found['maintain(), a reader of the newest one has a transaction open'] = behind_reader(f"committed_at >= '{today}'")
    longest = beside_a_writer(server, maintain)
    dropped = before - partitions()
    if dropped < 1:
        raise RuntimeError('no partition was dropped, which measures nothing')
    found[f'maintain() that drops {dropped} partitions'] = longest
    return found


def print_longest(found):
    report.progress('')
    print(f'\nThe longest that a transaction of one change took, ms (at most {LONGEST_MS} beside maintain()), beside')
    report.print_aligned([[what, f'{longest:.1f}'] for what, longest in found.items()])
