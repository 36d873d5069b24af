"""The options that every benchmark has: which PostgreSQL, which library, where the results go."""
import argparse
import os


def add_shared_options(parser):
    parser.add_argument('--json', metavar='FILE', type=argparse.FileType('w', encoding='utf-8'),
                        help='write the results here as well')
    parser.add_argument('--library-path', metavar='DIR', action='append', default=[],
                        help='look for libraries here first, to measure one that is not installed')
    parser.add_argument('--pg-config', default=os.environ.get('PG_CONFIG', 'pg_config'))
    parser.add_argument('--os-user', default='postgres', help='who runs the server under root')
