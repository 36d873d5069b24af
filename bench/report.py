"""What a benchmark found: medians with their spread, as a table for people and as JSON to compare.

Every value stands beside its ratio to the limit and to the standard peer of the same run; seconds
of different runs or machines are not comparable, ratios nearly are.
"""
import dataclasses
import json
import statistics
import sys

PEERS = ('nothing', 'pgoutput')


@dataclasses.dataclass(frozen=True)
class Run:
    wall_seconds: float
    cpu_seconds: float | None
    input: str  # what the server handed to the plugin: transactions and bytes


@dataclasses.dataclass
class Result:
    subject: object
    bytes: int = 0  # payload, and the newline that pg_recvlogical adds to each message
    input: str | None = None
    wall_seconds: list = dataclasses.field(default_factory=list)
    cpu_seconds: list = dataclasses.field(default_factory=list)

    def metrics(self):
        """Metric name: the values of its runs. Metrics that could not be measured are absent."""
        found = {'wall_seconds': self.wall_seconds}
        if None not in self.cpu_seconds:
            found['walsender_cpu_seconds'] = self.cpu_seconds
        found['bytes'] = [self.bytes]
        return found


def progress(message):
    if sys.stderr.isatty():
        print(f'\r\033[K{message}', end='', file=sys.stderr, flush=True)


def print_aligned(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        print('  '.join(cells))


def write_entries(file, entries):
    json.dump(entries, file, indent=1)
    file.write('\n')
    file.close()


def ratio(result, peer, metric):
    values, peer_values = result.metrics().get(metric), peer.metrics().get(metric)
    if not values or not peer_values or not statistics.median(peer_values):
        return None
    return statistics.median(values) / statistics.median(peer_values)


def spread(values):
    if not values:
        return '-'
    return f'{statistics.median(values):.2f} [{min(values):.2f}–{max(values):.2f}]'


def print_table(results, left_out):
    progress('')
    peers = [result for result in results if result.subject.name in PEERS]
    header = ['subject', 'wall s', 'walsender CPU s', 'MB']
    header += [f'{what} / {peer.subject.name}' for peer in peers for what in ('wall', 'CPU')]
    rows = [header]
    for result in results:
        metrics = result.metrics()
        row = [result.subject.name, spread(metrics['wall_seconds']),
               spread(metrics.get('walsender_cpu_seconds')), f'{result.bytes / 1e6:.1f}']
        for peer in peers:
            for metric in ('wall_seconds', 'walsender_cpu_seconds'):
                value = ratio(result, peer, metric)
                row.append('-' if value is None else f'{value:.2f}')
        rows.append(row)
    print_aligned(rows)
    for name, reason in left_out.items():
        print(f'{name}  {reason}')
    print('\nSeconds: median [min–max]. Wall: from the start of pg_recvlogical to its end, output to '
          '/dev/null.\nMB (10^6 bytes): what pg_recvlogical wrote in a run that was not timed: '
          'payload and a newline per message.')


def entries(bench, workload, results):
    """One entry per subject, metric and peer. `value` is the median of `values`, in the unit that
    the metric's name ends with; `ratio` is null where the peer's value is 0."""
    peers = [result for result in results if result.subject.name in PEERS]
    for result in results:
        for metric, values in result.metrics().items():
            for peer in peers:
                yield {'bench': bench, 'workload': workload, 'subject': result.subject.name,
                       'peer': peer.subject.name, 'metric': metric,
                       'value': statistics.median(values), 'ratio': ratio(result, peer, metric),
                       'runs': len(values), 'values': values}
