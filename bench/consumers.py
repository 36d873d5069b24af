"""What drains a slot of the source while it works, each with the server that it is attached to.

attach() makes the slot and starts the consumer; detach() ends it. All processes of an attachment can be pinned to one CPU, and
are those that paired.py drives.
"""
import dataclasses
import os
import pathlib
import signal
import subprocess
import time

import two_ends
from server import DATABASE

SLOT = 'bench'
CHANGES_PER_TRANSACTION = 4  # TPC-B: three updates, one insert
DRAIN_TIMEOUT_S = 300
STOP_TIMEOUT_S = 30
PAGE_HEADER_BYTES_MAX = 40  # of WAL: nothing to be read, when nothing follows it


@dataclasses.dataclass(frozen=True)
class Consumer:
    name: str
    what: str
    plugin: str | None = None
    options: tuple = ()
    by_apply: bool = False    # else by pg_recvlogical
    is_audited: bool = False  # the audit trigger, no slot
    is_untouched: bool = False
    is_extra: bool = False    # only where it is named


CONSUMERS = {consumer.name: consumer for consumer in [
    Consumer('nothing', 'slot of a plugin that writes nothing, drained by pg_recvlogical to /dev/null: what all are compared with',
             'waltrail_bench_nothing'),
    Consumer('control', 'the same again: how far two servers differ that are the same', 'waltrail_bench_nothing'),
    Consumer('one_byte', 'slot of the same plugin, which sends a byte at each commit: what any has to take that sends a message', 'waltrail_bench_nothing',
             ('messages=on',), is_extra=True),
    Consumer('unattached', 'no slot'),
    Consumer('untouched', 'no slot, wal_level replica, default replica identity', is_untouched=True),
    Consumer('waltrail', 'slot of waltrail, drained by pg_recvlogical to /dev/null', 'waltrail', ('format=binary',)),
    Consumer('apply', 'slot of waltrail, drained by waltrail apply; the destination is on the same CPU, too', 'waltrail', by_apply=True),
    Consumer('pgoutput', 'slot of pgoutput, drained by pg_recvlogical to /dev/null', 'pgoutput', ('proto_version=1', 'publication_names=bench')),
    Consumer('audit_trigger', 'no slot; a row trigger writes each change as jsonb into a table with the usual indexes', is_audited=True),
]}


class Attachment:
    """A consumer at a server. `trail`: a two_ends.Trail for what is drained by apply."""

    def __init__(self, consumer, server, trail=None):
        self.consumer = consumer
        self.server = server
        self.trail = trail
        self.receiver = None
        self.running = None

    def attach(self):
        consumer = self.consumer
        if consumer.by_apply:
            self.trail.make()
            two_ends.create_database(self.trail.destination, self.trail.name, self.trail.template)
            self.trail.source.sql(f"SELECT pg_drop_replication_slot('{two_ends.START_SLOT}')")  # it would keep WAL
            self.running = self.trail.program.start_apply(self.server.conninfo(), self.trail.conninfo, SLOT)
        elif consumer.plugin:
            self.server.sql(f"SELECT pg_create_logical_replication_slot('{SLOT}', '{consumer.plugin}')")
            command = [self.server.bindir / 'pg_recvlogical', '--start', '--no-loop', '-h', self.server.folder, '-U', 'postgres',
                       '-d', DATABASE, '-S', SLOT, '--fsync-interval=0', '--status-interval=1', '-f', '/dev/null']
            for option in consumer.options:
                command += ['-o', option]
            self.receiver = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                             start_new_session=True)

    def detach(self):
        if self.running:
            self.running.stop()
        if self.receiver:
            self.receiver.send_signal(signal.SIGINT)
            self.receiver.communicate(timeout=STOP_TIMEOUT_S)

    def check_is_running(self):
        if self.running:
            self.running.check_is_running()
        if self.receiver and self.receiver.poll() is not None:
            raise RuntimeError(f'{self.consumer.name}: pg_recvlogical ended: {self.receiver.stderr.read().decode(errors="replace").strip()}')

    def pin(self, cpu):
        """For paired.py."""
        self.server.pin(cpu)
        if self.trail:
            self.trail.destination.pin(cpu)
        for process in (self.running, self.receiver):
            if process:
                for thread in pathlib.Path(f'/proc/{process.pid}/task').iterdir():
                    os.sched_setaffinity(int(thread.name), {cpu})

    def lag_bytes(self):
        """WAL that is flushed and that the walsender has not been through yet; 0 without a slot."""
        if not self.consumer.plugin:
            return 0
        lag = self.server.sql('SELECT pg_current_wal_flush_lsn() - r.sent_lsn FROM pg_stat_replication AS r '
                              f"JOIN pg_replication_slots AS s ON s.active_pid = r.pid WHERE s.slot_name = '{SLOT}'")
        return max(int(lag), 0) if lag else None

    def lag_changes(self):
        """Changes of pgbench's transactions that apply has not written yet; the history has a row for each transaction since it was made."""
        if not self.trail:
            return 0
        transactions = int(self.server.sql('SELECT count(*) FROM pgbench_history'))
        return transactions * CHANGES_PER_TRANSACTION - int(self.trail.sql('SELECT sum(changes) FROM changes.applied'))

    def drain(self):
        """Until what is flushed now has been sent, and written where that is apply's."""
        deadline = time.monotonic() + DRAIN_TIMEOUT_S
        while True:
            lag, changes = self.lag_bytes(), self.lag_changes()
            if lag is not None and lag <= PAGE_HEADER_BYTES_MAX and changes == 0:
                return
            self.check_is_running()
            if time.monotonic() > deadline:
                raise RuntimeError(f'{self.consumer.name}: the slot is not drained after {DRAIN_TIMEOUT_S} s, {lag} bytes, {changes} changes are left')
            time.sleep(0.05)

    def walsender_cpu_seconds(self):
        return sum(int(file.read_text().split()[0]) for file in self.server.walsender_cpu_files()) / 1e9

    def decoded_transactions(self):
        """As the server counts what it hands to the plugin."""
        return int(self.server.sql(f"SELECT coalesce(max(total_txns), 0) FROM pg_stat_replication_slots WHERE slot_name = '{SLOT}'"))
