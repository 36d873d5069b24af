-- changes.erase() and changes.erase_context(): what they erase, what they leave, what they note, and what they refuse.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SET LOCAL client_min_messages = error;
SELECT plan(60);
SELECT throws_like('SELECT changes.erase(''s'', ''t'', ''1'', ''r'')', 'could not erase from the trail', 'before setup() it says so');
SELECT changes.setup();
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name)
VALUES (1, 'shop', 1, 1, 'shop', 's'), (2, 'lab', 2, 2, 'lab', 's');
INSERT INTO changes.relations (source_id, relation_oid, from_position, schema, "table", leaf_schema, leaf_table, replica_identity, columns, key_columns)
SELECT s, t.oid, 0, t.schema, t.name, t.schema, t.name, 'f', t.columns, t.key
  FROM generate_series(1, 2) AS s,
       (VALUES (1, 'public', 'users', '{id}'::text[], '[{"name": "id", "type": "integer", "type_oid": 23}]'::jsonb),
               (2, 'o"dd', 'ta''b.le', '{"the key",b}',
                '[{"name": "the key", "type": "integer", "type_oid": 23}, {"name": "b", "type": "text", "type_oid": 25}]')) AS t (oid, schema, name, key, columns);
CREATE FUNCTION pg_temp.add(label text, schema text, name text, key text, operation text, before jsonb, after jsonb, "position" bigint, context jsonb DEFAULT '{}')
RETURNS void LANGUAGE sql AS $$
    INSERT INTO public.changes (database, schema, "table", primary_key, operation, before, after, context, transaction_id, position, committed_at)
    VALUES (label, schema, name, key, operation, before, after, context, 1, position, now() - position * interval '1 hour')
$$;
SELECT pg_temp.add('shop', 'public', 'users', '1', 'CREATE', '{}', '{"id": 1, "name": "Ada", "email": "ada@example.com", "n": 1}', 1),
       pg_temp.add('shop', 'public', 'users', '1', 'UPDATE', '{"id": 1, "name": "Ada", "email": "ada@example.com", "n": 1}',
                   '{"id": 1, "name": "Ada", "email": "a@example.com", "n": 2}', 2, '{"request": 7, "_waltrail": {"actor": {"session_user": "x"}}}'),
       pg_temp.add('shop', 'public', 'users', '1', 'DELETE', '{"id": 1, "name": "Ada", "email": null}', '{}', 90),
       pg_temp.add('shop', 'public', 'users', '2', 'CREATE', '{}', '{"id": 2, "name": "Bob", "email": "bob@example.com"}', 4),
       pg_temp.add('shop', 'public', 'users2', '1', 'CREATE', '{}', '{"id": 1, "name": "Eve"}', 5),
       pg_temp.add('lab', 'public', 'users', '1', 'CREATE', '{}', '{"id": 1, "name": "Lab"}', 6);
CREATE TEMPORARY TABLE others AS SELECT * FROM public.changes WHERE database <> 'shop' OR "table" <> 'users' OR primary_key <> '1';

-- Columns.
SELECT is(changes.erase('public', 'users', '1', 'request 1', '{email,name}', 'shop'), 3::bigint, 'three changes of the record, also in the default partition');
SELECT results_eq('SELECT before, after, context FROM public.changes WHERE database = ''shop'' AND "table" = ''users'' AND primary_key = ''1'' ORDER BY position',
    $$VALUES ('{}'::jsonb, '{"id": 1, "name": null, "email": null, "n": 1}'::jsonb, '{"_waltrail": {"erased": ["email", "name"]}}'::jsonb),
             ('{"id": 1, "name": null, "email": null, "n": 1}', '{"id": 1, "name": null, "email": null, "n": 2}',
              '{"request": 7, "_waltrail": {"actor": {"session_user": "x"}, "erased": ["email", "name"]}}'),
             ('{"id": 1, "name": null, "email": null}', '{}', '{"_waltrail": {"erased": ["email", "name"]}}')$$,
    'hold nulls where the values were, and say so');
