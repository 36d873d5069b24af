"""PostgreSQL servers of the tests' own: each has its data, log and only socket in one folder and listens on no port.

A server is a child of the test process and is told by the kernel to shut down when that dies, so nothing stays behind
even after a kill -9 of the tests. As root, servers run as the user postgres, because PostgreSQL refuses to run as root.
"""

import ctypes
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import time

import psycopg2
import psycopg2.extensions

PG_CONFIG = os.environ.get("PG_CONFIG", "/usr/lib/postgresql/15/bin/pg_config")
BINDIR = pathlib.Path(subprocess.check_output([PG_CONFIG, "--bindir"], text=True).strip())
# The destination may be of another version.
DESTINATION_PG_CONFIG = os.environ.get("WALTRAIL_DESTINATION_PG_CONFIG", PG_CONFIG)
DESTINATION_BINDIR = pathlib.Path(subprocess.check_output([DESTINATION_PG_CONFIG, "--bindir"], text=True).strip())
HAS_TWO_VERSIONS = DESTINATION_BINDIR != BINDIR
SERVER_USER = "postgres"
# What apply runs as, with the least rights that do: REPLICATION at the source, changes.grant_writer() at the destination.
SOURCE_ROLE, DESTINATION_ROLE = "reads_source", "writes_trail"
START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
# Below the ports that kernels give to outgoing connections (net.ipv4.ip_local_port_range): one of those could be taken by any
# connection while a server or a proxy is down, and would be, in a test that has others connect meanwhile.
PORTS = range(20000, 32000)

DEFAULT_SETTINGS = {
    "listen_addresses": "",
    "wal_level": "logical",
    "max_wal_senders": "20",
    "max_replication_slots": "20",
    "max_prepared_transactions": "5",
    # A kill -9 of the server loses nothing that the kernel has; only a crash of the machine would.
    "fsync": "off",
    # In the data directory, and gone with it: a killed server leaves files in /dev/shm that nothing tells from those of others.
    "dynamic_shared_memory_type": "mmap",
    "autovacuum_naptime": "5s",
    "log_line_prefix": "%m [%p] %d ",
}


def wait_until(condition, what, timeout_s=30, interval_s=0.05):
    """Returns the first true value of condition(); fails the test when that takes longer than timeout_s."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"timed out after {timeout_s} s waiting for {what}")
        time.sleep(interval_s)


def free_port():
    """A port that nobody listens on, at any address, out of PORTS."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with socket.socket() as listener:
            try:
                listener.bind(("", port))
            except OSError:
                continue
            return port


def die_with_parent(signal_number):
    """For preexec_fn: the kernel sends signal_number to the child when the test process dies."""
    pr_set_pdeathsig = 1
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(pr_set_pdeathsig, signal_number, 0, 0, 0)


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def _as_server_user():
    if os.geteuid() != 0:
        return {}
    return {"user": SERVER_USER, "group": SERVER_USER, "extra_groups": []}


