"""The memory of a walsender is flat, however many changes it decodes, and also when an option leaves every one of them out.

    walsender_memory.py [--changes N]

Several streams read the same changes from slots of one source, each with options of its own, and throw the frames away. The
private memory (RssAnon) of their walsenders is read all the time; what it reaches in the first fifth of the changes must
not be passed in the rest by more than GROWTH_MAX_KB. The changes are of many shapes, and tables, types and schemas change
between them, so that caches of relations have something to forget. Ends with "N changes, K KiB of growth at most".
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import servers  # noqa: E402

CHANGES_DEFAULT = 1_000_000
CHANGES_OF_A_CALL = 50_000
GROWTH_MAX_KB = 2048
SAMPLE_INTERVAL_S = 0.05
STREAM_TIMEOUT_S = 1800

STREAMS = {
    "binary": {},
    "json": {"format": "json"},
    "left_out": {"exclude_tables": "*.*"},
    "one_table": {"tables": "public.narrow"},
    "columns": {"ignore_columns": "*.note", "exclude_columns": "*.large,*.list"},
}

# The server's own memory for transactions under way must not hide what the plugin keeps.
SERVER_SETTINGS = {"logical_decoding_work_mem": "1MB", "full_page_writes": "off", "max_wal_size": "8GB", "autovacuum": "off"}

SETUP = """
CREATE TYPE pair AS (a integer, b text);
CREATE EXTENSION citext;
CREATE TABLE narrow (id bigint PRIMARY KEY, amount numeric, at timestamptz DEFAULT now(), note text);
CREATE TABLE wide (id bigint PRIMARY KEY, list integer[], pair pair, document jsonb, word citext, span interval, large text);
ALTER TABLE wide ALTER COLUMN large SET STORAGE EXTERNAL;
ALTER TABLE narrow REPLICA IDENTITY FULL;
ALTER TABLE wide REPLICA IDENTITY FULL;

-- Makes `number` changes in transactions of different sizes.
CREATE PROCEDURE make_changes(call integer, number integer) LANGUAGE plpgsql AS $$
DECLARE
    made integer := 0;
    round integer := 0;
    first bigint := call * 10000000::bigint;
BEGIN
    WHILE made < number LOOP
        round := round + 1;
        PERFORM pg_logical_emit_message(true, 'waltrail', jsonb_build_object('round', round, 'call', call)::text);
        INSERT INTO narrow SELECT first + i, i * 1.25, now(), repeat('n', i % 50) FROM generate_series(1, 500) AS i;
        UPDATE narrow SET amount = amount + 1 WHERE id > first AND id <= first + 400;
        COMMIT;
        INSERT INTO wide SELECT first + i, ARRAY[i, NULL, i], ROW(i, 'b')::pair, jsonb_build_object('i', i), 'Word', '1 day', repeat('x', i * 400 % 9000)
            FROM generate_series(1, 40) AS i;
        UPDATE wide SET word = 'other' WHERE id > first AND id <= first + 40;
        DELETE FROM wide WHERE id > first;
        COMMIT;
        FOR i IN 1..20 LOOP
            UPDATE narrow SET note = 'single' WHERE id = first + i;
            COMMIT;
        END LOOP;
        DELETE FROM narrow WHERE id > first;
        COMMIT;
        made := made + 1540;
        EXECUTE format('CREATE TABLE passing_%s (id integer, note text)', round);
        EXECUTE format('INSERT INTO passing_%s SELECT i, ''x'' FROM generate_series(1, 20) AS i', round);
        EXECUTE format('DROP TABLE passing_%s', round);
        COMMIT;
        IF round % 10 = 0 THEN
            ALTER TYPE pair RENAME ATTRIBUTE b TO c;
            ALTER TYPE pair RENAME ATTRIBUTE c TO b;
            ALTER TABLE narrow ADD COLUMN passing integer;
            ALTER TABLE narrow DROP COLUMN passing;
            COMMIT;
        END IF;
    END LOOP;
