"""A PostgreSQL server of the benchmark's own, so that nothing else is in its WAL and nothing remains.

It lives in a temporary folder, listens on a Unix socket there only, and ends with the `with` block.
Root starts it as another user, because the server refuses to run as root.
"""
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 60
KEPT_STOP_TIMEOUT_S = 600  # its shutdown writes what is in its buffers
DATABASE = 'bench'

# Nothing may write WAL or take CPU beside what is measured. fsync is off for the
# set-up only; durable() turns it on.
SETTINGS = {
    'wal_level': 'logical',
    'max_replication_slots': '40',
    'max_wal_senders': '10',
    'wal_sender_timeout': '0',
    'listen_addresses': "''",
    'shared_buffers': '256MB',
    'max_wal_size': '64GB',
    'checkpoint_timeout': '1d',
    'autovacuum': 'off',
    'jit': 'off',
    'fsync': 'off',
    'timezone': 'UTC',
}


def run_checked(command, **options):
    """Runs a program; its failure is an error of one line that names the program and its reason."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        lines = (done.stderr.strip() or done.stdout.strip() or 'no message').splitlines()
        reason = next((line for line in lines if 'rror:' in line or 'ERROR' in line), lines[-1])
        raise RuntimeError(f'"{os.path.basename(str(command[0]))}" failed: {reason}')
    return done.stdout.strip()


class Server:
    """library_paths: folders that are searched for libraries before the server's own.
    settings: lines of postgresql.conf, beside SETTINGS or in their place.
    output_plugins: the names that the server may load as output plugins.
    built_library: a folder beside this file, whose library is built for this server.
    kept_data: the data directory, which is made where it does not exist, and stays; else it is temporary, too."""

    def __init__(self, pg_config, os_user, library_paths, settings=None, output_plugins=(),
                 built_library=None, kept_data=None):
        self.bindir = pathlib.Path(run_checked([pg_config, '--bindir']))
        self.pkglibdir = pathlib.Path(run_checked([pg_config, '--pkglibdir']))
        self.version = run_checked([pg_config, '--version'])
        self.pg_config = pg_config
        self.settings = settings or {}
        self.output_plugins = output_plugins
        self.built_library = built_library
        self.kept_data = kept_data and pathlib.Path(kept_data).resolve()
        self.library_paths = [pathlib.Path(path).resolve() for path in library_paths]
        self.as_user = {}
        if os.geteuid() == 0:
            self.account = pwd.getpwnam(os_user)
            self.as_user = {'user': self.account.pw_uid, 'group': self.account.pw_gid,
                            'extra_groups': []}
        self.postmaster = None
        self.folder = None

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='waltrail-bench-'))
        try:
            self.own(self.folder)
            if self.built_library:
                self._build(self.built_library)
            is_new = not (self.data / 'PG_VERSION').exists()
            if is_new:
                self._initdb()
            self._configure()
            self._start()
            if is_new:
                self.sql(f'CREATE DATABASE {DATABASE}', database='postgres')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.postmaster is not None and self.postmaster.poll() is None:
            # SIGQUIT: an immediate shutdown, the data is thrown away. SIGINT: a fast one.
            self.postmaster.send_signal(signal.SIGINT if self.kept_data else signal.SIGQUIT)
            try:
                self.postmaster.wait(KEPT_STOP_TIMEOUT_S if self.kept_data else STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.postmaster.kill()
                self.postmaster.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def data(self):
        return self.kept_data or self.folder / 'data'

    def conninfo(self, database=DATABASE):
        return f'host={self.folder} dbname={database} user=postgres'

    def sql(self, *statements, database=DATABASE):
        """Runs statements in one session, each a transaction of its own; returns unaligned rows."""
        command = [self.bindir / 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-h', self.folder,
                   '-U', 'postgres', '-d', database]
        for statement in statements:
            command += ['-c', statement]
        return run_checked(command)

    def has_library(self, name):
        return any((path / f'{name}.so').exists()
                   for path in [self.folder / 'lib', *self.library_paths, self.pkglibdir])

    def durable(self):
        """Ends the set-up: fsync as in production, and no dirty buffers left to be written."""
        self.sql('ALTER SYSTEM SET fsync = on')
        self.sql('SELECT pg_reload_conf()')
        self.sql('CHECKPOINT')

    def restart(self):
        self.postmaster.send_signal(signal.SIGINT)  # a fast shutdown
        self.postmaster.wait(STOP_TIMEOUT_S)
        self._start()

    def pin(self, cpu):
        """All its processes, and those that it starts from here on, run on this CPU."""
        for pid in [self.postmaster.pid, *(pid for pid, _ in self._children())]:
            try:
                os.sched_setaffinity(int(pid), {cpu})
            except ProcessLookupError:
                pass  # has ended meanwhile

    def walsender_cpu_files(self):
        """The schedstat files of the walsenders that run now; empty where /proc has none."""
        return [pathlib.Path(f'/proc/{pid}/schedstat')
                for pid, title in self._children() if b'walsender' in title]

    def ended_children_cpu_seconds(self):
        """CPU time of the server's processes that have ended, once those of clients have: what
        clients cost is the difference of two calls."""
        deadline = time.monotonic() + STOP_TIMEOUT_S
        # One that has ended has no title, until the postmaster has taken note of it.
        while any(b'[local]' in title or not title for _, title in self._children()):
            if time.monotonic() > deadline:
                raise RuntimeError('a client of the server does not end')
            time.sleep(0.01)
        status = pathlib.Path(f'/proc/{self.postmaster.pid}/stat').read_text()
        after_name = status.rsplit(')', 1)[1].split()  # proc(5): from field 3, "state", on
        return sum(map(int, after_name[13:15])) / os.sysconf('SC_CLK_TCK')

    def message_bytes(self, start_lsn, end_lsn):
        """The size of each logical message between two positions of the WAL that are flushed."""
        if start_lsn == end_lsn:
            return []
        records = run_checked([self.bindir / 'pg_waldump', '-p', self.data / 'pg_wal',
                               '-r', 'LogicalMessage', '-s', start_lsn, '-e', end_lsn],
                              cwd=self.folder, **self.as_user)
        return [int(size) for size in re.findall(r'payload \((\d+) bytes\)', records)]

    def _children(self):
        """The processes of the server that run now, each with its title."""
        pid = self.postmaster.pid
        try:
            children = pathlib.Path(f'/proc/{pid}/task/{pid}/children').read_text().split()
        except OSError:
            return
        for child in children:
            try:
                yield child, pathlib.Path(f'/proc/{child}/cmdline').read_bytes()
            except OSError:
                continue  # It ended meanwhile.

    def own(self, path):
        if self.as_user:
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def _build(self, name):
        """Builds a copy of the folder, so that neither the source tree nor the server's
        library folder is written to."""
        library_folder = self.folder / 'lib'
        shutil.copytree(pathlib.Path(__file__).parent / name, library_folder)
        for path in [library_folder, *library_folder.iterdir()]:
            self.own(path)
        run_checked(['make', '-s', '-C', library_folder, f'PG_CONFIG={self.pg_config}'],
                    **self.as_user)

    def _initdb(self):
        if self.kept_data:
            self.kept_data.mkdir(parents=True)
            self.own(self.kept_data)
        run_checked([self.bindir / 'initdb', '-D', self.data, '-U', 'postgres', '-A', 'trust', '-N',
                     '-E', 'UTF8', '--no-locale'], cwd=self.folder, **self.as_user)
        with open(self.data / 'postgresql.conf', 'a', encoding='utf-8') as conf:
            conf.write("include = 'bench.conf'\n")

    def _configure(self):
        settings = dict(SETTINGS | self.settings, unix_socket_directories=f"'{self.folder}'")
        # output_plugin_libraries compares names as CREATE_REPLICATION_SLOT gives them. An absolute
        # path works too (tried on 15.20), but must then be listed as that very path and be the
        # slot's plugin name; with dynamic_library_path a plugin that is not installed keeps its name.
        path = ':'.join([str(self.folder / 'lib'), *map(str, self.library_paths), '$libdir'])
        settings['dynamic_library_path'] = f"'{path}'"
        known = run_checked([self.bindir / 'postgres', '--describe-config'], **self.as_user)
        if self.output_plugins and 'output_plugin_libraries' in known:  # Minor releases before 2026 do not have it.
            settings['output_plugin_libraries'] = f"'{', '.join(self.output_plugins)}'"
        with open(self.data / 'bench.conf', 'w', encoding='utf-8') as conf:
            conf.writelines(f'{name} = {value}\n' for name, value in settings.items())
        self.own(self.data / 'bench.conf')

    def _start(self):
        with open(self.folder / 'log', 'wb') as log:
            # A session of its own: the terminal's interrupt must not reach it before the clients.
            self.postmaster = subprocess.Popen(
                [self.bindir / 'postgres', '-D', self.data], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, cwd=self.folder, start_new_session=True, **self.as_user)
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self.sql('SELECT 1', database='postgres')
                return
            except RuntimeError:
                if self.postmaster.poll() is not None or time.monotonic() > deadline:
                    log = (self.folder / 'log').read_text(errors='replace').splitlines()
                    raise RuntimeError(f'could not start the server: {log[-1:]}') from None
                time.sleep(0.1)
