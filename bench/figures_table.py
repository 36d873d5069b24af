"""The generated part of docs/benchmarks.md that tells the runs of one workload: command, machine, dates, and the table."""
import statistics


def text(records):
    """records: repeats of one run, from the oldest to the newest, whose command and columns are told."""
    newest = records[-1]
    parts = [f'    {newest.command}', where(newest.machine), when(records), '\n'.join(table(records))]
    left_out = [f'{subject} ({reason})' for subject, reason in newest.figures.left_out.items()]
    if left_out:
        parts.append(f'Left out: {"; ".join(left_out)}.')
    return '\n\n'.join(parts) + '\n'


def where(machine):
    packages = ''.join(f'; {package}' for package in machine['packages'])
    return f'{machine["cpu"]}, {machine["cpus"]} CPUs, {machine["memory_gb"]} GB, {machine["kernel"]}; {machine["postgresql"]}{packages}.'


def when(records):
    runs = '; '.join(f'{moment(record)} (waltrail {record.machine["waltrail"]})' for record in records)
    settings = '; '.join(f'{name} {shown(value)}' for name, value in records[-1].figures.settings.items() if value not in (None, '', False))
    return f'{counted(len(records))}: {runs}. Settings: {settings}. Medians of the runs\' medians; ratios with [min–max] of all rounds of all runs.'


def counted(number):
    return '1 run' if number == 1 else f'{number} runs'


def moment(record):
    return record.date.replace('T', ' ')[:16] + ' UTC'


def shown(value):
    if isinstance(value, list):
        return ', '.join(value)
    return 'yes' if value is True else f'{value:,}' if isinstance(value, int) else str(value)


def table(records):
    """A row for each subject, and where entries differ in their workload for each subject of each."""
    newest = records[-1].figures
    rows = list(dict.fromkeys(row for record in reversed(records) for row in record.figures.rows()))
    columns = [column for column in newest.columns if any(cell(records, column, *row) for row in rows)]
    has_cases = any(workload != newest.workload for workload, _ in rows)
    head = (['workload'] if has_cases else []) + ['subject', *(column.title for column in columns)]
    body = [([workload] if has_cases else []) + [subject, *(cell(records, column, workload, subject) for column in columns)]
            for workload, subject in rows]
    return ['| ' + ' | '.join(escaped(row)) + ' |' for row in [head]] + ['|' + '---|' * len(head)] + [
        '| ' + ' | '.join(escaped(row)) + ' |' for row in body]


def escaped(cells):
    return [cell.replace('|', '\\|') for cell in cells]


def cell(records, column, workload, subject):
    """Empty where it was not measured."""
    runs = [found for record in records if (found := record.figures.rounds(workload, subject, column.metric, column.peer))]
    if not runs:
        return ''
    per = 1 if column.peer else column.per
    values = [value / per for found in runs for value in found]
    median, low, high = (f'{value:,.{column.digits}f}' for value in (
        statistics.median(map(statistics.median, runs)) / per, min(values), max(values)))
    return f'{median} [{low}–{high}]' if column.peer and subject != column.peer and len(values) > 1 else median
