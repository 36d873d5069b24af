"""Source and destination are one database: what waltrail writes is never captured, everything of the application's is."""

import random
import threading
import time

import pytest

import audit
from servers import wait_until


@pytest.fixture
def one(source, slot, waltrail):
    """A database that is prepared as its own destination."""
    source.execute("CREATE TABLE counters (id int PRIMARY KEY, value bigint)")
    waltrail.init(source, source, slot)
    return source


def tables_of_trail(database):
    return dict(database.query("SELECT schema || '.' || \"table\", count(*) FROM changes GROUP BY 1"))


def test_changes_of_the_application_are_recorded_and_those_of_waltrail_are_not(one, slot, waltrail):
    one.execute("INSERT INTO counters SELECT i, i FROM generate_series(1, 10) i")
    waltrail.apply_until_now(one, one, slot)
    # What the first run has written is in the WAL that the second reads.
    for _ in range(3):
        waltrail.apply_until_now(one, one, slot)
    assert tables_of_trail(one) == {"public.counters": 10}
    assert one.value("SELECT sum(changes) FROM changes.applied") == 10
