"""Values that pass what jsonb, or a message, can hold: kept in quarantine, whole, and the rows around them arrive."""

import hashlib
import mmap
import subprocess

import pytest

from waltrail_program import PROGRAM

BLOCK = "".join(hashlib.md5(str(i).encode()).hexdigest() for i in range(31250))  # 1 MB


@pytest.fixture
def pair(source, destination, slot, waltrail):
    def prepare(columns, identity="FULL"):
        source.execute(f"CREATE TABLE huge (id integer PRIMARY KEY, {columns}, note text)")
        waltrail.init(source, destination, slot, "--keep-replica-identity")
        source.execute(f"ALTER TABLE huge REPLICA IDENTITY {identity}")
        # Compressing is what takes the time.
        source.execute("DO $$ BEGIN ALTER TABLE huge ALTER big SET STORAGE EXTERNAL; EXCEPTION WHEN undefined_column THEN END $$")
        return source, destination

    return prepare


def apply_all(waltrail, source, destination, slot):
    done = waltrail.apply_until_now(source, destination, slot, timeout_s=300)
    return done.stderr


def trail(destination):
    return destination.query("SELECT primary_key, operation FROM changes ORDER BY position")


def quarantined(destination):
    return destination.query(
        """SELECT operation, sqlstate, max(part) FROM changes.quarantine
           GROUP BY commit_lsn, sequence, operation, sqlstate ORDER BY commit_lsn, sequence"""
    )


def decoded(destination, waltrail, tmp_path, operation):
    """The file of what `waltrail decode` makes of quarantined changes, by way of the file that the README's \\copy writes."""
    frames = tmp_path / f"{operation}.frames"
    destination.psql(
        "\\copy (SELECT frame FROM changes.quarantine WHERE operation = "
        f"'{operation}' ORDER BY commit_lsn, sequence, part) TO '{frames}' (FORMAT binary)"
    )
    lines = tmp_path / f"{operation}.json"
    with open(lines, "wb") as file:
        done = subprocess.run([PROGRAM, "decode", frames], stdout=file, stderr=subprocess.PIPE, check=True)
    assert done.stderr == b""
    frames.unlink()
    return lines


