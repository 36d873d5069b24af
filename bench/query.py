"""How long the questions that people ask take, on a trail of millions of changes in daily partitions.

The destination alone: changes are made by SQL (trail.sql), as apply would have written them, and
their partitions are sealed as maintenance does it. Each question is then asked of many records in
one session, planning included: first, when not all of them are in memory, and of the same records
again, warm; then once in sessions of their own, each after a restart of the server; and as at
first with the newest partition's pending lists full.
"""
import argparse
import random
import statistics
import time

import publish
import report
import session
import trail
import trail_drop
import trail_plans
from comparison import Comparison
from figures import Column
from options import parse_with_shared
from server import Server
from trail_queries import QUESTIONS

SLOW_ASKED = 3
STATES = ('first', 'warm', 'restarted', 'pending_first', 'pending')
COLUMNS = [Column(f'{state} {what} ms', f'{state}_{what}_ms') for state in STATES for what in ('median', 'p99')]


def parse(arguments):
    parser = argparse.ArgumentParser(prog='bench/run query', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--changes', type=int, default=10_000_000)
    parser.add_argument('--records', type=int, default=1_000_000)
    parser.add_argument('--days', type=int, default=30)
    parser.add_argument('--asked', type=int, default=500, help='times each, warm (default: 500)')
    parser.add_argument('--restarts', type=int, default=5, help='(default: 5)')
    parser.add_argument('--sessions', type=int, default=2, help='that load (default: 2)')
    parser.add_argument('--plans', action='store_true', help='print the plan of each question')
    options = parse_with_shared(parser, arguments)
    if options.records < 1000 or options.changes < 2 * options.records or options.days < 2:
        parser.error('--records must be at least 1000, --changes twice that, --days at least 2')
    return options


def main(arguments):
    options = parse(arguments)
    scale = trail.Scale(options.changes, options.records, options.days)
    with Server(options.pg_config, options.os_user, options.library_path, settings=trail.SETTINGS) as server:
        trail.load(server, scale, options.sessions)
        trail.describe(server, scale)
        first, warm = ask_all(server, scale, options.asked)
        restarted = after_restarts(server, scale, options.restarts)
        print(f'pending: {trail.fill_pending(server, scale)} changes in the newest partition\'s pending lists')
        answers = first, warm, restarted, *ask_all(server, scale, options.asked)
        if options.plans:
            print_plans(server, scale)
        trail_drop.print_longest(trail_drop.drop_expired(server, scale))
    comparison = compared(dict(zip(STATES, answers)), options)
    comparison.print_table(COLUMNS)
    publish.publish(options, [comparison.figures(COLUMNS)])


# -- the questions -----------------------------------------------------------------------------------------------------

def ask(cursor, question, parameters):
    """The milliseconds until the last row is here, and how many rows there were."""
    start = time.perf_counter()
    cursor.execute(question.sql, parameters)
    rows = len(cursor.fetchall())
    return (time.perf_counter() - start) * 1000, rows


def ask_all(server, scale, asked):
    """The milliseconds of each question, asked once of each of many records, and once more of the same ones: warm."""
    first, again = {}, {}
    generator = random.Random(1)
    for name, question in QUESTIONS.items():
        report.progress(f'asking {name}')
        connection = session.connect(server)
        with connection.cursor() as cursor:
            parameters = [question.parameters(generator, scale) for _ in range(SLOW_ASKED if question.is_slow else asked)]
            answers = [[ask(cursor, question, chosen) for chosen in parameters] for _ in range(2)]
        connection.close()
        if not any(rows for _, rows in answers[0]):
            raise RuntimeError(f'{name}: no row was found, which measures nothing')
        first[name], again[name] = ([milliseconds for milliseconds, _ in asked] for asked in answers)
    return first, again


def after_restarts(server, scale, restarts):
    results = {name: [] for name, question in QUESTIONS.items() if not question.is_slow}
    generator = random.Random(2)
    for number in range(restarts):
        for name in results:
            report.progress(f'restart {number + 1} of {restarts}: {name}')
            server.restart()
            connection = session.connect(server)
            with connection.cursor() as cursor:
                results[name].append(ask(cursor, QUESTIONS[name], QUESTIONS[name].parameters(generator, scale))[0])
            connection.close()
    return results


def print_plans(server, scale):
    generator = random.Random(3)
    for name, question in QUESTIONS.items():
        print(f'\n{name}:')
        print('\n'.join(trail_plans.explain(server, question.sql, question.parameters(generator, scale))))


# -- the results -------------------------------------------------------------------------------------------------------

def percentile_99(values):
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


def compared(results, options):
    """A run is one round: its medians and percentiles."""
    comparison = Comparison('query', 'trail', {'changes': options.changes, 'records': options.records, 'days': options.days,
                                               'asked': options.asked, 'restarts': options.restarts})
    for state, found in results.items():
        for name, values in found.items():
            if values:
                comparison.add(name, {f'{state}_median_ms': statistics.median(values), f'{state}_p99_ms': percentile_99(values)})
    return comparison
