"""A standby that is not there, for which every commit of a server waits."""

import psycopg2
import psycopg2.extensions
import psycopg2.extras

from servers import wait_until

WAITS = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'SyncRep'"


def let_commits_wait(server):
    """Returns when they do: that the setting can be read is not enough, for the checkpointer has to tell the sessions of it."""
    server.configure(synchronous_standby_names="nobody")
    server.reload()
    wait_until(lambda: _commit_waits(server), "commits to wait for the standby")


def let_commits_pass(server):
    server.configure(synchronous_standby_names="")
    server.reload()


def _commit_waits(server):
    """Tries one that no table shows, in a session of its own."""
    session = psycopg2.connect(server.conninfo(), async_=True)
    try:
        psycopg2.extras.wait_select(session)
        cursor = session.cursor()  # which has to be there until the answer
        cursor.execute("SELECT pg_logical_emit_message(true, 'try', '')")
        pid = session.info.backend_pid
        if wait_until(lambda: _has_ended(session) or server.query(WAITS, [pid]), "a commit to end or to wait") is True:
            return False
        server.execute("SELECT pg_cancel_backend(%s)", [pid])
        wait_until(lambda: _has_ended(session), "a commit that waits to be let go")
        return True
    finally:
        session.close()


def _has_ended(session):
    return session.poll() == psycopg2.extensions.POLL_OK
