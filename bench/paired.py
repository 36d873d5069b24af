"""Subjects that are compared in pairs: each value with the peer's of the same round.

What disturbs the machine for longer than a round then changes both, and not their ratio. A figure
is the median of all rounds, its spread the quartiles.
"""
import statistics


def ratios(values, peer_values):
    """Of the rounds in which the peer's value is not 0."""
    return [value / peer for value, peer in zip(values, peer_values, strict=True) if peer]


def quartiles(values):
    if len(values) < 2:
        return values * 3
    return statistics.quantiles(values, n=4, method='inclusive')


def spread(values, digits):
    if not values:
        return '-'
    low, median, high = (f'{value:.{digits}f}' for value in quartiles(values))
    return f'{median} [{low}–{high}]'


def entries(metrics_of, peer, description):
    """For report.write_entries(): one for each subject and metric. metrics_of is, by subject and
    metric, the values in the order of the rounds."""
    for subject, metrics in metrics_of.items():
        for metric, values in metrics.items():
            found = ratios(values, metrics_of[peer][metric])
            yield description | {
                'subject': subject, 'peer': peer, 'metric': metric,
                'value': statistics.median(values),
                'ratio': statistics.median(found) if found else None,
                'ratio_quartiles': quartiles(found)[::2] if found else None,
                'runs': len(values), 'values': values}
