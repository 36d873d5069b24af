"""pgbench: its tables, its scripts with a comment in them, and a run of a script."""
import dataclasses
import os
import re
import subprocess

from server import DATABASE, run_checked

SCALE = 10        # its tables fit into shared_buffers
FILLFACTOR = 80   # updates find room in their page from the first on; else a server would become
                  # faster with each transaction that it has seen
TABLES = ('pgbench_accounts', 'pgbench_branches', 'pgbench_history', 'pgbench_tellers')


@dataclasses.dataclass(frozen=True)
class Load:
    """How a script is driven, for `seconds` or for so many `transactions` of each client."""
    protocol: str
    synchronous_commit: str
    clients: int
    seconds: int | None = None
    transactions: int | None = None


@dataclasses.dataclass(frozen=True)
class Outcome:
    transactions: int
    per_second: float  # without the time to connect


def make_tables(server):
    run_checked([server.bindir / 'pgbench', *connection(server), '-i', '-q', '-s', str(SCALE),
                 '-F', str(FILLFACTOR)])


def own_script(server, name):
    """A script that pgbench brings with it. It shows them on stderr."""
    return subprocess.run([server.bindir / 'pgbench', f'--show-script={name}'], check=True,
                          stderr=subprocess.PIPE, text=True).stderr


def with_comments(script, comment):
    """Each statement on rows gets comment(its number in the script), at its end."""
    number = 0
    lines = []
    for line in script.splitlines():
        if line.startswith(('SELECT', 'INSERT', 'UPDATE', 'DELETE')):
            number += 1
            line = f'{line.removesuffix(";")} {comment(number)};'
        lines.append(line)
    return '\n'.join(lines)


def run(server, script_file, load, rate=None):
    """rate: transactions a second, which pgbench then keeps to."""
    length = ['-T', str(load.seconds)] if load.seconds else ['-t', str(load.transactions)]
    if rate:
        length += ['-R', str(rate)]
    output = run_checked(
        [server.bindir / 'pgbench', *connection(server), '-n', '-f', script_file, '-s', str(SCALE),
         '-M', load.protocol, '-c', str(load.clients), '-j', str(load.clients), *length],
        env=dict(os.environ, PGOPTIONS=f'-c synchronous_commit={load.synchronous_commit}'))
    if int(found(r'number of failed transactions: (\d+)', output)):
        raise RuntimeError('pgbench counted failed transactions')
    return Outcome(int(found(r'transactions actually processed: (\d+)', output)),
                   float(found(r'tps = ([\d.]+) \(without', output)))


def connection(server):
    return ['-h', server.folder, '-U', 'postgres', DATABASE]


def found(pattern, output):
    match = re.search(pattern, output)
    if match is None:
        raise RuntimeError(f'pgbench printed nothing like "{pattern}"')
    return match.group(1)
