"""What a slot that is drained costs the source: the throughput of TPC-B beside a plugin that writes nothing.

Each server is driven beside one whose slot belongs to the plugin "nothing", both at the same time, each with its pgbench, its walsender
and what drains it on one CPU, and then with their CPUs changed (paired.py). So all that is done for a transaction takes time from
the next one: the throughput says what it costs. "control" says how far two servers differ that are the same; servers are made anew
with each set-up.

Before anything is timed, a number of transactions runs on each server, and the server's own count of what it handed to the
plugin must be theirs; the trail that apply has written at the end must hold each of them.
"""
import argparse
import contextlib
import os
import random
import statistics

import paired
import pgbench
import program
import publish
import report
import trail_check
import two_ends
from audit_trigger import make_audit
from consumers import CHANGES_PER_TRANSACTION, CONSUMERS, Attachment
from figures import Column, Figures
from options import parse_with_shared
from server import DATABASE, Server

PEER = 'nothing'
CHECK_TRANSACTIONS = 1000     # of each client
WAL_FILES_AHEAD = 16          # of 16 MB
KEYS = {'pgbench_accounts': 'aid', 'pgbench_branches': 'bid', 'pgbench_tellers': 'tid', 'pgbench_history': 'tid'}
# As bench/run capture has them, for the same reasons.
SETTINGS = {'shared_buffers': '512MB', 'full_page_writes': 'off', 'min_wal_size': '1GB'}
COLUMNS = [Column('tps', 'tps', 0), Column(f'tps / {PEER}', 'tps', 3, PEER), Column('walsender us a change', 'walsender_cpu_us_per_change'),
           Column(f'walsender CPU / {PEER}', 'walsender_cpu_us_per_change', 2, PEER), Column('behind at the end: kB', 'lag_bytes', 0, per=1e3),
           Column('changes', 'lag_changes', 0)]


