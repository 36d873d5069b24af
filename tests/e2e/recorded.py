"""What the plugin says of a source's changes, without a destination: one JSON object a change, from a slot of its own."""

import json


class Recorded:
    def __init__(self, database, slot):
        self.database = database
        self.slot = slot
        database.execute("SELECT pg_create_logical_replication_slot(%s, 'waltrail')", [slot])

    def take(self):
        """The changes since the last time, in their order."""
        lines = self.database.query("SELECT data FROM pg_logical_slot_get_changes(%s, NULL, NULL, 'format', 'json')", [self.slot])
        return [json.loads(line) for (line,) in lines]

    def contexts(self):
        """(key, context) of the changes since the last time."""
        return [(change["primary_key"], change["context"]) for change in self.take()]

    def ours(self):
        """(key, what stands under the reserved member) of the changes since the last time."""
        return [(key, context.get("_waltrail")) for key, context in self.contexts()]
