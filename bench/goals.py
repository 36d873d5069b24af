"""What the benchmarks are to reach, all in one place: printed by each after its table, and the first table of docs/benchmarks.md.

A goal holds for a workload, and for each of its cases ("tpcb, synchronous_commit=off" of "tpcb"). The table leaves out runs of another size
than the goal is for; a quick look prints what it came to, too.
"""
import dataclasses
import statistics

MIB = 1.048576  # of MB


@dataclasses.dataclass(frozen=True)
class Goal:
    bench: str
    workload: str
    what: str
    subject: str
    metric: str
    peer: str | None = None      # of a ratio
    least: float | None = None
    most: float | None = None
    beside: str | None = None    # another peer whose ratio is told beside it, without a bound
    of_rounds: object = statistics.median  # what is held against the bound: max, where no round may go beyond it
    at: tuple = ()               # settings, each with the least size that the goal is for
    why: str | None = None       # the anchor in docs/benchmarks.md under which a miss is explained

    @property
    def limit(self):
        return self.least if self.most is None else self.most

    @property
    def bound(self):
        return f'{"≥" if self.most is None else "≤"} {self.limit:.3g}'

    def is_for(self, figures):
        return all(figures.settings.get(name, 0) >= size for name, size in self.at)

    def is_met(self, value):
        return value >= self.least if self.most is None else value <= self.most

    def cases(self, figures):
        """The workloads of the figures' entries for which the goal holds and has values."""
        if self.bench != figures.bench:
            return []
        workloads = dict.fromkeys(workload for workload, _ in figures.rows())
        return [workload for workload in workloads if (workload == self.workload or workload.startswith(f'{self.workload}, '))
                and self.rounds(figures, workload)]

    def rounds(self, figures, workload):
        return figures.rounds(workload, self.subject, self.metric, self.peer)

    def value(self, figures, workload):
        """Of one run; None where it was not measured."""
        found = self.rounds(figures, workload)
        return self.of_rounds(found) if found else None

    def value_beside(self, figures, workload):
        found = figures.rounds(workload, self.subject, self.metric, self.beside) if self.beside else []
        return self.of_rounds(found) if found else None


INGESTED = (('changes', 500_000),)

# Each has its row, measured or not.
TARGETS = [
    Goal('decode', 'bulk', 'wall, waltrail / nothing', 'waltrail', 'wall_seconds', 'nothing', most=1.15, at=(('changes', 1_000_000),), why='why-decode-bulk'),
    Goal('decode', 'single', 'wall, waltrail / nothing', 'waltrail', 'wall_seconds', 'nothing', most=1.25, at=(('changes', 200_000),), why='why-decode-single'),
    Goal('decode', 'updates', 'bytes, waltrail / pgoutput', 'waltrail', 'bytes', 'pgoutput', most=0.32, at=(('changes', 500_000),), why='why-decode-updates'),
    Goal('ingest', 'narrow', 'CPU of apply, µs a change', 'waltrail', 'cpu_us_per_change', most=2.5, at=INGESTED, why='why-ingest-cpu'),
    Goal('ingest', 'narrow', 'rate, waltrail / copy_2', 'waltrail', 'changes_per_second', 'copy_2', least=0.85, at=INGESTED, why='why-ingest-rate'),
    Goal('ingest', 'narrow', 'memory of apply, MB, at most 64 MiB in any round', 'waltrail', 'apply_memory_mb', most=64 * MIB, of_rounds=max,
         at=INGESTED, why='why-ingest-memory'),
    Goal('ingest', 'bulk', 'memory of apply, MB, at most 64 MiB in any round', 'waltrail', 'apply_memory_mb', most=64 * MIB, of_rounds=max,
         at=INGESTED, why='why-ingest-memory'),
    # 1.6 times the sustained rate that is asked for, which is 0.85 of the limit.
    Goal('burst', 'narrow', 'rate, burst / copy_2 (beside it: / waltrail, sustained)', 'burst', 'changes_per_second', 'copy_2', least=1.36,
         beside='waltrail', at=(('changes', 2_000_000),), why='why-burst'),
    Goal('grow', 'narrow', 'rate, 50 million changes stored / 1 million', 'large', 'changes_per_second', 'small', least=0.95,
         at=(('large', 50_000_000), ('small', 1_000_000)), why='why-grow'),
    Goal('latency', '1000 tps', 'median, ms', 'waltrail', 'median_ms', most=5, why='why-latency'),
    Goal('latency', '1000 tps', '99th percentile, ms', 'waltrail', 'p99_ms', most=25, why='why-latency'),
    Goal('source', 'tpcb', 'tps, waltrail / nothing', 'waltrail', 'tps', 'nothing', least=0.98, why='why-source'),
]


def capture_goal(workload, subject, least):
    return Goal('capture', workload, f'tps, {subject} / plain', subject, 'tps', 'plain', least=least, why='why-capture')


def query_goal(question):
    return Goal('query', 'trail', f'{question}: median warm, planning included, ms', question, 'warm_median_ms', most=5, why='why-query')


# These have a row where they were measured.
EARLIER = [
    capture_goal('tpcb', 'no_actor', 0.99), capture_goal('no_match', 'preloaded', 0.99), capture_goal('conflict', 'preloaded', 0.99),
    capture_goal('select', 'preloaded', 0.99), capture_goal('same_context', 'preloaded', 0.97), capture_goal('new_contexts', 'preloaded', 0.97),
    query_goal('main job'), query_goal('history'), query_goal('as_of'),
]


def print_reached(figures):
    """A line for each goal that the figures have values for."""
    for goal in TARGETS + EARLIER:
        for workload in goal.cases(figures):
            value = goal.value(figures, workload)
            print(f'goal: {workload}: {goal.subject}: {goal.what} {goal.bound}: {value:.3g}, {"met" if goal.is_met(value) else "missed"}')
