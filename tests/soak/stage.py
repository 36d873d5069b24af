"""What the soak plays on: a source, a destination whose tables are on a small disk, a proxy before each, and apply, which somebody starts again
whenever it has ended, as a service manager does."""

import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import threading
import time

import audit
import commit_order
import servers
from proxy import Proxy
from servers import Database, Server, wait_until
from small_disk import SmallDisk
from waltrail_program import PROGRAM, WaltrailProgram
from wired import NOT_RECORDED, Through, tcp_settings

SLOT = "soak"
LOG_NAME = "apply.log"  # in the stage's folder
DISK_MEGABYTES = 1536
RESTART_PAUSE_S = 0.5
# Of both servers: what was lost is noticed in seconds, and a crash is recovered from as fast: fsync stays off, for what is killed here leaves all
# that it has written to the kernel.
SETTINGS = {"max_wal_size": "256MB", "wal_sender_timeout": "4s", "log_checkpoints": "off"}
CONNECTION = {"tcp_user_timeout": 2500, "connect_timeout": 3, "keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 2}

# What a change's statement says of itself, found without waltrail's help.
AUDIT_MORE = r"""
CREATE FUNCTION audit.said() RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce((pg_catalog.regexp_match(pg_catalog.current_query(), '/\*Bemi (\{[^*]*\}) Bemi\*/$'))[1]::pg_catalog.jsonb, '{}')
$$;
ALTER TABLE audit.notes ADD COLUMN context jsonb NOT NULL DEFAULT audit.said();
CREATE FUNCTION audit.note_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit.notes (transaction_id, schema, "table", operation, before, after)
    VALUES (pg_catalog.pg_current_xact_id()::text::bigint, TG_TABLE_SCHEMA, TG_TABLE_NAME, 'TRUNCATE', '{}', '{}');
    RETURN NULL;
END $$;
"""


class Apply:
    """One process after the other until end(); each with settings of its own. All that they say goes to one file."""

    def __init__(self, ends, log_file, seed):
        self._ends = ends
        self.log_file = pathlib.Path(log_file)
        self._random = random.Random(f"apply {seed}")
        self._ended = threading.Event()
        self._may_run = threading.Event()
        self._may_run.set()
        self.process = None
        self.starts = 0
        self._thread = threading.Thread(target=self._keep_running)
        self._thread.start()

    def _keep_running(self):
        while not self._ended.is_set():
            if self._may_run.is_set() and not self.is_running():
                self._start()
            self._ended.wait(RESTART_PAUSE_S)

    def _start(self):
        more = ["--writers", self._random.choice([1, 2, 3, 4]), "--batch-bytes", self._random.choice([4096, 65536, 8 << 20]),
                "--memory-bytes", self._random.choice([16 << 20, 64 << 20])]  # fmt: skip
        source, destination = (end.conninfo() for end in self._ends)
        arguments = ["apply", "--source", source, "--destination", destination, "--slot", SLOT, *NOT_RECORDED, *more]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("WALTRAIL_", "PG"))}
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env=environment,
                preexec_fn=servers.die_with_parent(9),
            )  # fmt: skip
        self.starts += 1

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def send(self, signal_number):
        """To the present process, whose end is waited for. Returns whether there was one."""
        process = self.process
        if process is None or process.poll() is not None:
            return False
        process.send_signal(signal_number)
        try:
            process.wait(30)
            return True
        except subprocess.TimeoutExpired:
            process.kill()
            raise AssertionError(f"waltrail apply did not end within 30 s after signal {signal_number}")

    def hold(self):
        """No new process until release()."""
        self._may_run.clear()

    def release(self):
        self._may_run.set()

    def end(self):
        self._ended.set()
        self._thread.join()
        if self.is_running():
            self.process.kill()
            self.process.wait()


class Stage:
    def __init__(self, seed):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="waltrail-soak-", dir="/tmp"))
        self.folder.chmod(0o755)
        if os.geteuid() == 0:
            shutil.chown(self.folder, servers.SERVER_USER, servers.SERVER_USER)
        self._seed = seed
        self._opened = []  # functions that undo, in order
        self.disk = self.source = self.destination = self.apply = None

    def set_up(self):
        template = servers.make_template(self.folder / "template")
        self.disk = SmallDisk(self.folder / "disk", DISK_MEGABYTES)
        self._opened.append(self.disk.close)
        source_server = self._start_server("source", template, shared_preload_libraries="waltrail")
        destination_server = self._start_server("destination", template)
        self.source = source_server.create_database("shop")
        self.destination = self._create_destination(destination_server)
        audit.set_up(self.source, logged=True)
        self.source.psql(AUDIT_MORE)
        audit.follow_new_tables(self.source)
        commit_order.prepare(self.source)
        WaltrailProgram().init(self.source, self.destination, SLOT, "--tables", "public.*")
        self.to_source, self.to_destination = Proxy(source_server.port), Proxy(destination_server.port)
        self._opened += [self.to_source.close, self.to_destination.close]
        ends = [
            Through(database, proxy.port, user=role, **CONNECTION)
            for database, proxy, role in (
                (self.source, self.to_source, servers.SOURCE_ROLE), (self.destination, self.to_destination, servers.DESTINATION_ROLE),
            )
        ]  # fmt: skip
        self.apply = Apply(ends, self.folder / LOG_NAME, self._seed)
        self._opened.append(self.apply.end)

    def _start_server(self, name, template, **more):
        settings = {**tcp_settings(servers.free_port()), **SETTINGS, **more}
        server = Server(name, self.folder / name, template, settings)
        self._opened.append(lambda: server.stop("immediate"))
        return server.start()

    def _create_destination(self, server):
        tables = self.disk.folder / "tables"
        tables.mkdir()
        shutil.chown(tables, servers.SERVER_USER, servers.SERVER_USER)
        server.execute(f"CREATE TABLESPACE small LOCATION '{tables}'")
        server.execute("CREATE DATABASE trail TABLESPACE small")
        return Database(server, "trail")

    def proxy(self, end):
        return {"source": self.to_source, "destination": self.to_destination}[end]

    def database(self, end):
        return {"source": self.source, "destination": self.destination}[end]

    def heal(self):
        """Whatever was done, everything is there and reachable afterwards."""
        self.disk.make_room()
        self.to_source.resume()
        self.to_destination.resume()
        self.apply.release()
        for database in (self.source, self.destination):
            if not database.server.is_running():
                database.server.start()
            wait_until(database.server._accepts_connections, f"the {database.server.name} to be back", timeout_s=120)

    def close(self, keep):
        """With `keep`, data folders and logs stay, but for what was on the small disk."""
        for undo in reversed(self._opened):
            try:
                undo()
            except Exception as error:  # the rest is to be undone, too
                print(f"could not clean up: {error}")
        for name in ("source", "destination"):
            database = self.database(name)
            if database is not None:
                database.server._remove_shared_memory()
        if not keep:
            for _ in range(10):  # a lazy unmount may take a moment
                shutil.rmtree(self.folder, ignore_errors=True)
                if not self.folder.exists():
                    break
                time.sleep(0.2)