SELECT bag_eq('SELECT * FROM public.changes WHERE database <> ''shop'' OR "table" <> ''users'' OR primary_key <> ''1''', 'SELECT * FROM others',
    'other records, tables and databases are as they were');
SELECT results_eq('SELECT action, database::text, schema::text, "table"::text, columns, changes, reason, erased_by, quarantined FROM changes.erasures',
    $$VALUES ('columns', 'shop', 'public', 'users', '{email,name}'::text[], 3::bigint, 'request 1', session_user, 0::bigint)$$, 'it is noted');
SELECT unalike((SELECT string_agg(to_jsonb(e)::text, '') FROM changes.erasures AS e), '%ada%', 'without what was erased');
SELECT is(changes.erase('public', 'users', '1', 'request 2', '{n}', 'shop'), 3::bigint, 'another column, later');
SELECT results_eq('SELECT DISTINCT context #> ''{_waltrail,erased}'' FROM public.changes WHERE database = ''shop'' AND "table" = ''users'' AND primary_key = ''1''',
    $$VALUES ('["email", "n", "name"]'::jsonb)$$, 'is added to the mark');
SELECT is_empty('SELECT FROM changes.permits', 'no permit is left');
SELECT throws_like('DELETE FROM public.changes', '%append-only', 'nothing else may be deleted now');

