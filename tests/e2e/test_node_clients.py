"""Real clients from npm say who and why: node-postgres, TypeORM on top of it, and Prisma with @bemi-db/prisma unchanged.

Each test states every change that the trail must have, with its context, so nothing may be lost, doubled, or given
another request's context. Contexts reach the WAL in two ways: by the row triggers that such clients install, and by the
preloaded library without any trigger.
"""

import pytest

import servers
from node_clients import NodeClients

TABLES = """
CREATE TABLE items (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE authors (id serial PRIMARY KEY, name text NOT NULL);
CREATE TABLE books (id serial PRIMARY KEY, title text NOT NULL, author_id int REFERENCES authors ON DELETE CASCADE);
"""

# What waltrail itself adds to a context stands under one member.
TRAIL = """
SELECT "table", primary_key::int, operation, context - '_waltrail' FROM changes
ORDER BY "table", primary_key::int, position
"""


@pytest.fixture(scope="module")
def clients():
    return NodeClients()


@pytest.fixture(scope="module")
def row_triggers(clients, tmp_path_factory):
    return clients.row_triggers(tmp_path_factory.mktemp("migration"))


@pytest.fixture
def source_with_row_triggers(source, row_triggers):
    source.psql(row_triggers)
    return source


@pytest.fixture(scope="module")
def preloaded_server(server_folder, server_template):
    server = servers.Server(
        "preloaded", server_folder / "preloaded", server_template, {"shared_preload_libraries": "waltrail"}
    )
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def preloaded_source(preloaded_server, slot, waltrail):
    database = preloaded_server.create_database(f"source_of_{slot}")
    yield database
    waltrail.close()  # what uses the database ends before it is dropped
    database.drop()


@pytest.fixture(params=["source_with_row_triggers", "preloaded_source"])
def client_source(request):
    """A source database that contexts in comments reach the WAL of."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def trail_of(client_source, destination, slot, waltrail, clients):
    """A function that runs a scenario against a prepared source and returns the trail: each row's history, row by row."""
    client_source.psql(TABLES)
    waltrail.init(client_source, destination, slot)

    def run(script, scenario, **environment):
        clients.run(script, scenario, source=client_source, **environment)
        waltrail.apply_until_now(client_source, destination, slot)
        return destination.query(TRAIL)

    return run


def test_every_way_of_sending_a_statement_carries_its_own_context(trail_of):
    expected = []
    for how in ("simple", "parameterised", "prepared"):
        for place in ("before", "after"):
            for in_transaction in (False, True):
                for _ in range(2):
                    key = len(expected) // 3 + 1
                    for verb, operation in (("insert", "CREATE"), ("update", "UPDATE"), ("delete", "DELETE")):
                        context = {"how": how, "place": place, "inTransaction": in_transaction, "verb": verb}
                        expected.append(("items", key, operation, context))
    assert trail_of("plain_pg.js", "everyWay") == expected


def test_contexts_of_every_shape_arrive_as_they_are(trail_of):
    contexts = [
        {},
        {"quotes": "it's \"so\"", "backslash": "C:\\new\\u0041", "dollar": "$1 $$ $tag$", "line": "a\nb\tc"},
        {"nested": {"list": [1, 2.5, None, True, {"deep": {"er": []}}]}, "empty": {}},
        {"unicode": "Ünïcødé 🦉 – 変更", "Schlüssel": "ß"},
        {"ends": "a */ b", "opens": "a /* b", "both": "/**/ /*/ */* Bemi*/", "comment": '/*Bemi {"user": 8} Bemi*/'},
        {"sql": "'; DROP TABLE items; --", "semicolon": "a;b"},
        {"number": 9007199254740991, "negative": -1.5e-7},
        {"long": "x" * 100_000},
    ]
    expected = [("items", key, "CREATE", context) for key, context in enumerate(contexts)]
    assert trail_of("plain_pg.js", "givenContexts", contexts=contexts) == expected


def test_comments_as_other_clients_write_them_are_read(trail_of):
    comments = {
        '/*Bemi {"ends": "a *\\/ b"} Bemi*/': {"ends": "a */ b"},
        '/*Bemi {"slashes": "https:\\/\\/example.com\\/x"} Bemi*/': {"slashes": "https://example.com/x"},
        '/*Bemi {"escaped": "\\u00fc\\u002a"} Bemi*/': {"escaped": "ü*"},
        '/*Bemi { "spaced" : [ 1 , 2 ] } Bemi*/;': {"spaced": [1, 2]},
        '/*traceparent=00-4bf9*/ /*Bemi {"second": 2} Bemi*/': {"second": 2},
        "/*another client's*/": {},
    }
    expected = [("items", key, "CREATE", context) for key, context in enumerate(comments.values())]
    assert trail_of("plain_pg.js", "givenComments", comments=list(comments)) == expected


def test_what_is_rolled_back_leaves_neither_changes_nor_context(trail_of):
    assert trail_of("plain_pg.js", "savepoints") == [
        ("items", 1, "CREATE", {"insert": 1}),
        ("items", 3, "CREATE", {"insert": 3}),
    ]


def test_messages_that_the_application_emits_hold_for_their_transaction(trail_of):
    assert trail_of("plain_pg.js", "messages") == [
        ("items", key, operation, {"prefix": prefix})
        for key, prefix in enumerate(("_bemi", "_bemi", "waltrail", "waltrail"), 1)
        for operation in ("CREATE", "UPDATE")
    ]


