"""How a benchmark says what it does and what it found: progress, tables for people, entries as JSON.

Every value stands beside its ratio to the limit and to the standard peer of the same run; seconds
of different runs or machines are not comparable, ratios nearly are.
"""
import json
import sys


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
