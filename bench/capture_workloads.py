"""The servers that the capture benchmark compares, what they are made to do, and what it expects.

A subject is a server; all have the same settings but for what they are compared in. A case is a
workload and how it is driven.
"""
import dataclasses
import json
import pathlib

import pgbench

CONTEXT_BYTES = 200
CONTEXT_MESSAGE_BYTES_MIN = CONTEXT_BYTES - 10  # with accounts of one digit


@dataclasses.dataclass(frozen=True)
class Subject:
    what: str
    settings: dict = dataclasses.field(default_factory=dict)
    sql_file: pathlib.Path | None = None


PRELOADED = {'shared_preload_libraries': 'waltrail'}
SUBJECTS = {
    'plain': Subject('not preloaded'),
    'control': Subject('not preloaded either: how far two servers differ that are the same'),
    'no_actor': Subject('preloaded, waltrail.capture_actor = off',
                        PRELOADED | {'waltrail.capture_actor': 'off'}),
    'preloaded': Subject('preloaded', PRELOADED),
    'triggers': Subject('not preloaded; row triggers take the context from the text',
                        sql_file=pathlib.Path(__file__).parent / 'row_triggers.sql'),
}


@dataclasses.dataclass(frozen=True)
class Workload:
    what: str
    script: object   # script(server, protocol): the text for pgbench
    messages: dict   # subject: logical messages that a transaction puts into the WAL
    runs: tuple      # of (protocol, synchronous_commit)
    message_bytes_min: int = 0


@dataclasses.dataclass(frozen=True)
class Case:
    workload: str
    protocol: str
    synchronous_commit: str

    def __str__(self):
        return f'{self.workload}, -M {self.protocol}, synchronous_commit={self.synchronous_commit}'


def own(name):
    return lambda server, protocol: pgbench.own_script(server, name)


def fixed(text):
    return lambda server, protocol: text


def tpcb_with_contexts(differ):
    def script(server, protocol):
        return pgbench.with_comments(
            pgbench.own_script(server, 'tpcb-like'),
            lambda number: f'/*Bemi {context(number if differ else 0, protocol)} Bemi*/')
    return script


def context(statement, protocol):
    """A JSON object of CONTEXT_BYTES bytes where the account has six digits. The account is the
    transaction's own with the simple protocol only: with the others pgbench makes parameters of its
    variables, also of those in a comment, which the server then does not know."""
    fields = {'application': 'shop', 'statement': statement, 'user': 'u-123456',
              'endpoint': 'POST /accounts/123456/transfers', 'trace': ''}
    missing_bytes = CONTEXT_BYTES - len(json.dumps(fields))
    fields['trace'] = ('0af7651916cd43dd8448eb211c80319c' * 4)[:missing_bytes]
    account = ':aid' if protocol == 'simple' else '123456'
    return json.dumps(fields).replace('123456', account)


ONE_ACCOUNT = '\\set aid random(1, 100000 * :scale)\n'
NO_ACCOUNT = '\\set aid - random(1, 100000 * :scale)\n'
NOTHING = {'plain': 0, 'control': 0, 'preloaded': 0}
EVERY_WAY = (('prepared', 'off'), ('simple', 'off'), ('prepared', 'on'))

WORKLOADS = {
    'tpcb': Workload(
        'TPC-B as pgbench has it, no context', own('tpcb-like'),
        {'plain': 0, 'control': 0, 'no_actor': 0, 'preloaded': 1},
        EVERY_WAY),
    'no_match': Workload(
        'UPDATE of an account that is not there',
        fixed(NO_ACCOUNT + 'UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;'),
        NOTHING, (('prepared', 'on'), ('simple', 'on'))),
    'conflict': Workload(
        'INSERT … ON CONFLICT DO NOTHING of an account that is there',
        fixed(ONE_ACCOUNT + 'INSERT INTO pgbench_accounts (aid, bid, abalance) VALUES (:aid, 1, 0) '
              'ON CONFLICT DO NOTHING;'),
        NOTHING, (('prepared', 'on'),)),
    'select': Workload('SELECT of an account', own('select-only'), NOTHING, (('prepared', 'on'),)),
    'same_context': Workload(
        f'TPC-B with a context of {CONTEXT_BYTES} bytes in each statement, one for a transaction',
        tpcb_with_contexts(differ=False),
        {'plain': 0, 'control': 0, 'preloaded': 1, 'triggers': 4}, EVERY_WAY,
        message_bytes_min=CONTEXT_MESSAGE_BYTES_MIN),
    'new_contexts': Workload(
        f'TPC-B with another context of {CONTEXT_BYTES} bytes in each statement',
        tpcb_with_contexts(differ=True),
        {'plain': 0, 'control': 0, 'preloaded': 4, 'triggers': 4}, EVERY_WAY,
        message_bytes_min=CONTEXT_MESSAGE_BYTES_MIN),
}


def cases(names):
    return [Case(name, *run) for name in names for run in WORKLOADS[name].runs]
