"""Through PgBouncer in transaction mode: clients share a server's connection, and neither contexts nor actors."""

import random
import shutil
import subprocess

import psycopg2
import pytest

import servers
from recorded import Recorded
from servers import wait_until

PGBOUNCER = "/usr/sbin/pgbouncer"


@pytest.fixture
def bouncer(preloaded, server_folder):
    """A function (user) that connects through a pool of one connection for each user."""
    port = servers.free_port()
    folder = server_folder / f"bouncer-{port}"
    folder.mkdir()
    settings = folder / "pgbouncer.ini"
    settings.write_text(f"""
[databases]
* = host={preloaded.server.folder} port={preloaded.server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 1
application_name_add_host = 0
logfile = {folder}/log
""")
    (folder / "users").write_text('"first" ""\n"second" ""\n')
    shutil.chown(folder, servers.SERVER_USER, servers.SERVER_USER)  # for its log
    process = subprocess.Popen([PGBOUNCER, settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **servers._as_server_user())

    def connect(user, name):
        return psycopg2.connect(host="127.0.0.1", port=port, user=user, dbname=preloaded.name, application_name=name)

    def listens():
        assert process.poll() is None, (folder / "log").read_text()
        try:
            connect("first", "").close()
        except psycopg2.OperationalError:
            return False
        return True

    preloaded.server.execute("CREATE ROLE first LOGIN; CREATE ROLE second LOGIN; CREATE ROLE shared; GRANT shared TO first, second")
    try:
        wait_until(listens, "PgBouncer to listen")
        yield connect
    finally:
        process.terminate()
        process.wait()
        preloaded.server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ('first', 'second')")
        preloaded.execute("DROP OWNED BY first, second, shared")
        preloaded.server.execute("DROP ROLE first, second, shared")


def test_clients_of_one_connection_are_told_apart(preloaded, bouncer, slot):
    preloaded.execute("CREATE TABLE rows (id integer PRIMARY KEY, pid integer DEFAULT pg_backend_pid()); GRANT ALL ON rows TO first, second, shared")
    recorded = Recorded(preloaded, slot)
    clients = [(user, f"{user} {i}", bouncer(user, f"{user} {i}")) for user in ("first", "second") for i in range(4)]
    choose = random.Random(4)
    expected = {}
    for id in range(400):
        user, name, connection = choose.choice(clients)
        context, role, way = {"request": id}, choose.choice([None, "shared"]), choose.choice(["comment", "setting", "none"])
        with connection, connection.cursor() as cursor:
            if role:
                cursor.execute("SET LOCAL ROLE shared")
            if way == "setting":
                cursor.execute(f"SET LOCAL waltrail.context = '{{\"request\": {id}}}'")
            cursor.execute(f"INSERT INTO rows VALUES ({id})" + (f' /*Bemi {{"request": {id}}} Bemi*/' if way == "comment" else ""))
        actor = {"session_user": user, **({"current_user": role} if role else {})}
        expected[str(id)] = {"_waltrail": {"actor": actor, "claimed": {"application_name": name}}, **(context if way != "none" else {})}
    for *_, connection in clients:
        connection.close()
    assert dict(recorded.contexts()) == expected
    assert preloaded.value("SELECT count(DISTINCT pid) FROM rows") == 2
