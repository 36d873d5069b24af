"""What a writer waits for while partitions are dropped beside it."""
import concurrent.futures
import threading
import time

import report
import trail


def write_until(server, stopped):
    """The longest milliseconds that a transaction of one new change took, of those written until then."""
    connection = trail.connect(server)
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
    """What a writer waits while the oldest partitions expire, first behind a reader of all of them."""
    def partitions():
        return int(server.sql('SELECT count(*) FROM changes.partitions()'))

    def maintain():
        server.sql('SET client_min_messages = error', 'CALL changes.maintain()')

    found = {'nothing else for 5 s': beside_a_writer(server, lambda: time.sleep(5))}
    server.sql(f"SELECT changes.set_retention('{scale.days - 3} days')")
    before = partitions()
    reader = trail.connect(server)
    reader.autocommit = False
    with reader.cursor() as cursor:
        cursor.execute('SELECT count(*) FROM public.changes WHERE position < 0')
        found['maintain() behind a reader'] = beside_a_writer(server, maintain)
    kept = partitions()
    reader.close()
    found['maintain() that drops'] = beside_a_writer(server, maintain)
    if kept < before or partitions() >= kept:
        raise RuntimeError(f'{before} partitions, {kept} behind a reader, {partitions()} in the end: '
                           'nothing was dropped when it was to be, which measures nothing')
    return found


def print_longest(found):
    report.progress('')
    print('\nThe longest that a transaction of one change took, ms, beside')
    report.print_aligned([[what, f'{longest:.1f}'] for what, longest in found.items()])
