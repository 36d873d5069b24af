"""What the trail must be of a table `counters` (id, value) whose rows 1, 2, 3, … were inserted in their order by one session after the other, each with
its number as the value: that alone says every change, so that nothing has to be noted at the source."""

IN_ORDER = "SELECT row_number() OVER (ORDER BY position) AS number, primary_key, operation, before, after FROM changes"
OTHERS = f"""
    SELECT count(*) FROM ({IN_ORDER}) AS c
     WHERE (primary_key, operation, before, after)
           IS DISTINCT FROM (number::text, 'CREATE', '{{}}'::jsonb, jsonb_build_object('id', number, 'value', number))"""


def assert_trail_holds(destination, count):
    """The changes of counters 1..count in the order of their commits, each once, as it was; and so many are counted."""
    assert destination.value("SELECT count(*) FROM changes") == count
    assert destination.value(OTHERS) == 0
    assert destination.value("SELECT count(DISTINCT id) FROM changes") == count
    assert destination.value("SELECT coalesce(sum(changes), 0) FROM changes.applied") == count
