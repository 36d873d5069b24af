"""The examples of the questions, as a reader of the page or of a comment would try them: each is run, and answers as written."""

import os
import subprocess

import examples
import psycopg2
import pytest
import servers

# On a database that has a trail these must fail, and are run on one that has none.
BEFORE_SETUP = {"changes.create_trail()"}
# They commit, and cannot run in a transaction that is rolled back.
COMMITTING = {"changes.maintain()"}


def psql(database, *options):
    environment = dict(os.environ, PGTZ="UTC", PGOPTIONS="-c datestyle=ISO", PGCLIENTENCODING="UTF8", LC_ALL="C.UTF-8")
    done = subprocess.run(
        [str(servers.BINDIR / "psql"), "-X", "-q", "-v", "SHOW_CONTEXT=never", "-d", database.conninfo(), *options],
        env=environment, capture_output=True, text=True, cwd="/", check=False,
    )  # fmt: skip
    return done.stderr + done.stdout


def lines(text):
    return [line.rstrip() for line in text.strip("\n").split("\n")]


@pytest.fixture
def shop(destination):
    """A database with the trail that the examples ask."""
    with open(examples.TRAIL) as script:
        destination.psql(script.read())
    return destination


def test_answers_on_the_page_are_what_the_server_says(shop):
    asked = examples.of_page()
    assert len(asked) >= 10
    for query, answer in asked:
        assert lines(psql(shop, "-c", query)) == lines(answer), query


def test_examples_in_comments_work(shop, destination_server):
    commented = examples.of_comments(shop)
    assert len(commented) > 50
    bare = destination_server.create_database(f"{shop.name}_bare")
    bare.psql("CREATE SCHEMA partman; CREATE EXTENSION pg_partman SCHEMA partman; CREATE EXTENSION waltrail;")
    try:
        failures = []
        for signature, example in commented:
            signature = signature if signature.startswith("changes.") else f"changes.{signature}"
            database = bare if signature in BEFORE_SETUP else shop
            connection = database.connect(autocommit=signature in COMMITTING)
            try:
                with connection.cursor() as cursor:
                    cursor.execute(example)
            except psycopg2.Error as error:
                failures.append((signature, example, str(error)))
            finally:
                connection.close()  # rolls back
        assert failures == []
    finally:
        bare.drop()
