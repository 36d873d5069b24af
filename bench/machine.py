"""What a run ran on, as far as others need to know: nothing here names the machine or its folders."""
import os
import pathlib
import platform
import re
import subprocess

from server import run_checked

TREE = pathlib.Path(__file__).resolve().parent.parent
PEER_PACKAGES = ('wal2json', 'decoderbufs', 'partman')


def describe(pg_config):
    return {'cpu': cpu_model(), 'cpus': os.cpu_count(), 'memory_gb': round(os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9),
            'kernel': f'{platform.system()} {platform.release()}', 'postgresql': run_checked([pg_config, '--version']),
            'waltrail': waltrail_version(), 'packages': packages()}


def cpu_model():
    found = re.search(r'^(?:model name|Model)\s*:\s*(.+)$', pathlib.Path('/proc/cpuinfo').read_text(encoding='utf-8'), re.MULTILINE)
    return found[1] if found else platform.machine()


def waltrail_version():
    control = (TREE / 'extension' / 'waltrail.control').read_text(encoding='utf-8')
    version = re.search(r"^default_version\s*=\s*'(.+)'", control, re.MULTILINE)[1]
    commit = asked(['git', '-C', TREE, 'rev-parse', '--short', 'HEAD'])
    if not commit:
        return version
    # What the benchmarks write themselves changes nothing.
    is_changed = asked(['git', '-C', TREE, 'status', '--porcelain', '--', '.', ':!docs'])
    return f'{version}, commit {commit}{" and changes" if is_changed else ""}'


def packages():
    """Those of Debian that peers come from, with their versions."""
    lines = asked(['dpkg-query', '-W', '-f', '${db:Status-Status} ${Package} ${Version}\n', 'postgresql-*']).splitlines()
    return [line.removeprefix('installed ') for line in lines if line.startswith('installed ') and line.split()[1].endswith(PEER_PACKAGES)]


def asked(command):
    """What a program that need not be here answers; nothing where it is not, or does not know."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return ''
