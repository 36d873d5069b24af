"""docs/benchmarks.md, written anew from the recorded figures: what stands between `<!-- figures: decode bulk -->` and `<!-- end -->`.

All else in it is written by hand and stays; so does a marked part for which nothing is recorded. Figures without a marked part get a section
at the end. The explanation of a missed goal is prose under `<a id="why-…"></a>`, to which the table of goals links.
"""
import argparse
import re

import figures_table
import goals_table
import record
from machine import TREE

PAGE = TREE / 'docs' / 'benchmarks.md'
GOALS = 'goals'
PART = re.compile(r'^<!-- figures: (?P<name>[^\n]+) -->\n(?P<text>.*?)^<!-- end -->$', re.MULTILINE | re.DOTALL)
MARKER = re.compile(r'^<!-- (?:figures: (?P<name>[^\n]+)|end) -->$', re.MULTILINE)


def main(arguments):
    argparse.ArgumentParser(prog='bench/run document', description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter).parse_args(arguments)
    write(PAGE, record.FOLDER)


def write(page, folder):
    records = record.read_all(folder)
    if records:
        page.write_text(rendered(page.read_text(encoding='utf-8'), records), encoding='utf-8')


def rendered(old, records):
    check_markers(old)
    told = record.told(records)
    parts = {GOALS: goals_table.text(told, set(re.findall(r'<a id="([^"]+)"></a>', old)))}
    parts |= {name: figures_table.text(runs) for name, runs in told.items()}
    present = {part['name'] for part in PART.finditer(old)}
    new = PART.sub(lambda part: marked(part['name'], parts[part['name']]) if part['name'] in parts else part[0], old)
    missing = [f'\n## {title(name)}\n\n{marked(name, text)}\n' for name, text in parts.items() if name not in present]
    return new + ''.join(missing)


def marked(name, text):
    return f'<!-- figures: {name} -->\n{text}<!-- end -->'


def title(name):
    bench, _, workload = name.partition(' ')
    return bench.capitalize() + (f': {workload}' if workload else '')


def check_markers(text):
    """Each beginning is followed by its end, and no name is there twice: else prose would be lost."""
    open_name, seen = None, set()
    for marker in MARKER.finditer(text):
        name = marker['name']
        if (name is None) == (open_name is None) or name in seen:
            raise RuntimeError(f'docs/benchmarks.md: marker "{marker[0]}" does not fit those before it')
        open_name = name
        seen |= {name} - {None}
    if open_name:
        raise RuntimeError(f'docs/benchmarks.md: the part "{open_name}" has no end')
