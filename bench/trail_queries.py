"""The questions that bench/run query asks, each as text with parameters and what they are in a run.

`parameters` is called with a random generator and the scale; it returns what psycopg2 fills in.
"""
import dataclasses
import typing


@dataclasses.dataclass(frozen=True)
class Question:
    sql: str
    parameters: typing.Callable
    is_slow: bool = False  # reads the whole trail: asked a few times only


def user(random, records):
    return 4 * random.randrange(1, records // 4)


def context(record):
    """What the changes of a record were made with (trail.sql), which those of others may share."""
    return '{"user_id": %d, "route": "/%d"}' % (record % 50000, record % 40)


MAIN = '''SELECT * FROM "changes"
 WHERE "database" = 'shop' AND "schema" = 'public' AND "table" = 'users' AND "primary_key" = %(key)s
   AND "operation" = 'UPDATE' AND "after" @> '{"plan": "team"}' AND NOT ("before" @> '{"plan": "team"}')
   AND "committed_at" BETWEEN (now() - interval '3 months') AND now()
 LIMIT 1'''

QUESTIONS = {
    'main job': Question(MAIN, lambda random, scale: {'key': str(user(random, scale.records))}),
    'history': Question(
        "SELECT * FROM changes.history('users', %(key)s)",
        lambda random, scale: {'key': str(user(random, scale.records))}),
    'as_of': Question(
        "SELECT * FROM changes.as_of('users', %(key)s, now() - %(days)s * interval '1 day')",
        lambda random, scale: {'key': str(user(random, scale.records)),
                               'days': 1 + random.random() * (scale.days - 2)}),
    'before @>': Question(
        '''SELECT * FROM "changes" WHERE "before" @> %(row)s''',
        lambda random, scale: {'row': '{"email": "user%d@example.com"}' % user(random, scale.records)}),
    'after @>': Question(
        '''SELECT * FROM "changes" WHERE "after" @> %(row)s''',
        lambda random, scale: {'row': '{"email": "user%d@example.com"}' % user(random, scale.records)}),
    'context @>': Question(
        '''SELECT * FROM "changes" WHERE "context" @> %(context)s LIMIT 100''',
        lambda random, scale: {'context': context(random.randrange(1, scale.records))}),
    "@? '$.key ? (@ == v)'": Question(
        '''SELECT * FROM "changes" WHERE "after" @? %(path)s''',
        lambda random, scale: {'path': '$.email ? (@ == "user%d@example.com")'
                                       % user(random, scale.records)}),
    "@? '$.key'": Question(
        '''SELECT count(*) FROM "changes" WHERE "after" @? '$.email' ''',
        lambda random, scale: {}, is_slow=True),
}
