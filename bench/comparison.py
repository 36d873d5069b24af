"""What interleaved rounds have found: the values of each subject, and its ratios to peers of the same round.

A ratio is that of one round, where both were disturbed by the same; what is told is the median of the rounds.
"""
import dataclasses
import statistics

import report


@dataclasses.dataclass(frozen=True)
class Column:
    """Of the table: a metric, or where a peer is named its ratio to the peer's."""
    title: str
    metric: str
    digits: int = 2
    peer: str | None = None


@dataclasses.dataclass(frozen=True)
class Goal:
    subject: str
    metric: str
    peer: str | None = None  # of a ratio
    least: float | None = None
    most: float | None = None

    def told(self, value):
        """A line; nothing where the subject or the peer was left out."""
        if value is None:
            return None
        is_met = value >= self.least if self.most is None else value <= self.most
        bound = f'>= {self.least}' if self.most is None else f'<= {self.most}'
        of = f' / {self.peer}' if self.peer else ''
        return f'goal: {self.metric} of {self.subject}{of} {bound}: {value:.3g}, {"met" if is_met else "missed"}'


class Comparison:
    def __init__(self, bench, workload):
        self.bench = bench
        self.workload = workload
        self.values = {}   # subject: metric: values of its rounds
        self.left_out = {} # subject: why

    def add(self, subject, metrics):
        for metric, value in metrics.items():
            self.values.setdefault(subject, {}).setdefault(metric, []).append(value)

    def leave_out(self, subject, reason):
        self.left_out[subject] = reason

    def of(self, subject, metric):
        return self.values.get(subject, {}).get(metric, [])

    def ratios(self, subject, peer, metric):
        return [value / peer_value for value, peer_value in zip(self.of(subject, metric), self.of(peer, metric)) if peer_value]

    def told(self, subject, column):
        """The values of a column of the table."""
        if column.peer:
            return self.ratios(subject, column.peer, column.metric)
        return self.of(subject, column.metric)

    def print_table(self, columns):
        report.progress('')
        columns = [column for column in columns if any(self.told(subject, column) for subject in self.values)]
        rows = [['subject', *(column.title for column in columns)]]
        for subject in self.values:
            rows.append([subject, *(spread(self.told(subject, column), column.digits) for column in columns)])
        report.print_aligned(rows)
        for subject, reason in self.left_out.items():
            print(f'{subject}  left out: {reason}')

    def print_goals(self, goals):
        for goal in goals:
            found = self.ratios(goal.subject, goal.peer, goal.metric) if goal.peer else self.of(goal.subject, goal.metric)
            line = goal.told(statistics.median(found) if found else None)
            if line:
                print(line)

    def entries(self, peers):
        """For report.write_entries(): one for each subject, metric and peer; without a peer where none has the metric."""
        for subject, metrics in self.values.items():
            for metric, values in metrics.items():
                for peer in [peer for peer in peers if self.of(peer, metric)] or [None]:
                    found = self.ratios(subject, peer, metric)
                    yield {'bench': self.bench, 'workload': self.workload, 'subject': subject, 'peer': peer, 'metric': metric,
                           'value': statistics.median(values), 'ratio': statistics.median(found) if found else None,
                           'runs': len(values), 'values': values}


def spread(values, digits):
    """Median, and the least and the largest where there are several."""
    if not values:
        return '-'
    median, low, high = (f'{value:,.{digits}f}' for value in (statistics.median(values), min(values), max(values)))
    return median if len(values) == 1 else f'{median} [{low}–{high}]'