-- What it refuses.
SELECT throws_ok('SELECT changes.erase(''public'', ''users'', ''2'', ''r'', ''{name,mail}'')', '42703', 'no change of that record has a column "mail"', 'a column that is none');
SELECT is(after->>'name', 'Bob', 'erases nothing of the others') FROM public.changes WHERE primary_key = '2';
SELECT throws_ok(s, '22023', 'could not erase from the trail', s) FROM unnest(ARRAY[
    'SELECT changes.erase(''public'', ''users'', ''2'', NULL)', 'SELECT changes.erase(''public'', ''users'', ''2'', '' '')',
    'SELECT changes.erase(NULL, ''users'', ''2'', ''r'')', 'SELECT changes.erase(''public'', NULL, ''2'', ''r'')',
    'SELECT changes.erase(''public'', ''users'', NULL, ''r'')', 'SELECT changes.erase(''public'', ''users'', ''2'', ''r'', ''{}'')',
    'SELECT changes.erase(''public'', ''users'', ''2'', ''r'', ARRAY[''name'', NULL])',
    'SELECT changes.erase_context(NULL, ''r'')', 'SELECT changes.erase_context(''{}'', ''r'')', 'SELECT changes.erase_context(''[1]'', ''r'')',
    'SELECT changes.erase_context(''"a"'', ''r'')', 'SELECT changes.erase_context(''{"a": 1}'', '''')']) AS s;
SELECT is(changes.erase('public', 'users', 'no such key', 'r'), 0::bigint, 'a record without changes');
SELECT is(changes.erase('no such schema', 'users', '1', 'r'), 0::bigint, 'an unknown table');
SELECT is(changes.erase('public', 'users', '2', 'r', NULL, 'no such label'), 0::bigint, 'an unknown source');
SELECT is(count(*)::integer, 2, 'are not noted') FROM changes.erasures;

-- Rows, in quarantine too, and of a source that is no longer registered.
INSERT INTO changes.quarantine (id, part, source_id, commit_lsn, sequence, schema, "table", operation, sqlstate, error, frame)
SELECT gen_random_uuid(), 0, s, '0/1', 1, 'public', 'users', 'UPDATE', '22000', 'e', '' FROM generate_series(1, 2) AS s;
SELECT is(changes.erase('public', 'users', '2', 'request 3'), 1::bigint, 'without columns the changes go');
SELECT is_empty('SELECT FROM public.changes WHERE primary_key = ''2''', 'for good');
SELECT results_eq('SELECT action, quarantined, columns FROM changes.erasures WHERE reason = ''request 3''', $$VALUES ('rows', 2::bigint, NULL::text[])$$,
    'and it is noted that changes in quarantine were left');
SELECT pg_temp.add('gone', 'public', 'users', '9', 'CREATE', '{}', '{"id": 9, "name": "Old"}', 9);
SELECT is(changes.erase('public', 'users', '9', 'r', '{name}'), 1::bigint, 'changes of a source that was retired are found');

-- Odd names, a composite key that changed, and a column of the key.
SELECT pg_temp.add('shop', 'o"dd', 'ta''b.le', '(1,x)', 'CREATE', '{}', '{"the key": 1, "b": "x", "s\"ecret": "Ada"}', 20),
       pg_temp.add('shop', 'o"dd', 'ta''b.le', '(1,"y,")', 'UPDATE', '{"the key": 1, "b": "x", "s\"ecret": "Ada"}', '{"the key": 1, "b": "y,", "s\"ecret": "Ada"}', 21),
       pg_temp.add('shop', 'o"dd', 'ta''b.le', '(2,x)', 'CREATE', '{}', '{"the key": 2, "b": "x", "s\"ecret": "Bob"}', 22);
SELECT is(changes.erase('o"dd', 'ta''b.le', '(1,"y,")', 'r', ARRAY['s"ecret']), 2::bigint, 'odd names, and an earlier composite key');
SELECT is(changes.erase('o"dd', 'ta''b.le', '(1,x)', 'r', ARRAY['b']), 2::bigint, 'a later key, and a column of the key');
SELECT results_eq('SELECT primary_key::text, before || after FROM public.changes WHERE schema = ''o"dd'' ORDER BY position',
    $$VALUES (NULL, '{"the key": 1, "b": null, "s\"ecret": null}'::jsonb), (NULL, '{"the key": 1, "b": null, "s\"ecret": null}'),
             ('(2,x)', '{"the key": 2, "b": "x", "s\"ecret": "Bob"}')$$, 'takes the key out of primary_key, too');

-- Contexts.
SELECT pg_temp.add('shop', 'public', 't', '1', 'CREATE', '{}', '{}', 30, '{"user": {"id": 3, "email": "ada@example.com"}, "tags": ["ada"], "request": 1}'),
       pg_temp.add('lab', 'public', 't', '1', 'CREATE', '{}', '{}', 31, '{"user": {"id": 3, "email": "ada@example.com"}}'),
       pg_temp.add('shop', 'public', 't', '2', 'CREATE', '{}', '{}', 32, '{"user": "ada@example.com", "_waltrail": {"actor": {"session_user": "ada"}}}');
SELECT is(changes.erase_context('{"user": {"email": "ada@example.com"}, "tags": ["ada"]}', 'request 4'), 1::bigint, 'contexts that contain the filter');
SELECT results_eq('SELECT context FROM public.changes WHERE position = 30',
    $$VALUES ('{"user": {"id": 3, "email": null}, "tags": null, "request": 1, "_waltrail": {"erased_context": ["tags", "user.email"]}}'::jsonb)$$,
    'lose the members that it names, and only these');
SELECT is(changes.erase_context('{"user": {"email": "ada@example.com"}}', 'r', 'shop'), 0::bigint, 'of one source only, where it is named');
SELECT is(changes.erase_context('{"_waltrail": {"actor": {"session_user": "ada"}}}', 'r'), 1::bigint, 'an actor');
SELECT results_eq($$SELECT changes.member_paths(substring(obj_description('changes.erase_context'::regproc, 'pg_proc') FROM '{"_waltrail"[^}]*}}}')::jsonb)$$,
    ARRAY['_waltrail.actor.session_user'], 'as the comment says');
SELECT results_eq('SELECT context FROM public.changes WHERE position = 32',
    $$VALUES ('{"user": "ada@example.com", "_waltrail": {"actor": {"session_user": null}, "erased_context": ["_waltrail.actor.session_user"]}}'::jsonb)$$,
    'is in the context');
SELECT unalike((SELECT string_agg(to_jsonb(e)::text, '') FROM changes.erasures AS e), '%ada%', 'what was noted repeats nothing of it');

-- Rows that a hold has kept.
CREATE TABLE IF NOT EXISTS changes.held (LIKE public.changes);
SELECT changes.setup();
INSERT INTO changes.held SELECT c.* FROM public.changes AS c WHERE c.position = 6;
SELECT throws_like('DELETE FROM changes.held', '%append-only', 'held rows are protected');
SELECT is(changes.erase('public', 'users', '1', 'r', '{name}', 'lab'), 2::bigint, 'and erased from');
SELECT results_eq('SELECT after FROM changes.held', $$VALUES ('{"id": 1, "name": null}'::jsonb)$$, 'for good');

-- What a hold keeps is not erased by oversight, wherever it is.
SELECT pg_temp.add('shop', 'public', 'people', '1', 'CREATE', '{}', '{"id": 1, "name": "Ada"}', 40, '{"by": "ada"}'),
       pg_temp.add('lab', 'public', 'people', '1', 'CREATE', '{}', '{"id": 1, "name": "Lab"}', 41, '{"by": "ada"}');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at) VALUES (1, '0/1', '0/9', 1, now());
