-- What differs between two states of a row: changes.diff(), and the view that says it of each change.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(19);
\ir made/shop.sql

SELECT is(changes.diff('{"a": 1, "b": "x"}', '{"a": 1, "b": "y"}'), '{"b": {"old": "x", "new": "y"}}'::jsonb, 'only what differs, old and new');
SELECT is(changes.diff('{"a": 1}', '{"a": 1}'), '{}'::jsonb, 'nothing, where nothing does');
SELECT is(changes.diff('{}', '{"a": 1, "b": null}'), '{"a": {"new": 1}, "b": {"new": null}}'::jsonb, 'of a new row, all');
SELECT is(changes.diff('{"a": 1}', '{}'), '{"a": {"old": 1}}'::jsonb, 'of one that is gone, all');
SELECT is(changes.diff('{}', '{}'), '{}'::jsonb, 'of a TRUNCATE, nothing');
SELECT is(changes.diff('{"a": null}', '{"a": 0}'), '{"a": {"old": null, "new": 0}}'::jsonb, 'NULL and a value differ');
SELECT is(changes.diff('{"a": 1.5}', '{"a": 1.50}')::text, '{"a": {"new": 1.50, "old": 1.5}}', 'so do 1.5 and 1.50');
SELECT is(changes.diff('{"a": {"x": 1, "y": 2}}', '{"a": {"y": 2, "x": 1}}'), '{}'::jsonb, 'not the same document in another order');
SELECT is(changes.diff('{"a": [1, 2]}', '{"a": [2, 1]}'), '{"a": {"old": [1, 2], "new": [2, 1]}}'::jsonb, 'arrays as wholes');
SELECT is(changes.diff('{"id": 1, "name": "x", "big": "…"}', '{"id": 1, "name": "y"}'), '{"name": {"old": "x", "new": "y"}}'::jsonb,
    'an unchanged TOAST value is no difference');
SELECT is(changes.diff('{"id": 1}', '{"id": 2, "name": "y"}'), '{"id": {"old": 1, "new": 2}}'::jsonb, 'what a partial old row does not hold is not known to differ');
SELECT is(changes.diff('{"old": 1, "\"q\".%": 2}', '{"old": 2, "\"q\".%": 3}'), '{"old": {"old": 1, "new": 2}, "\"q\".%": {"old": 2, "new": 3}}'::jsonb, 'any name');
SELECT is(changes.diff(NULL, '{}'), NULL, 'NULL for a NULL');
SELECT throws_ok($$SELECT changes.diff('[]', '{}')$$, '22023', NULL, 'an array is no row');

SELECT is_empty('SELECT * FROM changes.differences', 'the view of an empty trail is empty');
SELECT pg_temp.change('2026-03-02 10:00+00', 10, 'users', 'CREATE', '{}', '{"id": 1, "name": "a"}');
SELECT pg_temp.change('2026-03-02 10:01+00', 20, 'users', 'UPDATE', '{"id": 1, "name": "a"}', '{"id": 1, "name": "b"}', '{"request": 7}');
SELECT pg_temp.change('2026-03-02 10:02+00', 30, 'users', 'UPDATE', '{}', '{"id": 1, "name": "c"}');
SELECT pg_temp.change('2026-03-02 10:03+00', 40, 'users', 'DELETE', '{"id": 1, "name": "c"}', '{}');
SELECT results_eq('SELECT position, diff FROM changes.differences ORDER BY position',
    $$VALUES (10::bigint, '{"id": {"new": 1}, "name": {"new": "a"}}'::jsonb), (20, '{"name": {"old": "a", "new": "b"}}'), (30, NULL),
             (40, '{"id": {"old": 1}, "name": {"old": "c"}}')$$, 'the view says the same; NULL for an UPDATE whose old row is not known');
SELECT is_empty($$SELECT FROM changes.differences AS d JOIN public.changes AS c USING (id)
                   WHERE d.diff IS DISTINCT FROM changes.diff(c.before, c.after) AND c.position <> 30$$, 'as the function does');
CREATE ROLE waltrail_test_reader;
GRANT USAGE ON SCHEMA changes TO waltrail_test_reader;
GRANT SELECT ON changes.differences TO waltrail_test_reader;
SET LOCAL ROLE waltrail_test_reader;
SELECT throws_ok('SELECT * FROM changes.differences', '42501', NULL, 'who may not read the trail does not read it through the view');
RESET ROLE;
SELECT lives_ok('SELECT changes.setup()', 'setup() makes the view anew');
SELECT * FROM finish();
ROLLBACK;