def holds(lines, *texts):
    """Whether the file has the texts, in order. Huge ones are compared in place rather than parsed."""
    with open(lines, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as content:
        at = 0
        for text in texts:
            at = content.find(text[:64], at)
            if at < 0 or memoryview(content)[at : at + len(text)] != text:
                return False
            at += len(text)
    return True


def test_text_of_600_mb_goes_to_quarantine_and_its_neighbours_arrive(pair, slot, waltrail, tmp_path):
    source, destination = pair("big text")
    source.execute("INSERT INTO huge VALUES (1, 'small', 'before')")
    source.execute("INSERT INTO huge VALUES (2, repeat(%s, 600), 'huge')", (BLOCK,))
    source.execute("INSERT INTO huge VALUES (3, 'small', 'between')")
    source.execute("UPDATE huge SET note = 'changed' WHERE id = 2")
    source.execute("DELETE FROM huge WHERE id = 2")
    source.execute("DELETE FROM huge WHERE id = 3")
    log = apply_all(waltrail, source, destination, slot)
    assert trail(destination) == [("1", "CREATE"), ("3", "CREATE"), ("3", "DELETE")]
    # The UPDATE repeats nothing of what it left as it was.
    assert quarantined(destination) == [("CREATE", "54000", 9), ("UPDATE", "54000", 9), ("DELETE", "54000", 9)]
    assert log.count("too large for jsonb") == 3
    assert destination.query("SELECT changes FROM changes.applied") == [(3,)]
    value = (BLOCK * 600).encode()
    both = b'"before":{"id":2,"big":"', value, b'","note":"huge"},"after":{"id":2,"big":"', value, b'","note":"changed"}'
    assert holds(decoded(destination, waltrail, tmp_path, "UPDATE"), *both)


def test_a_huge_value_that_the_wal_does_not_hold_again_stands_in_nobodys_way(pair, slot, waltrail):
    source, destination = pair("big text", "DEFAULT")
    source.execute("INSERT INTO huge VALUES (1, repeat(%s, 300), 'huge')", (BLOCK,))
    source.execute("UPDATE huge SET note = 'changed'")
    source.execute("DELETE FROM huge")
    apply_all(waltrail, source, destination, slot)
    assert destination.query("SELECT operation, before, after FROM changes ORDER BY position") == [
        ("UPDATE", {}, {"id": 1, "note": "changed"}),
        ("DELETE", {"id": 1}, {}),
    ]
    assert quarantined(destination) == [("CREATE", "54000", 4)]


def test_old_and_new_value_that_together_pass_a_message_are_kept(pair, slot, waltrail, tmp_path):
    source, destination = pair("big text")
    source.execute("INSERT INTO huge VALUES (1, repeat(%s, 540), 'huge')", (BLOCK,))
    waltrail.apply_until_now(source, destination, slot)
    source.execute("UPDATE huge SET big = overlay(big PLACING 'new' FROM 1)")
    source.execute("INSERT INTO huge VALUES (2, '', 'small')")
    apply_all(waltrail, source, destination, slot)
    assert trail(destination) == [("2", "CREATE")]
    assert quarantined(destination) == [("CREATE", "54000", 8), ("UPDATE", "54000", 16)]
    old = (BLOCK * 540).encode()
    assert holds(decoded(destination, waltrail, tmp_path, "UPDATE"), b'"before":', old, b'"after":', b"new" + old[3:])


def test_what_only_the_destination_can_tell_goes_to_quarantine_too(pair, slot, waltrail, tmp_path):
    source, destination = pair("doc json, list integer[]")
    source.execute("INSERT INTO huge (id, doc) VALUES (1, to_json(repeat(%s, 300)))", (BLOCK,))
    source.execute("INSERT INTO huge (id, note) VALUES (2, 'small')")
    # The server says "invalid memory alloc request size", which is no word of the row's.
    source.execute("INSERT INTO huge (id, list) SELECT 3, array_agg(1) FROM generate_series(1, 23000000) AS i")
    source.execute("INSERT INTO huge (id, note) VALUES (4, 'small')")
    log = apply_all(waltrail, source, destination, slot)
    assert trail(destination) == [("2", "CREATE"), ("4", "CREATE")]
    assert [row[:2] for row in quarantined(destination)] == [("CREATE", "54000"), ("CREATE", "XX000")]
    assert log.count("goes to quarantine") == 2
    doc, numbers = (BLOCK * 300).encode(), b"[" + b",".join([b"1"] * 23000000) + b"]"
    assert holds(decoded(destination, waltrail, tmp_path, "CREATE"), doc, b'"list":', numbers)


def test_rows_of_tens_of_mb_arrive_whole(pair, slot, waltrail):
    source, destination = pair("big text, packed text, bin bytea, list bigint[], doc jsonb")
    source.execute(
        """INSERT INTO huge SELECT 1, repeat(%s, 40), repeat('compressible ', 1000000), convert_to(repeat(%s, 20), 'UTF8'),
                  (SELECT array_agg(i) FROM generate_series(1, 1000000) AS i),
                  (SELECT jsonb_object_agg(i, md5(i::text)) FROM generate_series(1, 200000) AS i)""",
        (BLOCK, BLOCK),
    )
    source.execute("UPDATE huge SET note = 'all else unchanged'")
    source.execute("UPDATE huge SET big = big || 'x', list[1] = NULL")
    source.execute("DELETE FROM huge")
    apply_all(waltrail, source, destination, slot)
    assert quarantined(destination) == []
    digests = """SELECT operation, md5(before->>'big'), md5(before->>'packed'), md5(before->>'bin'), md5(before->>'list'), md5(before->>'doc'),
                        md5(after->>'big'), md5(after->>'packed'), md5(after->>'bin'), md5(after->>'list'), md5(after->>'doc')
                 FROM changes ORDER BY position"""
    expected = source.query(
        """WITH one AS (SELECT to_jsonb(repeat(%s, 40)) #>> '{}' AS big, repeat('compressible ', 1000000) AS packed,
                               '\\x' || encode(convert_to(repeat(%s, 20), 'UTF8'), 'hex') AS bin,
                               (SELECT jsonb_agg(i) FROM generate_series(1, 1000000) AS i)::text AS list,
                               (SELECT jsonb_object_agg(i, md5(i::text)) FROM generate_series(1, 200000) AS i)::text AS doc)
           SELECT md5(big), md5(packed), md5(bin), md5(list), md5(doc),
                  md5(big || 'x'), md5(packed), md5(bin), md5('[null' || substr(list, 3)), md5(doc) FROM one""",
        (BLOCK, BLOCK),
    )[0]
    none, first, second = (None,) * 5, expected[:5], expected[5:]
    assert destination.query(digests) == [
        ("CREATE", *none, *first),
        ("UPDATE", *first, *first),
        ("UPDATE", *first, *second),
        ("DELETE", *second, *none),
    ]
