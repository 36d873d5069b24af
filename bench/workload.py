"""What is written to the WAL before anything is timed: rows of one shape, in transactions of one size.

Rows are REPLICA IDENTITY FULL. Each workload is there twice, with a context and without. A context is 200 bytes of JSON, of
its own for each transaction, in a logical message at its start.
"""
import dataclasses
import json

import row_shapes
from row_shapes import RowShape
from server import DATABASE

CONTEXT_BYTES = 200
MIXED_ROWS = 10  # of each operation, in a transaction


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    what: str
    shape: RowShape
    changes: int              # the default
    rows_each: int | None     # of a transaction; None: all of them in one
    is_mixed: bool = False    # else half inserts, then half updates of the same rows
    has_rows_before: bool = False  # as many as there are changes, which are updates of them
    has_context: bool = False

    @property
    def table(self):
        return self.shape.table

    def make_tables(self, server, database=DATABASE):
        server.sql(self.shape.ddl, self.shape.replica_identity, database=database)

    def counts(self, changes):
        """The changes that write() makes when it is told to make about so many, by operation."""
        if self.has_rows_before:
            return {'CREATE': 0, 'UPDATE': changes, 'DELETE': 0}
        if not self.is_mixed:
            return {'CREATE': changes // 2, 'UPDATE': changes // 2, 'DELETE': 0}
        transactions = mixed_transactions(changes)
        return {'CREATE': transactions * MIXED_ROWS, 'UPDATE': (transactions - 1) * MIXED_ROWS,
                'DELETE': (transactions - 2) * MIXED_ROWS}

    def total(self, changes):
        return sum(self.counts(changes).values())

    def transactions(self, changes):
        if self.is_mixed:
            return mixed_transactions(changes)
        rows = changes if self.has_rows_before else changes // 2
        return (1 if self.has_rows_before else 2) * -(-rows // (self.rows_each or rows))

    def write_rows_before(self, server, changes, database=DATABASE):
        """What the changes need to be there, and no slot is to see."""
        if self.has_rows_before:
            server.sql('SET synchronous_commit = off', self._insert('1', str(changes)), database=database)

    def write(self, server, changes, first=1, database=DATABASE):
        """Rows are numbered from `first` on."""
        body = self._body(changes, first)
        server.sql('SET synchronous_commit = off', f'DO $$ BEGIN {body} END $$', database=database)

    def _body(self, changes, first):
        if self.is_mixed:
            return self._mixed(changes, first)
        if self.has_rows_before:
            return self._each_row_once([self._update], changes, first)
        return self._each_row_once([self._insert, self._update], changes // 2, first)

    def _each_row_once(self, statements, rows, first):
        """By the one statement, then by the other."""
        last, step = first + rows - 1, self.rows_each or rows
        return ''.join(f'FOR low IN {first}..{last} BY {step} LOOP {self._context()} {statement("low", f"least(low + {step - 1}, {last})")} '
                       'COMMIT; END LOOP;' for statement in statements)

    def _mixed(self, changes, first):
        """Each transaction inserts rows, updates those of the one before it, and deletes those of the one before that."""
        last = first + mixed_transactions(changes) * MIXED_ROWS - 1
        before, before_that = (f'low - {age * MIXED_ROWS}' for age in (1, 2))
        high = f'+ {MIXED_ROWS - 1}'
        return (f'FOR low IN {first}..{last} BY {MIXED_ROWS} LOOP {self._context()} {self._insert("low", "low" + high)} '
                f'IF low >= {first + MIXED_ROWS} THEN {self._update(before, before + high)} END IF; '
                f'IF low >= {first + 2 * MIXED_ROWS} THEN '
                f'DELETE FROM public.{self.table} WHERE id BETWEEN {before_that} AND {before_that + high}; END IF; '
                'COMMIT; END LOOP;')

    def _insert(self, low, high):
        return (f'INSERT INTO public.{self.table} ({self.shape.names}) SELECT {self.shape.values} '
                f'FROM generate_series(({low})::bigint, {high}) AS i;')

    def _update(self, low, high):
        return f'UPDATE public.{self.table} SET {self.shape.assignments} WHERE id BETWEEN {low} AND {high};'

    def _context(self):
        if not self.has_context:
            return ''
        return f"PERFORM pg_logical_emit_message(true, '_bemi', {context_sql('low')});"


def mixed_transactions(changes):
    return max(changes // (3 * MIXED_ROWS), 1) + 1


def context_sql(number):
    """The context of a transaction as SQL over its number: a JSON object of CONTEXT_BYTES bytes."""
    fields = {'request_id': '<' * 32, 'user_id': '>' * 6, 'application': 'shop', 'route': 'POST /accounts/transfers', 'agent': ''}
    text = json.dumps(fields)
    text = text.replace('"agent": ""', f'"agent": "{"Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0" * 2}')
    text = text[:CONTEXT_BYTES - 2] + '"}'
    text = text.replace('<' * 32, f"' || md5(({number})::text) || '").replace('>' * 6, f"' || 100000 + ({number}) % 50000 || '")
    return f"'{text}'"


def plain_and_with_context(workloads):
    for workload in workloads:
        yield workload
        yield dataclasses.replace(workload, name=f'{workload.name}_context', has_context=True,
                                  what=f'{workload.what}; each transaction with a context of {CONTEXT_BYTES} bytes')


WORKLOADS = {workload.name: workload for workload in plain_and_with_context([
    Workload('narrow', '8 columns, 100 changes a transaction', row_shapes.NARROW, 1_000_000, 100),
    Workload('wide', f'{row_shapes.WIDE_COLUMNS} columns, 100 changes a transaction', row_shapes.WIDE, 100_000, 100),
    Workload('large', 'texts of 8 kB, 20 changes a transaction', row_shapes.LARGE, 20_000, 20),
    Workload('single', '8 columns, one change a transaction', row_shapes.NARROW, 200_000, 1),
    Workload('bulk', '8 columns, all inserts in one transaction, then all updates in another', row_shapes.NARROW, 1_000_000, None),
    Workload('mix', f'8 columns, transactions of {MIXED_ROWS} inserts, updates and deletes each', row_shapes.NARROW, 300_000, MIXED_ROWS,
             is_mixed=True),
    Workload('updates', '8 columns, 100 updates a transaction of rows that were there before', row_shapes.NARROW, 500_000, 100,
             has_rows_before=True),
])}

# Those whose trail has all that there is in the tables.
FROM_NOTHING = {name: workload for name, workload in WORKLOADS.items() if not workload.has_rows_before}


def parse_names(parser, names, known):
    """The workloads of a comma-separated list, for --workload."""
    if names == 'all':
        return list(known.values())
    unknown = [name for name in names.split(',') if name not in known]
    if unknown:
        parser.error(f'unknown workload "{unknown[0]}"; there are: all, {", ".join(known)}')
    return [known[name] for name in dict.fromkeys(names.split(','))]
