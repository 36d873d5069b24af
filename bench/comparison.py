"""What interleaved rounds have found: the values of each subject, and its ratios to peers of the same round.

A ratio is that of one round, where both were disturbed by the same; what is told is the median of the rounds.
"""
import statistics

import report
from figures import Figures, entry


class Comparison:
    def __init__(self, bench, workload, settings):
        self.bench = bench
        self.workload = workload
        self.settings = settings
        self.values = {}   # subject: metric: values of its rounds
        self.left_out = {} # subject: why

    def add(self, subject, metrics):
        """None as a value: it could not be measured in this round; the metric is then not told of the subject."""
        for metric, value in metrics.items():
            self.values.setdefault(subject, {}).setdefault(metric, []).append(value)

    def leave_out(self, subject, reason):
        self.left_out[subject] = reason
        self.values.pop(subject, None)

    def of(self, subject, metric):
        values = self.values.get(subject, {}).get(metric, [])
        return [] if None in values else values

    def ratios(self, subject, peer, metric):
        return [value / peer_value for value, peer_value in zip(self.of(subject, metric), self.of(peer, metric)) if peer_value]

    def told(self, subject, column):
        """The values of a column of the table."""
        if column.peer:
            return self.ratios(subject, column.peer, column.metric)
        return [value / column.per for value in self.of(subject, column.metric)]

    def print_table(self, columns):
        report.progress('')
        columns = [column for column in columns if any(self.told(subject, column) for subject in self.values)]
        rows = [['subject', *(column.title for column in columns)]]
        for subject in self.values:
            rows.append([subject, *(spread(self.told(subject, column), column.digits) for column in columns)])
        report.print_aligned(rows)
        for subject, reason in self.left_out.items():
            print(f'{subject}  left out: {reason}')

    def figures(self, columns, peers=()):
        """An entry for each subject, metric and peer; without a peer where none has the metric."""
        entries = [entry(self.bench, self.workload, subject, peer, metric, self.of(subject, metric), self.ratios(subject, peer, metric))
                   for subject, metrics in self.values.items() for metric in metrics if self.of(subject, metric)
                   for peer in [peer for peer in peers if self.of(peer, metric)] or [None]]
        return Figures(self.bench, self.workload, self.settings, columns, entries, self.left_out)


def spread(values, digits):
    """Median, and the least and the largest where there are several."""
    if not values:
        return '-'
    median, low, high = (f'{value:,.{digits}f}' for value in (statistics.median(values), min(values), max(values)))
    return median if len(values) == 1 else f'{median} [{low}–{high}]'