def parse(arguments):
    names = [name for name in CONSUMERS if name != PEER]
    parser = argparse.ArgumentParser(prog='bench/run source', description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    usual = [name for name in names if not CONSUMERS[name].is_extra]
    parser.add_argument('--subjects', default=','.join(usual), help=f'comma-separated, from: {", ".join(names)} (default: {",".join(usual)})')
    parser.add_argument('--synchronous-commit', default='off,on', metavar='LIST', help='cases (default: off,on)')
    parser.add_argument('--setups', type=int, default=3, help='how often servers are made anew (default: 3)')
    parser.add_argument('--rounds', type=int, default=4, help='of each set-up and case (default: 4)')
    parser.add_argument('--seconds', type=int, default=5, help='of a slice, of which a round has two for each server (default: 5)')
    parser.add_argument('--clients', type=int, default=2, help='of each pgbench (default: 2)')
    program.add_options(parser)
    options = parse_with_shared(parser, arguments)
    options.subjects = options.subjects.split(',')
    options.cases = options.synchronous_commit.split(',')
    unknown = [name for name in options.subjects if name not in names]
    if unknown:
        parser.error(f'unknown subject "{unknown[0]}"; there are: {", ".join(names)}')
    if set(options.cases) - {'on', 'off'}:
        parser.error('--synchronous-commit is a list of on and off')
    if min(options.setups, options.rounds, options.seconds, options.clients) < 1:
        parser.error('--setups, --rounds, --seconds and --clients must be at least 1')
    return options


def main(arguments):
    options = parse(arguments)
    pairs = {case: {subject: [] for subject in options.subjects} for case in options.cases}
    for setup in range(1, options.setups + 1):
        where = f'set-up {setup}/{options.setups}'
        with contextlib.ExitStack() as stack:
            report.progress(f'{where}: making the servers')
            attachments = {name: make_attachment(stack, CONSUMERS[name], options) for name in (PEER, *options.subjects)}
            if setup == 1:
                describe(attachments[PEER].server, options)
            for case, found in pairs.items():
                measure(attachments, case, found, options, f'{where}, synchronous_commit={case}')
            for attachment in attachments.values():
                check_trail(attachment)
    print_results(pairs)
    publish.publish(options, [figures(pairs, options)])


def figures(pairs, options):
    asked = {'subjects': options.subjects, 'setups': options.setups, 'rounds': options.rounds, 'seconds': options.seconds,
             'clients': options.clients, 'apply flags': options.apply_flags}
    return Figures('source', 'tpcb', asked, COLUMNS, [entry for case, found in pairs.items() for entry in paired.entries(
        found, PEER, 'source', f'tpcb, synchronous_commit={case}')])


# -- the servers -------------------------------------------------------------------------------------------------------

def make_attachment(stack, consumer, options):
    is_limit = consumer.plugin == CONSUMERS[PEER].plugin
    server = stack.enter_context(Server(
        options.pg_config, options.os_user, options.library_path, output_plugins=['pgoutput', 'waltrail', CONSUMERS[PEER].plugin],
        settings=SETTINGS | ({'wal_level': 'replica'} if consumer.is_untouched else {}), built_library='nothing' if is_limit else None))
    pgbench.make_tables(server)
    if not consumer.is_untouched:
        server.sql(*(f'ALTER TABLE {table} REPLICA IDENTITY FULL' for table in pgbench.TABLES))
    if consumer.is_audited:
        make_audit(server, KEYS, DATABASE)
    server.sql('CREATE PUBLICATION bench FOR ALL TABLES', 'CREATE EXTENSION pg_prewarm',
               f"SELECT pg_logical_emit_message(false, '', ''), pg_switch_wal() FROM generate_series(1, {WAL_FILES_AHEAD})")
    server.durable()
    trail = None
    if consumer.by_apply:
        destination = stack.enter_context(two_ends.make_destination(options))
        trail = two_ends.Trail(server, destination, program.Program(options))
        destination.durable()
    attachment = Attachment(consumer, server, trail)
    stack.callback(attachment.detach)
    attachment.attach()
    return attachment


def describe(server, options):
    load = ', '.join(f'{value:.1f}' for value in os.getloadavg())
    print(f'{server.version}, {os.cpu_count()} CPUs, load average at the start {load}')
    print(f'pgbench TPC-B at scale {pgbench.SCALE}, fillfactor {pgbench.FILLFACTOR}, {options.clients} clients, prepared; '
          f'{options.setups} set-ups, in each {options.rounds} rounds of twice {options.seconds} s')
    print('wal_level logical and replica identity full, but for "untouched"; fsync on, full_page_writes off, autovacuum off')


# -- a case ------------------------------------------------------------------------------------------------------------

def measure(attachments, case, found, options, where):
    load = pgbench.Load('prepared', case, options.clients, options.seconds)
    for name, attachment in attachments.items():
        report.progress(f'{where}: checking {name}')
        write_script(attachment.server)
        settle(attachment)
        check(attachment, options.clients)
    for number in range(1, options.rounds + 1):
        for subject in random.sample(list(found), len(found)):
            report.progress(f'{where}: round {number}/{options.rounds}: {subject}')
            pair = attachments[subject], attachments[PEER]
            for attachment in pair:
                settle(attachment)
            found[subject].append(paired.drive_both(lambda attachment: drive(attachment, load), *pair))


def script_file(server):
    return server.folder / 'script'


def write_script(server):
    script_file(server).write_text(pgbench.own_script(server, 'tpcb-like'), encoding='utf-8')


def settle(attachment):
    """Clears away what was done before, which is more on the server that all are compared with. Rows of the history stay until the
    end where a trail is compared with them."""
    history = [] if attachment.trail else ['TRUNCATE pgbench_history']
    audit = ['TRUNCATE public.bench_audit'] if attachment.consumer.is_audited else []
    attachment.server.sql(*history, *audit, f'VACUUM {", ".join(pgbench.TABLES)}',
                          "SELECT pg_prewarm(oid) FROM pg_class WHERE relname LIKE 'pgbench%'", 'CHECKPOINT')
    attachment.drain()


def check(attachment, clients):
    """Runs a little, and counts what was decoded; warms the caches, too."""
    before = attachment.decoded_transactions()
    outcome = pgbench.run(attachment.server, script_file(attachment.server), pgbench.Load('prepared', 'on', clients,
                                                                                         transactions=CHECK_TRANSACTIONS))
    attachment.drain()
    if attachment.consumer.plugin:
        trail_check.expect(f'{attachment.consumer.name}: transactions that were decoded', attachment.decoded_transactions() - before,
                           outcome.transactions)
    if attachment.consumer.is_audited:
        trail_check.expect('changes of the audit trigger', int(attachment.server.sql('SELECT count(*) FROM public.bench_audit')),
                           outcome.transactions * CHANGES_PER_TRANSACTION)


def check_trail(attachment):
    """Of what apply has written: as many changes as the history says, and the balances of the source."""
    trail = attachment.trail
    if not trail:
        return
    attachment.drain()
    expected = attachment.server.sql(f'SELECT count(*) * {CHANGES_PER_TRANSACTION}, sum(delta), (SELECT sum(abalance) FROM pgbench_accounts) '
                                     'FROM pgbench_history')
    found = trail.sql("SELECT count(*), sum((after ->> 'delta')::bigint) FILTER (WHERE \"table\" = 'pgbench_history'), "
                      "sum((after ->> 'abalance')::bigint - (before ->> 'abalance')::bigint) FILTER (WHERE \"table\" = 'pgbench_accounts') "
                      'FROM public.changes')
    trail_check.expect('changes, sum of the history, sum of the balances', found, expected)


def drive(attachment, load):
    server = attachment.server
    start_cpu = attachment.walsender_cpu_seconds()
    outcome = pgbench.run(server, script_file(server), load)
    lag_bytes, lag_changes = attachment.lag_bytes(), attachment.lag_changes()
    attachment.drain()
    changes = outcome.transactions * CHANGES_PER_TRANSACTION
    return {'tps': outcome.per_second, 'lag_bytes': lag_bytes or 0, 'lag_changes': lag_changes,
            'walsender_cpu_us_per_change': (attachment.walsender_cpu_seconds() - start_cpu) * 1e6 / changes}


# -- the results -------------------------------------------------------------------------------------------------------

def print_results(pairs):
    report.progress('')
    for case, found in pairs.items():
        print(f'\nTPC-B, synchronous_commit={case}')
        rows = [['subject', 'tps', f'tps / {PEER}', 'walsender us a change', f'walsender us of {PEER}', 'behind at the end: kB', 'changes']]
        for subject, measured in found.items():
            rows.append([subject, f'{middle(measured, 0, "tps"):.0f}', paired.spread(paired.ratios(measured, 'tps'), 3),
                         f'{middle(measured, 0, "walsender_cpu_us_per_change"):.2f}',
                         f'{middle(measured, 1, "walsender_cpu_us_per_change"):.2f}', f'{middle(measured, 0, "lag_bytes") / 1e3:.0f}',
                         f'{middle(measured, 0, "lag_changes"):.0f}'])
        report.print_aligned(rows)
    print('\nMedians [quartiles] of all rounds; a ratio is that to a server with the slot of "nothing" at the same time. All of a server, its\n'
          'pgbench and what drains its slot run on one CPU, so that what is done for the slot is taken from the transactions.\n'
          'Behind: what the walsender had not sent, and what apply had not written, when pgbench ended; that has not cost anything yet.')
    for name, consumer in CONSUMERS.items():
        print(f'{name:13} {consumer.what}')


def middle(pairs, side, metric):
    return statistics.median(pair[side][metric] for pair in pairs)
