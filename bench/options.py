"""The options that every benchmark has: which PostgreSQL, which library, where the results go. And the command as it is told to others."""
import argparse
import os
import shlex

import freshness

# What they say is of this machine alone, or does not change what is found.
NOT_TOLD = {'--json': 1, '--library-path': 1, '--pg-config': 1, '--os-user': 1, '--waltrail': 1, '--no-record': 0}
FOLDERS = ('--keep',)


def parse_with_shared(parser, arguments):
    parser.allow_abbrev = False  # so that told() knows each
    parser.add_argument('--json', metavar='FILE', type=argparse.FileType('w', encoding='utf-8'),
                        help='write the results here as well')
    parser.add_argument('--no-record', action='store_true', help='a quick look: leave docs/benchmarks and docs/benchmarks.md as they are')
    parser.add_argument('--library-path', metavar='DIR', action='append', default=[],
                        help='look for libraries here first, to measure one that is not installed')
    parser.add_argument('--pg-config', default=os.environ.get('PG_CONFIG', 'pg_config'))
    parser.add_argument('--os-user', default='postgres', help='who runs the server under root')
    options = parser.parse_args(arguments)
    if not options.no_record:
        freshness.check(getattr(options, 'waltrail', None), options.pg_config, options.library_path)
    options.command = f'{parser.prog} {told(arguments)}'.strip()
    return options


def told(arguments):
    """The arguments without paths of this machine."""
    kept, remaining = [], list(arguments)
    while remaining:
        name, is_joined, _ = remaining[0].partition('=')
        words = remaining[:1 if is_joined else 1 + NOT_TOLD.get(name, name in FOLDERS)]
        del remaining[:len(words)]
        if name in FOLDERS:
            words = [name, 'DIR']
        if name not in NOT_TOLD:
            kept += words
    return shlex.join(kept)
