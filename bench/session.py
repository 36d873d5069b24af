"""A session with a server, for those that ask many times: server.sql() starts a psql for each call."""
import psycopg2

from server import DATABASE


def connect(server, database=DATABASE):
    connection = psycopg2.connect(server.conninfo(database))
    connection.autocommit = True
    return connection
