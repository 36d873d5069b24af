"""How long after a change on the source it is visible at the destination, while pgbench changes rows at a steady rate.

Each transaction updates one row, which then holds the next number of a sequence and clock_timestamp(). A watcher at the destination
asks for numbers that it has not seen, all the time, and takes its clock when it has them: the same machine's. So a latency spans the rest
of the UPDATE, the commit with its flush on the source, and the watcher's own question; each row is counted once. The watched
numbers have an index, made for the benchmark.
"""
import argparse
import contextlib
import statistics

import pgbench
import program
import publish
import report
import two_ends
from comparison import Comparison
from figures import Column
from latency_watch import Watcher
from options import parse_with_shared

WARM_SECONDS = 2    # sessions begin, the trail's first partition comes into memory: not counted
ARRIVAL_TIMEOUT_S = 60
SCRIPT = ('UPDATE bench_latency AS t SET number = s.number, changed_at = clock_timestamp(), balance = balance + 1 '
          "FROM (SELECT nextval('bench_number') AS number) AS s WHERE t.id = s.number % {rows} + 1;")
DDL = ('CREATE TABLE public.bench_latency (id bigint PRIMARY KEY, number bigint NOT NULL, changed_at timestamptz NOT NULL, '
       'email text NOT NULL, name text NOT NULL, balance numeric(12,2) NOT NULL) WITH (fillfactor = 80)')
SUBSCRIPTION = 'bench_replica'  # its slot has the same name

WATCHED = {  # subject: numbers and times beyond $1, with the condition that the index is for
    'waltrail': ("CREATE INDEX ON public.changes (((after ->> 'number')::bigint))",
                 "SELECT (after ->> 'number')::bigint, extract(epoch FROM (after ->> 'changed_at')::timestamptz)::float8 FROM public.changes "
                 "WHERE (after ->> 'number')::bigint > $1 AND committed_at >= '{since}'"),
    'logical_replication': ('CREATE INDEX ON public.bench_latency (number)',
                            'SELECT number, extract(epoch FROM changed_at)::float8 FROM public.bench_latency WHERE number > $1'),
}
COLUMNS = [Column('rate', 'transactions_per_second', 0), Column('transactions', 'transactions', 0), Column('median ms', 'median_ms'),
           Column('p95 ms', 'p95_ms'), Column('p99 ms', 'p99_ms'), Column('max ms', 'max_ms'),
           Column('median / logical_replication', 'median_ms', 2, 'logical_replication'),
           Column('p99 / logical_replication', 'p99_ms', 2, 'logical_replication'), Column('a question ms', 'question_ms')]


