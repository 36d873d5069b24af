"""Rows that come by replication are their origin's, whoever the subscription runs as, and those of its triggers too."""

import servers
from recorded import Recorded
from servers import wait_until


def test_rows_of_a_subscription_have_their_origin(new_server, slot):
    publisher = servers.Database(new_server("publisher"), "postgres")
    subscriber = servers.Database(new_server("subscriber", shared_preload_libraries="waltrail"), "postgres")
    for database in (publisher, subscriber):
        database.execute("CREATE TABLE rows (id integer PRIMARY KEY); CREATE TABLE log (id integer PRIMARY KEY)")
    subscriber.execute(
        """CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.log VALUES (new.id); RETURN NULL; END';
           CREATE TRIGGER note AFTER INSERT ON rows FOR EACH ROW EXECUTE FUNCTION note();
           ALTER TABLE rows ENABLE ALWAYS TRIGGER note"""
    )
    recorded = Recorded(subscriber, slot)
    publisher.execute("CREATE PUBLICATION all_rows FOR TABLE rows")
    subscriber.execute(f"CREATE SUBSCRIPTION theirs CONNECTION '{publisher.conninfo()}' PUBLICATION all_rows")
    origin = "pg_" + str(subscriber.value("SELECT oid FROM pg_subscription"))
    wait_until(lambda: subscriber.value("SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel"), "the subscription to be ready")
    publisher.execute("INSERT INTO rows VALUES (1) /*Bemi {\"is\": \"not replicated\"} Bemi*/")
    wait_until(lambda: subscriber.value("SELECT count(*) FROM log") == 1, "the row to come")
    subscriber.execute("INSERT INTO rows VALUES (2) /*Bemi {\"is\": \"our own\"} Bemi*/")
    (_, theirs), (_, noted), (_, ours), (_, our_note) = recorded.contexts()
    assert theirs == noted == {"_waltrail": {"origin": origin}}
    assert ours == our_note == {"is": "our own", "_waltrail": {"actor": {"session_user": "postgres"}}}
    subscriber.execute("DROP SUBSCRIPTION theirs")


def test_origin_has_its_name_after_it_was_dropped(preloaded, slot):
    preloaded.execute("CREATE TABLE rows (id integer PRIMARY KEY)")
    recorded = Recorded(preloaded, slot)
    preloaded.execute("SELECT pg_replication_origin_create(%s)", ['o "1"'])
    connection = preloaded.connect()
    cursor = connection.cursor()
    cursor.execute("SELECT pg_replication_origin_session_setup(%s)", ['o "1"'])
    cursor.execute("INSERT INTO rows VALUES (1)")
    cursor.execute("SELECT pg_replication_origin_session_reset()")
    cursor.execute("SELECT pg_replication_origin_drop(%s)", ['o "1"'])
    connection.close()
    assert recorded.ours() == [("1", {"actor": {"session_user": "postgres"}, "origin": 'o "1"'})]