END $$;
"""
CHANGES_OF_A_ROUND = 1540 + 20


class Stream:
    """A slot, and a pg_recvlogical that reads it to the end of the world."""

    def __init__(self, source, name, options):
        self.source = source
        self.name = name
        self.samples = []  # (changes made by then, RssAnon in KiB)
        source.execute("SELECT pg_create_logical_replication_slot(%s, 'waltrail')", [name])
        words = [word for option, value in options.items() for word in ("-o", f"{option}={value}")]
        self.reader = subprocess.Popen(
            [str(servers.BINDIR / "pg_recvlogical"), "-d", source.conninfo(), "--slot", name, "--start", "--no-loop", "-f", "/dev/null", "-s", "1", *words],
            preexec_fn=servers.die_with_parent(9),
        )
        self.pid = servers.wait_until(self._walsender, f"stream {name} to start")

    def _walsender(self):
        assert self.reader.poll() is None, f"pg_recvlogical of {self.name} ended"
        return self.source.value("SELECT active_pid FROM pg_replication_slots WHERE slot_name = %s", [self.name])

    def sample(self, changes):
        status = pathlib.Path("/proc", str(self.pid), "status").read_text()
        kib = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon:"))
        self.samples.append((changes, kib))

    def has_read(self, lsn):
        assert self.reader.poll() is None, f"pg_recvlogical of {self.name} ended"
        return self.source.value("SELECT sent_lsn >= %s FROM pg_stat_replication WHERE pid = %s", [lsn, self.pid])

    def growth_kb(self, changes):
        early = max(kib for made, kib in self.samples if made <= changes / 5)
        late = max(kib for made, kib in self.samples if made > changes / 5)
        return late - early

    def stop(self):
        self.reader.terminate()
        self.reader.wait()


class Sampler(threading.Thread):
    def __init__(self, streams):
        super().__init__(daemon=True)
        self.streams = streams
        self.changes = 0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.wait(SAMPLE_INTERVAL_S):
            for stream in self.streams:
                stream.sample(self.changes)


def run(source, changes):
    source.psql(SETUP)
    streams = [Stream(source, name, options) for name, options in STREAMS.items()]
    sampler = Sampler(streams)
    sampler.start()
    started_at = time.monotonic()
    calls = 0
    while sampler.changes < changes:
        calls += 1
        source.psql(f"CALL make_changes({calls}, {CHANGES_OF_A_CALL});")
        # The streams keep up, so that what a sample saw belongs to the changes made by then.
        end = source.value("SELECT pg_current_wal_flush_lsn()::text")
        for stream in streams:
            servers.wait_until(lambda: stream.has_read(end), f"stream {stream.name} to read {end}", STREAM_TIMEOUT_S)
        sampler.changes += -(-CHANGES_OF_A_CALL // 1540) * CHANGES_OF_A_ROUND
    sampler.ended.set()
    sampler.join()
    for stream in streams:
        first, last = stream.samples[0][1], stream.samples[-1][1]
        peak = max(kib for _, kib in stream.samples)
        print(f"{stream.name}: {first} KiB at first, {peak} at most, {last} at the end; growth {stream.growth_kb(sampler.changes)} KiB", flush=True)
        stream.stop()
    growth = max(stream.growth_kb(sampler.changes) for stream in streams)
    print(f"{time.monotonic() - started_at:.0f} s")
    print(f"{sampler.changes} changes, {growth} KiB of growth at most", flush=True)
    return growth


def main():
    parser = argparse.ArgumentParser(description="watches the memory of walsenders while they decode")
    parser.add_argument("--changes", type=int, default=CHANGES_DEFAULT, help=f"how many at least (default {CHANGES_DEFAULT})")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wtm.", dir="/tmp") as folder:
        os.chmod(folder, 0o777)
        template = servers.make_template(pathlib.Path(folder) / "template")
        server = servers.Server("source", pathlib.Path(folder) / "source", template, SERVER_SETTINGS)
        try:
            growth = run(server.start().create_database("memory"), options.changes)
        finally:
            server.remove()
    return 0 if growth <= GROWTH_MAX_KB else 1


if __name__ == "__main__":
    sys.exit(main())