SELECT changes.hold('public', 'people', database => 'shop', reason => 'case 1') AS hold \gset
SELECT throws_ok('SELECT changes.erase(''public'', ''people'', ''1'', ''r'', ''{name}'')', '55006', 'a hold keeps changes that would be erased',
    'columns of what a hold keeps stay');
SELECT throws_ok('SELECT changes.erase(''public'', ''people'', ''1'', ''r'', despite_hold => NULL)', '55006', NULL, 'rows, too');
SELECT throws_ok('SELECT changes.erase_context(''{"by": "ada"}'', ''r'')', '55006', NULL, 'and the context');
SELECT is(count(*)::integer, 2, 'all as it was') FROM public.changes WHERE "table" = 'people' AND context = '{"by": "ada"}' AND after->>'name' IS NOT NULL;
SELECT is(changes.erase('public', 'people', '1', 'r', '{name}', 'lab'), 1::bigint, 'another source is not held');
SELECT is(changes.erase_context('{"by": "ada"}', 'r', 'lab'), 1::bigint, 'nor are its contexts');
SELECT is(changes.erase('public', 'people', '1', 'despite 1', '{name}', despite_hold => true), 2::bigint, 'in spite of the hold');
SELECT is(changes.erase_context('{"by": "ada"}', 'despite 2', despite_hold => true), 1::bigint, 'contexts, too');
SELECT set_eq('SELECT reason FROM changes.erasures WHERE despite_hold', ARRAY['despite 1', 'despite 2'], 'which is noted');
INSERT INTO changes.held SELECT c.* FROM public.changes AS c WHERE c.position = 40;
SET LOCAL session_replication_role = replica;
DELETE FROM public.changes WHERE position = 40;
RESET session_replication_role;
SELECT throws_ok('SELECT changes.erase(''public'', ''people'', ''1'', ''r'')', '55006', NULL, 'rows that only a hold has kept stay as well');
SELECT changes.release(:hold);
SELECT is(changes.erase('public', 'people', '1', 'released', despite_hold => true), 2::bigint, 'a hold that has ended keeps nothing');
SELECT is(despite_hold, false, 'and is not spited') FROM changes.erasures WHERE reason = 'released';

-- It can be granted to a role that may do nothing else.
CREATE ROLE waltrail_test_officer;
GRANT USAGE ON SCHEMA changes TO waltrail_test_officer;
SET LOCAL ROLE waltrail_test_officer;
SELECT throws_ok('SELECT changes.erase(''public'', ''users'', ''1'', ''r'')', '42501', NULL, 'nobody but the owner may erase');
RESET ROLE;
GRANT EXECUTE ON FUNCTION changes.erase(text, text, text, text, text[], text, boolean) TO waltrail_test_officer;
SET LOCAL ROLE waltrail_test_officer;
SELECT lives_ok('SELECT changes.erase(''public'', ''users'', ''1'', ''request 5'')', 'before it is granted');
SELECT throws_ok('SELECT FROM public.changes', '42501', NULL, 'who may erase may not read');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
