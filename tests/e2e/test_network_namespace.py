"""Packets that just end, as when a cable is pulled: apply runs in a network namespace, whose only link to the servers goes down. No reset, no end
of a connection reaches either side, until its own timeouts tell it."""

import contextlib
import os
import subprocess

import pytest

import servers
from wired import NOT_RECORDED, Through, Wired, tcp_settings

HOST, GUEST = "10.213.77.1", "10.213.77.2"


def ip(*words):
    subprocess.run(["ip", *words], check=True)


@pytest.fixture
def link():
    """(namespace, the host's end of the link): the end with GUEST is in the namespace."""
    name = f"wt{os.getpid()}"
    inner = f"{name}g"
    ip("netns", "add", name)
    try:
        ip("link", "add", name, "type", "veth", "peer", "name", inner, "netns", name)
        ip("address", "add", f"{HOST}/30", "dev", name)
        ip("link", "set", name, "up")
        ip("-n", name, "address", "add", f"{GUEST}/30", "dev", inner)
        ip("-n", name, "link", "set", inner, "up")
        yield name, name
    finally:
        ip("netns", "delete", name)  # and the link with it


@pytest.fixture
def wired(new_server, slot, waltrail):
    ends = []
    for name in ("source", "destination"):
        server = new_server(name, **dict(tcp_settings(servers.free_port()), listen_addresses="*", wal_sender_timeout="3s"))
        with open(server.data / "pg_hba.conf", "a") as file:
            file.write(f"host all all {GUEST}/32 trust\n")
        server.reload()
        ends.append(server.create_database(f"{name}_of_namespace"))
    pair = Wired(*ends, slot, waltrail)
    yield pair
    pair.close()


def start_apply(wired, waltrail, namespace):
    # keepalives for a connection that waits for the other side, tcp_user_timeout for one that has sent something.
    options = {"tcp_user_timeout": 3000, "keepalives_idle": 1, "keepalives_interval": 1, "keepalives_count": 2, "connect_timeout": 2}
    ends = [
        Through(database, database.server.port, host=HOST, user=role, **options)
        for database, role in ((wired.source, servers.SOURCE_ROLE), (wired.destination, servers.DESTINATION_ROLE))
    ]
    process = waltrail.apply(*ends, wired.slot, *NOT_RECORDED, before=("ip", "netns", "exec", namespace))
    process.wait_for_output("streaming source")
    return process


def test_apply_comes_back_when_packets_do(wired, link, waltrail):
    namespace, host_end = link
    process = start_apply(wired, waltrail, namespace)
    wired.start_writing(1)
    wired.wait_until_caught_up()
    ip("link", "set", host_end, "down")
    process.wait_for_output("trying again")
    ip("link", "set", host_end, "up")
    # The server's side of the lost sessions ends by its own keepalives; until then they hold the source's lock.
    wired.wait_until_caught_up(timeout_s=90)
    wired.assert_trail_is_what_was_committed(process)


def test_another_takes_over_when_the_machine_of_apply_is_gone(wired, link, waltrail):
    """Its sessions hold the lock of the source until the destination has noticed. One of them has an answer under way, for which no keepalive is sent."""
    namespace, host_end = link
    process = start_apply(wired, waltrail, namespace)
    waiting = "SELECT FROM pg_stat_activity WHERE query ~ 'COPY' AND wait_event_type = 'Lock' AND datname = current_database()"
    with contextlib.closing(wired.destination.connect(autocommit=False)) as holder:
        holder.cursor().execute("LOCK TABLE public.changes IN ACCESS EXCLUSIVE MODE")
        wired.source.execute("INSERT INTO items VALUES (1, 1, 'x')")
        servers.wait_until(lambda: wired.destination.query(waiting), "a batch to wait for the lock")
        ip("link", "set", host_end, "down")
        process.kill9()
    other = waltrail.apply(wired.source, wired.destination, wired.slot, *NOT_RECORDED)
    other.wait_for_output("still writes for source")
    other.wait_for_output("streaming source", 60)  # or it leaves, after 35 s
    wired.assert_trail_is_what_was_committed(other)
