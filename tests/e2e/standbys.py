"""Physical standbys that take over: of a server that is lost, for clients that name both."""

import servers
from servers import wait_until
from wired import Through


def start_standby(folder, primary, **settings):
    """Streams from the running server."""
    standby = servers.Server("standby", folder, primary, settings)
    try:
        return standby.start()
    except BaseException:
        standby.remove()
        raise


def either(database, standby, role):
    """The database at whichever of the two servers takes writes, as libpq finds it."""
    primary = database.server
    return Through(database, f"{primary.port},{standby.port}", host=f"{primary.folder},{standby.folder}", user=role,
                   target_session_attrs="read-write", connect_timeout=5)  # fmt: skip


def wait_until_level(primary, standby):
    end = primary.value("SELECT pg_current_wal_flush_lsn()")
    wait_until(lambda: standby.value("SELECT pg_last_wal_replay_lsn() >= %s", [end]), "the standby to have what the primary has")


def cut_off(standby):
    """What is committed at the primary from now on never comes. (A pause of the replay would not do: a promotion replays what has been received.)"""
    standby.execute("ALTER SYSTEM SET primary_conninfo = ''")
    standby.reload()
    wait_until(lambda: not standby.query("SELECT FROM pg_stat_wal_receiver"), "the standby to be cut off")


def take_over(primary, standby):
    """All processes of the primary are killed, and the standby is promoted."""
    primary.kill9()
    assert standby.value("SELECT pg_promote()")
    assert not standby.value("SELECT pg_is_in_recovery()")
