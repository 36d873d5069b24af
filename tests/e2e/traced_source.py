"""A source with context triggers, the contexts that its trail says, and the messages that its WAL holds."""

import json


def comment(context, affix="Bemi"):
    return f"/*{affix} {context if isinstance(context, str) else json.dumps(context)} {affix}*/"


CONTEXT = {"user_id": 7, "path": "/it's \"here\"", "nested": {"list": [1, None]}}
OTHER = {"user_id": 8}
NOTED = comment(CONTEXT)


# All that init makes in the source, but slot and replica identities.
CATALOGS = (
    "SELECT tgrelid::regclass::text, tgname, tgfoid::regproc::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
    "SELECT oid::regprocedure::text, pg_get_functiondef(oid) FROM pg_proc WHERE prokind = 'f' AND pronamespace <> ALL"
    " (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema')) ORDER BY 1",
    "SELECT nspname, (SELECT count(*) FROM aclexplode(nspacl) WHERE grantee = 0) FROM pg_namespace"
    " WHERE nspname !~ '^pg_(toast_)?temp' ORDER BY 1",
    "SELECT evtname, evtfoid::regproc::text FROM pg_event_trigger ORDER BY 1",
)


def objects(source):
    return [source.query(catalog) for catalog in CATALOGS]


def triggers(source):
    """Names of the tables that have the trigger."""
    return [
        name for (name,) in source.query("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'waltrail_context' ORDER BY 1")
    ]  # fmt: skip


class TracedSource:
    """Not prepared before init(). A second slot shows the messages as they are in the WAL."""

    def __init__(self, source, destination, slot, waltrail):
        self.source, self.destination, self.slot, self.waltrail = source, destination, slot, waltrail
        self.messages_slot = f"{slot}_messages"
        self._last_position = 0

    def init(self, *more, **options):
        done = self.waltrail.init(self.source, self.destination, self.slot, "--context-triggers", *more, **options)
        self.source.execute("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", [self.messages_slot])
        return done

    def rows(self):
        """What the trail says since it was last asked: table, operation, key and context."""
        self.waltrail.apply_until_now(self.source, self.destination, self.slot)
        rows = self.destination.query(
            'SELECT "table", operation, primary_key, context, position FROM changes WHERE position > %s ORDER BY position, primary_key',
            [self._last_position],
        )
        self._last_position = max([self._last_position, *(position for *_, position in rows)])
        return [row[:-1] for row in rows]

    def contexts(self):
        return [context for *_, context in self.rows()]

    def messages(self):
        """The contents of all messages since this was last asked."""
        rows = self.source.query("SELECT data FROM pg_logical_slot_get_changes(%s, NULL, NULL)", [self.messages_slot])
        found = [row[0] for row in rows if row[0].startswith("message: ")]
        assert all(line.startswith("message: transactional: 1 prefix: waltrail, sz: ") for line in found), found
        return [line.partition(" content:")[2] for line in found]

    def run(self, *statements):
        """Each as a query of its own, of the simple protocol, in one session without a transaction block."""
        connection = self.source.connect()
        try:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            return connection.notices
        finally:
            connection.close()