def test_requests_that_share_a_pool_keep_their_contexts(trail_of):
    assert trail_of("plain_pg.js", "pool") == [
        ("items", request, operation, {"request": request})
        for request in range(100)
        for operation in ("CREATE", "UPDATE")
    ]


def test_typeorm_saves_and_removes_an_entity_with_its_children(trail_of):
    create, update, remove = ({"step": step} for step in ("create", "update", "remove"))
    assert trail_of("typeorm_work.js", "saveAndCascade") == [
        ("authors", 1, "CREATE", create), ("authors", 1, "UPDATE", update), ("authors", 1, "DELETE", remove),
        ("books", 1, "CREATE", create), ("books", 1, "UPDATE", update), ("books", 1, "DELETE", remove),
        ("books", 2, "CREATE", create), ("books", 2, "DELETE", update),
        ("books", 3, "CREATE", update), ("books", 3, "DELETE", remove),
    ]  # fmt: skip


def test_typeorm_without_transactions(trail_of):
    insert, update, upsert, raw, delete = ({"step": step} for step in ("insert", "update", "upsert", "raw", "delete"))
    assert trail_of("typeorm_work.js", "singleStatements") == [
        ("items", 1, "CREATE", insert), ("items", 1, "UPDATE", raw),
        ("items", 2, "CREATE", insert), ("items", 2, "UPDATE", update), ("items", 2, "DELETE", delete),
        ("items", 3, "CREATE", insert), ("items", 3, "UPDATE", upsert), ("items", 3, "DELETE", delete),
        ("items", 4, "CREATE", upsert), ("items", 4, "DELETE", {}),
    ]  # fmt: skip


def test_typeorm_in_transactions_of_the_application(trail_of):
    expected = []
    for key in range(1, 101):
        expected.append(("authors", key, "CREATE", {"step": "bulk"}))
        if key > 50:
            expected.append(("authors", key, "DELETE", {"step": "halve"}))
    assert trail_of("typeorm_work.js", "transactions") == expected


def test_typeorm_requests_that_share_connections_keep_their_contexts(trail_of, destination):
    trail = trail_of("typeorm_work.js", "concurrentRequests")
    assert [change for change in trail if change[0] == "items"] == [
        ("items", request, operation, {"request": request})
        for request in range(50)
        for operation in ("CREATE", "UPDATE")
    ]
    # Which keys the authors and books have, is for chance to say.
    books = destination.query("""
        SELECT book.after->>'title', book.context - '_waltrail', author.context - '_waltrail', author.operation
        FROM changes AS book JOIN changes AS author ON author."table" = 'authors' AND author.after->'id' = book.after->'author_id'
        WHERE book."table" = 'books' ORDER BY (book.after->>'title')::int
    """)
    assert books == [(str(request), {"request": request}, {"request": request}, "CREATE") for request in range(50)]
    assert len(trail) == 4 * 50


def test_prisma_with_bemi_unchanged_and_every_kind_of_write(trail_of):
    def by(endpoint):
        return {"endpoint": f"/{endpoint}", "user": "grace"}

    assert trail_of("prisma_work.js", "everyWrite") == [
        ("authors", 1, "CREATE", by("create")), ("authors", 1, "DELETE", by("cascade")),
        ("authors", 2, "CREATE", by("createMany")), ("authors", 2, "UPDATE", by("update")),
        ("authors", 2, "DELETE", by("deleteMany")),
        ("authors", 3, "CREATE", by("createMany")), ("authors", 3, "UPDATE", by("upsert")),
        ("authors", 3, "DELETE", by("deleteMany")),
        ("authors", 4, "CREATE", by("createMany")), ("authors", 4, "UPDATE", by("raw")),
        ("authors", 4, "UPDATE", by("batch")),
        ("authors", 5, "CREATE", by("batch")),
        ("authors", 6, "CREATE", by("interactive")),
        ("books", 1, "CREATE", by("create")), ("books", 1, "UPDATE", by("updateMany")),
        ("books", 1, "DELETE", by("cascade")),
        ("books", 2, "CREATE", by("create")), ("books", 2, "UPDATE", by("updateMany")),
        ("books", 2, "DELETE", by("cascade")),
        ("books", 3, "CREATE", by("interactive")),
    ]  # fmt: skip


def test_prisma_requests_that_share_a_pool_keep_their_contexts(trail_of):
    assert trail_of("prisma_work.js", "concurrentRequests") == [
        ("authors", 1000 + request, operation, {"endpoint": f"/{request}", "user": f"user {request}"})
        for request in range(50)
        for operation in ("CREATE", "UPDATE")
    ]


@pytest.mark.parametrize("client_source", ["preloaded_source"], indirect=True)
def test_a_context_set_for_a_transaction_ends_with_it(trail_of):
    assert trail_of("plain_pg.js", "settings") == [
        ("items", 1, "CREATE", {"request": "first; it's \"local\" /* */"}),
        ("items", 2, "CREATE", {}),
        ("items", 3, "CREATE", {"comment": "wins"}),
        ("items", 4, "CREATE", {"request": "second"}),
    ]


@pytest.mark.parametrize("client_source", ["preloaded_source"], indirect=True)
def test_the_actor_stands_beside_the_context(trail_of, destination):
    trail_of("plain_pg.js", "pool")
    actors = destination.query("SELECT DISTINCT context->'_waltrail'->'actor'->>'session_user' FROM changes")
    assert actors == [("postgres",)]
