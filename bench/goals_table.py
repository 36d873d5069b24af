"""The first generated part of docs/benchmarks.md: each goal with what separate runs came to, side by side."""
from goals import EARLIER, TARGETS
from record import KEPT


def text(told, anchors):
    """told: figures' name: records. anchors: those of the page's prose, under which misses are explained."""
    rows = [row for goal in TARGETS for row in list(goal_rows(goal, told, anchors)) or [unmeasured(goal)]]
    rows += [row for goal in EARLIER for row in goal_rows(goal, told, anchors)]
    head = ['workload', 'what', 'bound', 'each run', 'reached']
    lines = ['| ' + ' | '.join(cells) + ' |' for cells in [head, ['---'] * len(head), *rows]]
    return '**Targets.** A value is the median of the rounds of one run; runs are side by side, from the oldest to the newest.\n\n' + '\n'.join(lines) + '\n'


def unmeasured(goal):
    return [f'{goal.bench} {goal.workload}', goal.what, goal.bound, '', 'not measured yet']


def goal_rows(goal, told, anchors):
    """One for each case of its workload."""
    for records in told.values():
        records = [record for record in records if goal.is_for(record.figures)]
        cases = dict.fromkeys(case for record in records for case in goal.cases(record.figures))
        for case in cases:
            runs = [(value, goal.value_beside(record.figures, case)) for record in records
                    if (value := goal.value(record.figures, case)) is not None]
            yield [f'{goal.bench} {case}', goal.what, goal.bound, '; '.join(shown(goal, *run) for run in runs),
                   reached(goal, [value for value, _ in runs], anchors)]


def shown(goal, value, beside):
    return number(value, goal.limit) + ('' if beside is None else f' ({number(beside)})')


def number(value, limit=None):
    """To four digits or to thousandths, whichever is less; with more where it would seem to be the limit and is not."""
    digits = 3 if value < 10 else 2 if value < 100 else 1
    while limit is not None and value != limit and float(f'{value:.{digits}f}') == limit:
        digits += 1
    return f'{value:.{digits}f}'


def reached(goal, values, anchors):
    missed = sum(not goal.is_met(value) for value in values)
    so_far = f', {len(values)} of {KEPT} runs' if len(values) < KEPT else ''
    if not missed:
        return f'met{so_far}'
    verdict = ('missed' if missed == len(values) else f'missed in {missed} of {len(values)}') + so_far
    return f'{verdict} ([why](#{goal.why}))' if goal.why in anchors else f'{verdict}, not explained yet'
