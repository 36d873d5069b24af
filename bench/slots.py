"""Slots that were made before the workload, and their copies: each run decodes from the same position."""
import time

RELEASE_TIMEOUT_S = 10


def copy(server, slot, to):
    server.sql(f"SELECT pg_copy_logical_replication_slot('{slot}', '{to}')")


def drop(server, slot):
    """The walsender may hold the slot for a moment after its client has ended."""
    deadline = time.monotonic() + RELEASE_TIMEOUT_S
    while True:
        try:
            server.sql('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots '
                       f"WHERE slot_name = '{slot}'")
            return
        except RuntimeError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
