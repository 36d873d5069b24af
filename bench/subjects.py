"""The output plugins that are compared, how each is asked, and how its output is counted.

A count proves that a subject decoded the whole workload: a plugin that filters or stops early
would look fast. Each pattern matches once for every change of the workload's table.
"""
import dataclasses
import mmap
import re
import struct

FRAME_MAGIC = b'\xd7WAL'
FRAME_HEADER = struct.Struct('<4sBBHIIQ')  # docs/wire_format.md, "Frame"
FRAME_COMMITS = 1 << 4
RECORD_COMMIT = 0x04


@dataclasses.dataclass(frozen=True)
class Subject:
    name: str
    plugin: str
    options: tuple = ()
    required: bool = False
    pattern: bytes = b''  # {table} stands for its name, {relation_oid} for its OID in network order


SUBJECTS = {subject.name: subject for subject in [
    Subject('nothing', 'waltrail_bench_nothing', required=True),
    Subject('one_byte', 'waltrail_bench_nothing', ('messages=on',), required=True),
    Subject('waltrail', 'waltrail', ('format=binary',), required=True),
    Subject('pgoutput', 'pgoutput', ('proto_version=1', 'publication_names=bench'), required=True,
            pattern=rb'(?:^|\n)[IUD]{relation_oid}[NO]'),
    Subject('pgoutput_binary', 'pgoutput',
            ('proto_version=1', 'publication_names=bench', 'binary=true'),
            pattern=rb'(?:^|\n)[IUD]{relation_oid}[NO]'),
    Subject('decoderbufs', 'decoderbufs', pattern=rb'public\.{table}'),
    Subject('test_decoding', 'test_decoding',
            pattern=rb'(?:^|\n)table public\.{table}: (?:INSERT|UPDATE|DELETE): '),
    Subject('wal2json', 'wal2json', pattern=rb'"kind":"(?:insert|update|delete)"'),
    Subject('wal2json_v2', 'wal2json', ('format-version=2',), pattern=rb'"action":"[IUD]"'),
]}


def count_changes(subject, path, table, relation_oid):
    """The changes in a file that pg_recvlogical wrote for the subject. None: it says none."""
    if subject.plugin == 'waltrail_bench_nothing':
        return None
    with open(path, 'rb') as file:
        if file.seek(0, 2) == 0:
            return 0
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as output:
            if subject.plugin == 'waltrail':
                return count_frame_changes(output)
            oid = re.escape(struct.pack('>I', relation_oid))
            text = subject.pattern.replace(b'{table}', table.encode()).replace(b'{relation_oid}', oid)
            pattern = re.compile(text, re.DOTALL)
            return sum(1 for _ in pattern.finditer(output))


def count_frame_changes(output):
    """Adds up what the commit records say was sent. pg_recvlogical writes a newline after each
    frame. A commit record is the last of its frame."""
    changes = 0
    offset = 0
    while offset < len(output):
        if len(output) - offset < FRAME_HEADER.size:
            raise RuntimeError(f'incomplete frame at byte {offset}')
        magic, version, flags, _, length, _, _ = FRAME_HEADER.unpack_from(output, offset)
        if magic != FRAME_MAGIC or version != 1:
            raise RuntimeError(f'no frame of version 1 at byte {offset}')
        end = offset + FRAME_HEADER.size + length
        if end >= len(output):
            raise RuntimeError(f'incomplete frame at byte {offset}')
        if flags & FRAME_COMMITS:
            changes += changes_sent(output, end)
        offset = end + 1
    return changes


def changes_sent(output, end):
    """Reads the commit record that ends at `end` backwards: the last byte of a varint, and the
    tag, have the high bit clear; the other bytes of a varint have it set."""
    _, end = varint_before(output, end)      # decoded
    sent, end = varint_before(output, end)
    if output[end - 1] != RECORD_COMMIT:
        raise RuntimeError(f'no commit record before byte {end}')
    return sent


def varint_before(output, end):
    start = end - 1
    while output[start - 1] & 0x80:
        start -= 1
    value = 0
    for shift, byte in enumerate(output[start:end]):
        value |= (byte & 0x7f) << (7 * shift)
    return value, start
