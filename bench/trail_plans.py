"""The plans of the questions, short enough to be read: what is alike of many partitions is told once."""
import itertools
import json
import re
import textwrap

import session

PARTITION = re.compile(r'_p\d{4}_\d\d_\d\d')
CONDITIONS = ('Index Cond', 'Recheck Cond', 'Filter')
CONDITION_LENGTH_MAX = 150


def explain(server, question, parameters):
    """The lines of the plans of a question, also of the statements within the functions that it calls."""
    connection = session.connect(server)
    with connection.cursor() as cursor:
        cursor.execute("LOAD 'auto_explain'")
        for setting in ('log_min_duration = 0', 'log_analyze = on', 'log_timing = off', 'log_nested_statements = on', 'log_format = json'):
            cursor.execute(f'SET auto_explain.{setting}')
        cursor.execute('SET client_min_messages = log')
        del connection.notices[:]
        cursor.execute(question, parameters)
    found = [json.loads(notice[notice.index('{'):])['Plan'] for notice in connection.notices if '"Plan"' in notice]
    connection.close()
    # The statement itself comes last. Of those within functions, the ones that do not read the trail say nothing.
    return [line for plan in found if plan is found[-1] or reads_trail(plan) for line in lines(plan)]


def reads_trail(plan):
    return PARTITION.search(json.dumps(plan)) is not None


def lines(plan, depth=0, count=1, reached=1):
    where = [PARTITION.sub('_p…', plan[key]) for key in ('Index Name', 'Relation Name', 'Function Name') if key in plan]
    times = '' if count == 1 else f', {count} times' + (f', {reached} of them reached' if reached < count else '')
    yield '  ' * depth + ' on '.join([plan['Node Type'], *where[:1]]) + times
    for key in CONDITIONS:
        if key in plan:
            yield '  ' * depth + '    ' + textwrap.shorten(f'{key}: {plan[key]}', CONDITION_LENGTH_MAX, placeholder=' …')
    for _, alike in itertools.groupby(plan.get('Plans', []), shape):
        alike = list(alike)
        yield from lines(alike[0], depth + 1, len(alike), sum(child['Actual Loops'] > 0 for child in alike))


def shape(plan):
    """What two plans of partitions have in common: all but the partition and the numbers."""
    return (plan['Node Type'], [PARTITION.sub('', plan.get(key, '')) for key in ('Index Name', 'Relation Name', *CONDITIONS)],
            [shape(child) for child in plan.get('Plans', [])])
