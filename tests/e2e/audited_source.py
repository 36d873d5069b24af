"""A source whose new tables note their changes (audit.py), and the trail that must say the same after apply has run."""

import audit


class AuditedSource:
    def __init__(self, source, destination, slot, waltrail):
        self.source = source
        self.destination = destination
        self._slot = slot
        self._waltrail = waltrail
        audit.set_up(source)
        audit.follow_new_tables(source)
        waltrail.init(source, destination, slot)

    def run(self, script):
        """A script of psql: one transaction a statement, unless it says otherwise."""
        self.source.psql(script)

    def apply(self):
        self._waltrail.apply_until_now(self.source, self.destination, self._slot)

    def start_apply(self):
        return self._waltrail.apply(self.source, self.destination, self._slot)

    def assert_followed(self, arranged=list):
        """`arranged` is applied to the notes and to the trail where their order may differ."""
        self.apply()
        assert self.destination.query("SELECT operation, error FROM changes.quarantine") == []
        audit.assert_same(arranged(audit.notes(self.source)), arranged(audit.trail(self.destination)))

    def trail(self, columns, condition="true"):
        return self.destination.query(f"SELECT {columns} FROM changes WHERE {condition} ORDER BY position")