def parse(arguments):
    parser = argparse.ArgumentParser(prog='bench/run latency', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--rate', type=int, default=1000, help='transactions a second (default: 1000)')
    parser.add_argument('--clients', type=int, default=2, help='of pgbench (default: 2)')
    parser.add_argument('--seconds', type=int, default=30, help=f'of a run, after {WARM_SECONDS} that do not count (default: 30)')
    parser.add_argument('--runs', type=int, default=3, help='rounds (default: 3)')
    program.add_options(parser)
    options = parse_with_shared(parser, arguments)
    if min(options.rate, options.clients, options.seconds, options.runs) < 1:
        parser.error('--rate, --clients, --seconds and --runs must be at least 1')
    return options


def main(arguments):
    options = parse(arguments)
    waltrail = program.Program(options)
    comparison = Comparison('latency', f'{options.rate} tps', {'clients': options.clients, 'seconds': options.seconds, 'runs': options.runs,
                                                            'apply flags': options.apply_flags})
    with two_ends.make_source(options) as source, two_ends.make_destination(options) as destination:
        rows = 2 * options.rate * (options.seconds + WARM_SECONDS)  # so that a run updates none twice
        make_table(source, rows)
        trail = two_ends.Trail(source, destination, waltrail)
        trail.make()
        source.durable()
        destination.durable()
        two_ends.describe(source, destination)
        print(f'pgbench: {options.clients} clients, {options.rate} transactions a second, {options.seconds + WARM_SECONDS} s; {rows} rows\n')
        for number in range(options.runs):
            for name, attached in (('waltrail', attach_waltrail), ('logical_replication', attach_logical_replication)):
                report.progress(f'round {number + 1}/{options.runs}: {name}')
                with attached(trail) as database:
                    comparison.add(name, measure(name, source, destination, database, rows, options))
    comparison.print_table(COLUMNS)
    print('\nFrom clock_timestamp() in the UPDATE to the row in the hands of a watcher at the destination, the same clock; medians [min–max]\n'
          'of the rounds. A question: how long one of the watcher\'s takes, of which each latency has about one.')
    publish.publish(options, [comparison.figures(COLUMNS, ['logical_replication'])])


def make_table(source, rows):
    source.sql(DDL, 'ALTER TABLE public.bench_latency REPLICA IDENTITY FULL', 'CREATE SEQUENCE public.bench_number',
               'INSERT INTO public.bench_latency SELECT i, 0, now(), \'user\' || i || \'@example.com\', left(md5(i::text), 20), 0 '
               f'FROM generate_series(1, {rows}) AS i', 'VACUUM ANALYZE public.bench_latency',
               'CREATE PUBLICATION bench FOR TABLE public.bench_latency')


# -- what brings the changes over --------------------------------------------------------------------------------------

@contextlib.contextmanager
def attach_waltrail(trail):
    """apply with a trail that is empty, from here on: what earlier rounds wrote has passed before."""
    trail.reset()
    trail.apply()
    trail.sql(WATCHED['waltrail'][0])
    trail.destination.sql('CHECKPOINT')
    running = trail.program.start_apply(trail.source.conninfo(), trail.conninfo, two_ends.SLOT)
    try:
        yield trail.name
        running.check_is_running()
    finally:
        running.stop()


@contextlib.contextmanager
def attach_logical_replication(trail):
    source, destination, database = trail.source, trail.destination, 'replica'
    two_ends.create_database(destination, database)
    destination.sql(DDL, WATCHED['logical_replication'][0],
                    f"CREATE SUBSCRIPTION {SUBSCRIPTION} CONNECTION '{source.conninfo()}' PUBLICATION bench", database=database)
    try:
        wait_for_copy(destination, database)
        destination.sql('CHECKPOINT')
        yield database
    finally:
        destination.sql(f'DROP SUBSCRIPTION {SUBSCRIPTION}', database=database)


def wait_for_copy(destination, database):
    """The subscription's first copy of the table is done, and what follows comes by replication."""
    two_ends.wait_until(lambda: destination.sql("SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel", database=database) == 't',
                        'the subscription to copy its table', ARRIVAL_TIMEOUT_S)


# -- a run -------------------------------------------------------------------------------------------------------------

def measure(name, source, destination, database, rows, options):
    first = int(source.sql("SELECT nextval('bench_number')"))
    since = source.sql("SELECT date_trunc('second', now())")
    script = source.folder / 'script'
    script.write_text(SCRIPT.format(rows=rows) + '\n', encoding='utf-8')
    watcher = Watcher(destination, database, WATCHED[name][1].format(since=since), first)
    watcher.start()
    try:
        load = pgbench.Load('prepared', 'on', options.clients, seconds=options.seconds + WARM_SECONDS)
        outcome = pgbench.run(source, script, load, rate=options.rate)
        last = int(source.sql('SELECT last_value FROM bench_number'))
        written = int(source.sql(f'SELECT count(*) FROM bench_latency WHERE number > {first}'))
        watcher.wait_for(last, ARRIVAL_TIMEOUT_S)
    finally:
        watcher.end()
    if not outcome.transactions == written == last - first == len(watcher.seen):
        raise RuntimeError(f'{outcome.transactions} transactions changed {written} rows, which have {last - first} numbers; '
                           f'{len(watcher.seen)} were seen at the destination')
    return figures(watcher, outcome)


def figures(watcher, outcome):
    begin = min(changed_at for changed_at, _ in watcher.seen.values())
    latencies = sorted((seen_at - changed_at) * 1000 for changed_at, seen_at in watcher.seen.values()
                       if changed_at >= begin + WARM_SECONDS)
    return {'transactions_per_second': outcome.per_second, 'transactions': len(latencies), 'median_ms': statistics.median(latencies),
            'p95_ms': percentile(latencies, 0.95), 'p99_ms': percentile(latencies, 0.99), 'max_ms': latencies[-1],
            'question_ms': watcher.question_seconds * 1000}


def percentile(ordered, share):
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