def _run(arguments, **options):
    done = subprocess.run(
        [str(argument) for argument in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd="/",
        **_as_server_user(),
        **options,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} ended with status {done.returncode}: {done.stdout}")
    return done.stdout


def knows_output_plugin_libraries(bindir=None):
    """Older minor releases load any output plugin and do not know the setting."""
    settings = subprocess.check_output([(bindir or BINDIR) / "postgres", "--describe-config"], text=True)
    return "output_plugin_libraries\t" in settings


def initdb(folder, bindir):
    _run([bindir / "initdb", "-D", folder, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"])


def make_template(folder, bindir=None):
    """One initdb for all servers of a version: they copy its folder. It has the roles that apply runs as."""
    bindir = bindir or BINDIR
    initdb(folder, bindir)
    roles = f"CREATE ROLE {SOURCE_ROLE} LOGIN REPLICATION;\nCREATE ROLE {DESTINATION_ROLE} LOGIN;\n"
    _run([bindir / "postgres", "--single", "-D", folder, "-F", "postgres"], input=roles)
    return pathlib.Path(folder)


def major_of(bindir):
    """As a data directory's PG_VERSION has it."""
    return re.search(r"\) (\d+)", subprocess.check_output([bindir / "postgres", "--version"], text=True))[1]


def bindir_of(data):
    """Of the programs that belong to a data directory."""
    version = (data / "PG_VERSION").read_text().strip()
    return DESTINATION_BINDIR if HAS_TWO_VERSIONS and version == major_of(DESTINATION_BINDIR) else BINDIR


def _children(pid):
    """Process ids of all descendants."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            stat = pathlib.Path("/proc", entry, "stat").read_text()
        except OSError:
            continue
        # The command, in parentheses, may itself hold blanks and parentheses.
        if int(stat.rpartition(")")[2].split()[1]) == pid:
            found += [int(entry)] + _children(int(entry))
    return found


def is_alive(pid):
    try:
        stat = pathlib.Path("/proc", str(pid), "stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class Server:
    """`settings` are lines of postgresql.conf as a mapping of name to text; they win over DEFAULT_SETTINGS. `template` is a folder
    of make_template(), or a running server, whose standby this becomes."""

    def __init__(self, name, folder, template, settings=None):
        self.name = name
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.log_file = self.folder / "log"
        self.process = None
        self._pooled = {}
        self.folder.mkdir(mode=0o755)
        if os.geteuid() == 0:
            shutil.chown(self.folder, SERVER_USER, SERVER_USER)
        if isinstance(template, Server):
            _run([bindir_of(template.data) / "pg_basebackup", "-d", template.conninfo(), "-D", self.data, "-R", "-c", "fast"])
        else:
            _run(["cp", "-r", template, self.data])
        self.port = (settings or {}).get("port", 5432)  # of the socket's name, too
        values = dict(DEFAULT_SETTINGS, cluster_name=name, unix_socket_directories=str(self.folder))
        if knows_output_plugin_libraries(bindir_of(self.data)):
            values["output_plugin_libraries"] = "pgoutput, test_decoding, waltrail"
        self.configure(**dict(values, **(settings or {})))

    # -- life ------------------------------------------------------------------------------------------------------

    def configure(self, **settings):
        """Appends to postgresql.conf; takes effect at the next start or reload()."""
        with open(self.data / "postgresql.conf", "a") as file:
            for name, value in settings.items():
                escaped = str(value).replace("'", "''")
                file.write(f"{name} = '{escaped}'\n")

    def start(self):
        assert not self.is_running(), f"server {self.name} runs already"
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [str(bindir_of(self.data) / "postgres"), "-D", str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGQUIT),
                **_as_server_user(),
            )
        wait_until(self._accepts_connections, f"server {self.name} to start", START_TIMEOUT_S)
        return self

    def _accepts_connections(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"server {self.name} did not start: {self.log()[-2000:]}")
        try:
            psycopg2.connect(self.conninfo()).close()
        except psycopg2.OperationalError:
            return False
        return True

    def stop(self, mode="fast"):
        """mode: smart, fast or immediate, as pg_ctl's. No error when the server does not run."""
        self._close_pooled()
        if not self.is_running():
            return
        signals = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
        self.process.send_signal(signals[mode])
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill9()
            raise AssertionError(f"server {self.name} did not stop within {STOP_TIMEOUT_S} s")

    def kill9(self):
        """SIGKILL to the postmaster and all its children at once, as when the machine's memory runs out."""
        if not self.is_running():
            return
        # Stopped first, so that the postmaster cannot start new children while they are listed.
        self.process.send_signal(signal.SIGSTOP)
        children = _children(self.process.pid)
        for pid in [self.process.pid] + children:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(STOP_TIMEOUT_S)
        wait_until(lambda: not any(map(is_alive, children)), "killed backends to end")
        self._close_pooled()

    def restart(self, mode="fast"):
        self.stop(mode)
        return self.start()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def remove(self):
        """Stops the server and removes its folder, and the shared memory that a killed postmaster leaves."""
        try:
            self.stop("immediate")
        finally:
            self._remove_shared_memory()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_shared_memory(self):
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            segment = lines[6].split()[1]
        except (OSError, IndexError):
            return
        subprocess.run(["ipcrm", "-m", segment], stderr=subprocess.DEVNULL, check=False)

    # -- use -------------------------------------------------------------------------------------------------------

    def conninfo(self, dbname="postgres", user="postgres", **more):
        words = {"host": self.folder, "port": self.port, "dbname": dbname, "user": user, **more}
        return psycopg2.extensions.make_dsn(**{name: str(value) for name, value in words.items()})

    def connect(self, dbname="postgres", autocommit=True, **more):
        """A connection that the caller closes."""
        connection = psycopg2.connect(self.conninfo(dbname, **more))
        connection.autocommit = autocommit
        return connection

    def query(self, sql, parameters=None, dbname="postgres"):
        """All rows of a statement as a list of tuples; an empty list for a statement without rows. Autocommit."""
        connection = self._pooled.get(dbname)
        if connection is None or connection.closed:
            connection = self._pooled[dbname] = self.connect(dbname)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                return cursor.fetchall() if cursor.description is not None else []
        except psycopg2.Error as error:
            # The server may have been restarted since: the next call connects anew.
            if connection.closed or isinstance(error, (psycopg2.OperationalError, psycopg2.InterfaceError)):
                connection.close()
            raise

    def execute(self, sql, parameters=None, dbname="postgres"):
        self.query(sql, parameters, dbname)

    def value(self, sql, parameters=None, dbname="postgres"):
        """The only column of the only row."""
        rows = self.query(sql, parameters, dbname)
        assert len(rows) == 1 and len(rows[0]) == 1, f"expected one value, got {rows!r}"
        return rows[0][0]

    def psql(self, script, dbname="postgres", check=True):
        """Runs a script through psql, as a user would: several statements, backslash commands. Returns its output."""
        done = subprocess.run(
            [str(BINDIR / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo(dbname)],
            input=script,
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"psql ended with status {done.returncode}: {done.stderr}")
        return done.stdout

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def log_matches(self, pattern):
        return re.search(pattern, self.log()) is not None

    def create_database(self, name, encoding=None):
        how = f" ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0" if encoding else ""
        self.execute(f"CREATE DATABASE {quoted(name)}{how}")
        return Database(self, name)

    def _close_pooled(self, dbname=None):
        for name in [dbname] if dbname else list(self._pooled):
            connection = self._pooled.pop(name, None)
            if connection is not None:
                connection.close()


class Database:
    """One database of a server: what most tests call source or destination."""

    def __init__(self, server, name):
        self.server = server
        self.name = name

    def conninfo(self, **more):
        return self.server.conninfo(self.name, **more)

    def connect(self, **more):
        return self.server.connect(self.name, **more)

    def query(self, sql, parameters=None):
        return self.server.query(sql, parameters, self.name)

    def execute(self, sql, parameters=None):
        self.server.execute(sql, parameters, self.name)

    def value(self, sql, parameters=None):
        return self.server.value(sql, parameters, self.name)

    def psql(self, script, check=True):
        return self.server.psql(script, self.name, check)

    def drop(self):
        """Drops the database and the slots in it, whoever uses them."""
        self.server._close_pooled(self.name)
        wait_until(self._drop_slots, f"slots of {self.name} to be free")
        self.server.execute(f"DROP DATABASE IF EXISTS {quoted(self.name)} WITH (FORCE)")

    def _drop_slots(self):
        slots = self.server.query("SELECT slot_name, active_pid FROM pg_replication_slots WHERE database = %s", [self.name])
        for slot, active_pid in slots:
            if active_pid is not None:
                self.server.execute("SELECT pg_terminate_backend(%s)", [active_pid])
            else:
                try:
                    self.server.execute("SELECT pg_drop_replication_slot(%s)", [slot])
                except psycopg2.errors.ObjectInUse:
                    pass
        return not slots
