"""The figures of runs that ended and were verified, one JSON file for each run and workload in docs/benchmarks/.

Of the same figures, by the same settings on the same machine, the newest KEPT are kept. Settings that say only how often something is repeated
are no others; nor is the code: runs of several commits stand side by side until the older ones are removed.
"""
import dataclasses
import datetime
import json
import re

from figures import Column, Figures
from machine import TREE

FOLDER = TREE / 'docs' / 'benchmarks'
KEPT = 3
REPEATS = ('runs', 'setups', 'rounds', 'restarts')
SAME_MACHINE = ('cpu', 'cpus', 'postgresql')


@dataclasses.dataclass(frozen=True)
class Record:
    command: str
    date: str  # UTC, to the second: 2026-11-28T05:00:00Z
    machine: dict
    figures: Figures

    @property
    def file_name(self):
        name = re.sub(r'[^a-z0-9]+', '_', self.figures.workload.lower()).strip('_')
        return f'{self.figures.bench}-{name}-{re.sub("[-:]", "", self.date)}.json'

    def is_repeat_of(self, other):
        return self.identity() == other.identity()

    def identity(self):
        settings = {name: value for name, value in self.figures.settings.items() if name not in REPEATS}
        return self.figures.name, settings, [self.machine[name] for name in SAME_MACHINE]


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime('%Y-%m-%dT%H:%M:%SZ')


def write(record, folder):
    """Removes what it takes the place of."""
    folder.mkdir(exist_ok=True)
    with open(folder / record.file_name, 'w', encoding='utf-8') as file:
        json.dump(dataclasses.asdict(record), file, indent=1, ensure_ascii=False)
        file.write('\n')
    repeats = [other for other in read_all(folder) if other.is_repeat_of(record)]
    for old in repeats[:-KEPT]:
        (folder / old.file_name).unlink()


def read_all(folder):
    """From the oldest to the newest."""
    return sorted(map(read, folder.glob('*.json')), key=lambda record: record.date)


def read(path):
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
        figures = content.pop('figures')
        columns = [Column(**column) for column in figures.pop('columns')]
        return Record(figures=Figures(columns=columns, **figures), **content)
    except (ValueError, KeyError, TypeError) as error:
        raise RuntimeError(f'"{path.name}" is no record of figures: {error!r}') from error


def told(records):
    """Figures' name: the runs that are told of it. Of several settings, or machines, those with the most runs; of as many, the newest: a single
    run with others does not take the place of three."""
    groups = {}
    for record in records:
        of_name = groups.setdefault(record.figures.name, [])
        same = next((group for group in of_name if group[0].is_repeat_of(record)), None)
        if same is None:
            of_name.append([record])
        else:
            same.append(record)
    return {name: max(of_name, key=lambda group: (len(group), group[-1].date)) for name, of_name in groups.items()}
