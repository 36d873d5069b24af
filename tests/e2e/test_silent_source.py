"""A source that is there and says nothing: apply has a connection that asks it for its time, and must not wait for that when it is to end."""

import os
import signal
import time

from servers import wait_until

CLOCKS = """
    SELECT pid FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'waltrail' AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


def test_apply_ends_while_the_source_does_not_tell_its_time(pair, waltrail):
    source, destination, slot = pair
    apply = waltrail.apply(source, destination, slot)
    [(clock,)] = wait_until(lambda: source.query(CLOCKS), "the source to be asked for its time", 30)
    os.kill(clock, signal.SIGSTOP)
    try:
        time.sleep(11)  # it is asked at least once in ten seconds
        started = time.monotonic()
        apply.process.terminate()
        assert apply.wait(30) == 0
        assert time.monotonic() - started < 8
    finally:
        os.kill(clock, signal.SIGCONT)
        apply.kill9()
    assert "could not ask" not in apply.output()
