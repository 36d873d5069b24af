"""Two servers that are driven at the same time, each with its client on a CPU of its own.

What disturbs the machine disturbs both; then they change CPUs, because CPUs differ too. A pair of
slices is compared by its ratio; a figure is the median of the ratios, its spread the quartiles.
"""
import concurrent.futures
import math
import os
import statistics

from figures import entry


def cpus():
    """The two that are used."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise RuntimeError('this benchmark needs two CPUs, one for each of two servers')
    return allowed[0], allowed[-1]


def drive_both(drive, first, second):
    """drive(server): {metric: value} is called for both at once, twice. Returns for each the
    geometric means, {metric: value}."""
    one, other = cpus()
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        found = []
        for placement in ((one, other), (other, one)):
            calls = [threads.submit(drive_on, cpu, drive, server)
                     for cpu, server in zip(placement, (first, second))]
            found.append([call.result() for call in calls])
    return [{metric: geometric_mean(before[metric], after[metric]) for metric in before}
            for before, after in zip(*found)]


def drive_on(cpu, drive, server):
    """The server runs on this CPU, and what this thread starts: clients."""
    server.pin(cpu)
    os.sched_setaffinity(0, {cpu})
    return drive(server)


def geometric_mean(one, other):
    return math.sqrt(max(one, 0) * max(other, 0))


def ratios(pairs, metric):
    """Of the pairs in which the peer's value is not 0. pairs: of ({metric: value}, the peer's)."""
    return [subject[metric] / peer[metric] for subject, peer in pairs if peer[metric]]


def quartiles(values):
    if len(values) < 2:
        return values * 3
    return statistics.quantiles(values, n=4, method='inclusive')


def spread(values, digits):
    if not values:
        return '-'
    low, median, high = (f'{value:.{digits}f}' for value in quartiles(values))
    return f'{median} [{low}–{high}]'


def entries(pairs_of, peer, bench, workload):
    """Of Figures: one for each subject and metric."""
    return [entry(bench, workload, subject, peer, metric, [values[metric] for values, _ in pairs], ratios(pairs, metric))
            for subject, pairs in pairs_of.items() for metric in pairs[0][0]]
