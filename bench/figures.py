"""What one run of a benchmark has found of one workload, as it is printed, written by --json, recorded and told in docs/benchmarks.md.

An entry is {bench, workload, subject, peer, metric, value, ratio, runs, values, ratios}: `value` is the median of `values`, in the unit that the
metric's name ends with; `ratio` that of `ratios`, each of one round, in which subject and peer were disturbed by the same. An entry's workload
may say more than that of the figures: "tpcb, synchronous_commit=off" of "tpcb".
"""
import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Column:
    """Of a table: a metric, or where a peer is named its ratio to the peer's."""
    title: str
    metric: str
    digits: int = 2
    peer: str | None = None
    per: float = 1  # what the metric is divided by, to be shown


@dataclasses.dataclass(frozen=True)
class Figures:
    bench: str
    workload: str
    settings: dict  # what was asked for, as far as it changes what is found
    columns: list
    entries: list
    left_out: dict = dataclasses.field(default_factory=dict)  # subject: why

    @property
    def name(self):
        return f'{self.bench} {self.workload}'

    def rows(self):
        """(workload, subject) of each row of the table."""
        return list(dict.fromkeys((entry['workload'], entry['subject']) for entry in self.entries))

    def rounds(self, workload, subject, metric, peer=None):
        """The values of the rounds, or their ratios to the peer's; none where it was not measured."""
        for entry in self.entries:
            if (entry['workload'], entry['subject'], entry['metric']) == (workload, subject, metric) and peer in (None, entry['peer']):
                return (entry['ratios'] if peer else entry['values']) or []
        return []


def entry(bench, workload, subject, peer, metric, values, ratios):
    return {'bench': bench, 'workload': workload, 'subject': subject, 'peer': peer, 'metric': metric, 'value': statistics.median(values),
            'ratio': statistics.median(ratios) if ratios else None, 'runs': len(values), 'values': values, 'ratios': ratios}
