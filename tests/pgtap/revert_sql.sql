-- The script that takes changes back: what it refuses, and what its statements do. The tables of the source are in this database, and
-- the statements run in this transaction, without the BEGIN and COMMIT around them.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
CREATE EXTENSION hstore;
SELECT plan(71);
SELECT throws_ok($$SELECT changes.revert_sql(transaction_id => 1)$$, '42P01', 'there is no trail in this database', 'before setup() it says so');
\ir made/shop.sql
SET LOCAL client_min_messages = error;

-- What is asked.
SELECT throws_ok('SELECT changes.revert_sql()', '22023', 'say which changes are to be reverted', 'nothing is said');
SELECT throws_ok($$SELECT changes.revert_sql(database => 'shop')$$, '22023', 'say which changes are to be reverted', 'a database is not enough');
SELECT throws_ok($$SELECT changes.revert_sql(transaction_id => 1, on_conflict => 'force')$$, '22023', 'unknown on_conflict "force"', 'an unknown way');
SELECT throws_ok($$SELECT changes.revert_sql(transaction_id => 1, on_conflict => NULL)$$, '22023', 'unknown on_conflict NULL', 'or none');
SELECT throws_ok($$SELECT changes.revert_sql(transaction_id => 1)$$, 'P0002', 'there is no such change in the trail', 'an unknown transaction');
SELECT throws_ok($$SELECT changes.revert_sql(change_id => gen_random_uuid())$$, 'P0002', 'there is no such change in the trail', 'an unknown change');

-- Runs a script but for its frame; returns the first error, or the warnings' count.
CREATE FUNCTION pg_temp.run(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    FOR statement IN EXECUTE format('SELECT * FROM changes.revert_sql(%s)', arguments) LOOP
        CONTINUE WHEN statement ~ '^(BEGIN|COMMIT|SET|--)';
        EXECUTE statement;
    END LOOP;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;

CREATE TABLE public.users (id integer PRIMARY KEY, name text, email text);
INSERT INTO public.users VALUES (1, 'b', 'x'), (3, 'c', NULL);
SELECT pg_temp.change('2026-03-02 10:00+00', 100, 'users', 'CREATE', '{}', '{"id": 1, "name": "a", "email": null}');
SELECT pg_temp.change('2026-03-02 10:01+00', 110, 'users', 'UPDATE', '{"id": 1, "name": "a", "email": null}', '{"id": 1, "name": "b", "email": "x"}', '{"request": "r1"}');
SELECT pg_temp.change('2026-03-02 10:02+00', 120, 'users', 'DELETE', '{"id": 2, "name": "gone", "email": "it''s $revert$ \\ \"q\""}', '{}', '{"request": "r1"}');
SELECT pg_temp.change('2026-03-02 10:03+00', 130, 'users', 'UPDATE', '{"id": 9, "name": "c", "email": null}', '{"id": 3, "name": "c", "email": null}', '{"request": "r2"}');
SELECT is(pg_temp.run($$context => '{"request": "r1"}'$$), 'done', 'an UPDATE and a DELETE with a context are taken back');
SELECT results_eq('SELECT * FROM public.users ORDER BY id', $$VALUES (1, 'a', NULL), (2, 'gone', 'it''s $revert$ \ "q"'), (3, 'c', NULL)$$, 'the rows are as they were');
SELECT is(pg_temp.run($$context => '{"request": "r2"}'$$), 'done', 'a changed key');
SELECT results_eq('SELECT id FROM public.users ORDER BY id', ARRAY[1, 2, 9], 'is the old one again');
SELECT is(pg_temp.run(format('change_id => %L', pg_temp.id_at('2026-03-02 10:00+00', 'shop100'))), 'done', 'one change by its id: an INSERT');
SELECT results_eq('SELECT id FROM public.users ORDER BY id', ARRAY[2, 9], 'its row is gone');

-- Guards.
SELECT matches(pg_temp.run('transaction_id => 10'), '^55000 could not revert change \S+ of table public.users: its row is not as the change left it$', 'a row that is gone is reported');
SELECT matches(pg_temp.run('transaction_id => 12'), '^55000 could not revert change \S+ of table public.users: a row is in the place of the deleted one$', 'so is one that is there again');
UPDATE public.users SET email = 'since' WHERE id = 9;
INSERT INTO public.users VALUES (3, 'c', 'since');
SELECT matches(pg_temp.run('transaction_id => 13'), '^55000 .* its row is not as the change left it$', 'a row that was changed since is not overwritten');
SELECT is(pg_temp.run($$since => '2026-03-02 10:00+00', on_conflict => 'skip'$$), 'done', 'with skip the script goes on');
SELECT results_eq('SELECT id, email FROM public.users ORDER BY id', $$VALUES (2, 'it''s $revert$ \ "q"'), (3, 'since'), (9, 'since')$$, 'and leaves those alone');
SELECT results_eq($$SELECT count(*)::integer FROM changes.revert_sql(transaction_id => 13) AS s WHERE s ~ 'RAISE EXCEPTION USING'$$, ARRAY[1], 'stop raises errors');
SELECT results_eq($$SELECT count(*)::integer FROM changes.revert_sql(transaction_id => 13, on_conflict => 'skip') AS s WHERE s ~ 'RAISE WARNING USING'$$, ARRAY[1], 'skip warns');
SELECT pg_temp.change('2026-03-02 10:04+00', 140, 'users', 'UPDATE', '{"id": 9, "name": "c", "email": "since"}', '{"id": 9, "name": "c", "email": "since"}');
SELECT matches((SELECT string_agg(s, ' ') FROM changes.revert_sql(transaction_id => 14) AS s), '-- change \S+ changed nothing', 'an UPDATE that changed nothing has nothing to take back');

-- Types: each value comes back as it was, by the source's own types.
CREATE TYPE public.mood AS ENUM ('sad', 'it''s "ok"');
CREATE TYPE public.address AS (street text, "House Number" integer);
CREATE DOMAIN public.positive AS integer NOT NULL CHECK (VALUE > 0);
CREATE TABLE public.typed (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mood public.mood, home public.address, tags text[], doc json, docb jsonb, pairs hstore,
    price numeric, at timestamptz, span interval, raw bytea, many public.positive, twice integer GENERATED ALWAYS AS (many * 2) STORED, "t" text, "x" text, nothing text);
SELECT pg_temp.shape('typed', '{id}', (
    SELECT jsonb_agg(jsonb_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'identity', true, 'generated', a.attgenerated <> '',
                                        'masked', false, 'type_oid', CASE WHEN a.atttypid < 16384 THEN a.atttypid::bigint WHEN a.attname = 'many' THEN 23 ELSE 20000 END) ORDER BY a.attnum)
      FROM pg_attribute AS a WHERE a.attrelid = 'public.typed'::regclass AND a.attnum > 0));
CREATE FUNCTION pg_temp.trail_json(row_json jsonb, pairs hstore) RETURNS jsonb LANGUAGE sql AS $$ SELECT row_json || jsonb_build_object('pairs', pairs::text) $$;
SET LOCAL timezone = 'UTC';
INSERT INTO public.typed (mood, home, tags, doc, docb, pairs, price, at, span, raw, many, "t", "x")
VALUES ('it''s "ok"', ROW('High', 5), '{a,NULL,"b c"}', '{"b": 1,  "a": [1.50, null]}', '{"k": 1.10}', 'a=>1, b=>NULL', 1.50, '2026-01-31 12:00:00.000001+00', '-1 mon +2 days',
        '\x00ff', 7, 'column t', 'column x');
CREATE TEMPORARY TABLE typed_before AS SELECT * FROM public.typed;
CREATE TEMPORARY TABLE first_state AS SELECT pg_temp.trail_json(to_jsonb(t.*), t.pairs) AS j FROM public.typed AS t;
UPDATE public.typed SET mood = NULL, home = NULL, tags = '{}', doc = '[1]', docb = 'null', pairs = '', price = 'NaN', at = 'infinity', span = '0', raw = '', many = 8, "t" = NULL, "x" = 'y', nothing = 'n';
SELECT pg_temp.change('2026-03-03 10:00+00', 200, 'typed', 'UPDATE', (SELECT j FROM first_state), (SELECT pg_temp.trail_json(to_jsonb(t.*), t.pairs) FROM public.typed AS t));
SELECT pg_temp.change('2026-03-03 10:01+00', 210, 'typed', 'DELETE', (SELECT pg_temp.trail_json(to_jsonb(t.*), t.pairs) FROM public.typed AS t), '{}');
DELETE FROM public.typed;
SET LOCAL timezone = 'Asia/Tokyo';
SET LOCAL datestyle = 'German';
SELECT is(pg_temp.run($$since => '2026-03-03'$$), 'done', 'a DELETE and an UPDATE of many types, and of an identity column');
RESET timezone;
RESET datestyle;
-- json has lost its white space and order, as documented.
SELECT results_eq($$SELECT (t.*)::text FROM (SELECT id, mood, home, tags, docb, pairs, price, at, span, raw, many, twice, "t", "x", nothing FROM public.typed) AS t$$,
    $$SELECT (t.*)::text FROM (SELECT id, mood, home, tags, docb, pairs, price, at, span, raw, many, twice, "t", "x", nothing FROM pg_temp.typed_before) AS t$$, 'are what they were');
SELECT is((SELECT doc::jsonb FROM public.typed), (SELECT doc::jsonb FROM pg_temp.typed_before), 'so is a json document');
SELECT pg_temp.change('2026-03-03 10:02+00', 220, 'typed', 'CREATE', '{}', (SELECT j FROM first_state));
UPDATE public.typed SET doc = '{ "a": [1.50, null], "b": 1 }';
SELECT is(pg_temp.run('transaction_id => 22'), 'done', 'white space of json is no change since');
SELECT is((SELECT count(*)::integer FROM public.typed), 0, 'and the row is deleted');
INSERT INTO public.typed (id, mood, home, tags, doc, docb, pairs, price, at, span, raw, many, "t", "x", nothing) OVERRIDING SYSTEM VALUE
SELECT id, mood, home, tags, doc, docb, pairs, 1.500, at, span, raw, many, "t", "x", nothing FROM pg_temp.typed_before;
SELECT matches(pg_temp.run('transaction_id => 22'), '^55000', 'but the scale of a number is');
UPDATE public.typed SET price = 1.50, pairs = 'a=>2, b=>NULL';
SELECT matches(pg_temp.run('transaction_id => 22'), '^55000', 'and a value of an extension''s type');

-- Odd names, a partitioned table, a table without a key.
CREATE SCHEMA "sch""e'ma.%I";
CREATE TABLE "sch""e'ma.%I"."ta\b'le $revert$" ("k""e'y %L" text PRIMARY KEY, "select" integer) PARTITION BY HASH ("k""e'y %L");
CREATE TABLE "sch""e'ma.%I".leaf PARTITION OF "sch""e'ma.%I"."ta\b'le $revert$" FOR VALUES WITH (MODULUS 1, REMAINDER 0);
SELECT pg_temp.shape(E'ta\\b''le $revert$', ARRAY[E'k"e''y %L']::text[], pg_temp.columns(E'k"e''y %L', 'text', 'select', 'integer'), leaf => 'leaf', schema_name => E'sch"e''ma.%I');
INSERT INTO "sch""e'ma.%I"."ta\b'le $revert$" VALUES ('O''Brien', 2);
SELECT pg_temp.change('2026-03-04 10:00+00', 300, E'ta\\b''le $revert$', 'UPDATE', jsonb_build_object(E'k"e''y %L', '$1\', 'select', 1), jsonb_build_object(E'k"e''y %L', 'O''Brien', 'select', 2), schema_name => E'sch"e''ma.%I');
SELECT is(pg_temp.run('transaction_id => 30'), 'done', 'odd names, of a partitioned table');
SELECT results_eq($$SELECT * FROM "sch""e'ma.%I"."ta\b'le $revert$"$$, $$VALUES ('$1\', 1)$$, 'are only names');
CREATE TABLE public.events (kind text, weight numeric);
INSERT INTO public.events VALUES ('a', 1.5), ('a', 1.5), ('b', 2);
SELECT pg_temp.change('2026-03-04 11:00+00', 400, 'events', 'CREATE', '{}', '{"kind": "a", "weight": 1.5}');
SELECT pg_temp.change('2026-03-04 11:00+00', 401, 'events', 'UPDATE', '{"kind": null, "weight": 2}', '{"kind": "b", "weight": 2}');
SELECT is(pg_temp.run('transaction_id => 40'), 'done', 'a table without a key');
SELECT results_eq('SELECT * FROM public.events ORDER BY weight', $$VALUES ('a', 1.5), (NULL, 2)$$, 'of equal rows one is taken');

CREATE TABLE public.moods (mood public.mood PRIMARY KEY, code character(4) UNIQUE DEFERRABLE INITIALLY DEFERRED, "t" integer);
SELECT pg_temp.shape('moods', '{mood}', pg_temp.columns('mood', 'public.mood', 'code', 'character(4)', 't', 'integer'));
UPDATE changes.relations SET columns = jsonb_set(columns, '{0,type_oid}', '20000') WHERE "table" = 'moods';
INSERT INTO public.moods VALUES ('sad', 'ab', 2);
SELECT pg_temp.change('2026-03-04 12:00+00', 450, 'moods', 'UPDATE', '{"mood": "it''s \"ok\"", "code": "cd  ", "t": 1}', '{"mood": "sad", "code": "ab  ", "t": 2}');
SELECT is(pg_temp.run('transaction_id => 45'), 'done', 'a key of a type of the source''s own');
SELECT results_eq('SELECT * FROM public.moods', $$VALUES ('it''s "ok"'::public.mood, 'cd'::character(4), 1)$$, 'is the old one again');
INSERT INTO public.moods VALUES ('sad', 'ab', 2);
SELECT pg_temp.change('2026-03-04 12:01+00', 460, 'moods', 'UPDATE', '{"mood": "sad", "code": "cd  ", "t": 2}', '{"mood": "sad", "code": "ab  ", "t": 2}');
SET LOCAL session_replication_role = replica;
SELECT is(pg_temp.run('transaction_id => 46'), '23000 could not revert: constraint "moods_code_key" of table moods would be violated',
    'a deferrable unique constraint, which triggers would watch, is verified');
RESET session_replication_role;

-- ON CONFLICT does not support such a constraint as arbiter.
DELETE FROM public.moods;
SELECT pg_temp.change('2026-03-04 12:02+00', 470, 'moods', 'DELETE', '{"mood": "sad", "code": "xy  ", "t": 7}', '{}');
SET LOCAL session_replication_role = replica;
SELECT is(pg_temp.run('transaction_id => 47'), 'done', 'a DELETE in a table with a deferrable unique constraint is taken back');
SELECT results_eq('SELECT * FROM public.moods', $$VALUES ('sad'::public.mood, 'xy'::character(4), 7)$$, 'whole');
SELECT matches(pg_temp.run('transaction_id => 47'), '^55000 could not revert change \S+ of table public.moods: a row is in the place of the deleted one$', 'once');
SELECT is(pg_temp.run($$transaction_id => 47, on_conflict => 'skip'$$), 'done', 'or with a warning');
UPDATE public.moods SET mood = 'it''s "ok"';
SELECT is(pg_temp.run($$transaction_id => 47, on_conflict => 'skip'$$), '23000 could not revert: constraint "moods_code_key" of table moods would be violated',
    'what only the deferrable constraint forbids is seen at the end');
DELETE FROM public.moods;
SELECT is(pg_temp.run($$transaction_id => 47, on_conflict => 'skip'$$), 'done', 'skip takes it back, too');
SELECT is((SELECT count(*)::integer FROM public.moods), 1, 'and the row is there');
RESET session_replication_role;

-- An exclusion constraint of an odd column and an expression, for some rows.
CREATE TABLE public.stays (
    id integer PRIMARY KEY, room text, first_day integer, "k1's" integer,
    CONSTRAINT apart EXCLUDE USING gist (int4range(first_day, first_day + 2) WITH &&, int4range("k1's", "k1's", '[]') WITH =)
        WHERE (room <> 'hall') DEFERRABLE INITIALLY DEFERRED);
SELECT pg_temp.shape('stays', '{id}', pg_temp.columns('id', 'integer', 'room', 'text', 'first_day', 'integer', 'k1''s', 'integer'));
INSERT INTO public.stays VALUES (1, 'r', 10, 1), (2, 'hall', 20, 1), (3, NULL, 30, 1);
SELECT pg_temp.change('2026-03-04 13:00+00', 480, 'stays', 'DELETE', '{"id": 4, "room": "r", "first_day": 12, "k1''s": 1}', '{}');
SELECT pg_temp.change('2026-03-04 13:01+00', 490, 'stays', 'DELETE', '{"id": 5, "room": "r", "first_day": 11, "k1''s": 1}', '{}');
SELECT pg_temp.change('2026-03-04 13:02+00', 495, 'stays', 'DELETE', '{"id": 6, "room": "hall", "first_day": 20, "k1''s": 1}', '{}');
SET LOCAL session_replication_role = replica;
SELECT is(pg_temp.run('since => ''2026-03-04 13:00+00'', until => ''2026-03-04 13:01+00'''), 'done', 'a DELETE in a table with a deferrable exclusion constraint is taken back');
SELECT is(pg_temp.run('since => ''2026-03-04 13:02+00'', until => ''2026-03-04 13:03+00'', on_conflict => ''skip'''), 'done', 'with skip, too, and rows that it does not concern');
SELECT is(pg_temp.run('since => ''2026-03-04 13:01+00'', until => ''2026-03-04 13:02+00'''), '23000 could not revert: constraint "apart" of table stays would be violated', 'what it forbids is seen at the end');
SELECT results_eq('SELECT id FROM public.stays ORDER BY id', ARRAY[1, 2, 3, 4, 6], 'and all else stays');
RESET session_replication_role;
ALTER TABLE public.stays DROP CONSTRAINT apart, ADD EXCLUDE USING gist (int4range(first_day, first_day + 2) WITH &&) WHERE (room <> 'hall');
SELECT matches(pg_temp.run('since => ''2026-03-04 13:01+00'', until => ''2026-03-04 13:02+00'''), '^55000 .*: a row is in the place of the deleted one$', 'one that is not deferrable speaks at once');

-- NULLs that are not distinct, and a child that inherits no constraint.
CREATE TABLE public.tags (id integer PRIMARY KEY, tag text, UNIQUE NULLS NOT DISTINCT (tag) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE public.more_tags () INHERITS (public.tags);
SELECT pg_temp.shape('tags', '{id}', pg_temp.columns('id', 'integer', 'tag', 'text'));
INSERT INTO public.tags VALUES (1, NULL);
INSERT INTO public.more_tags VALUES (2, 'a');
SELECT pg_temp.change('2026-03-04 13:10+00', 496, 'tags', 'DELETE', '{"id": 3, "tag": null}', '{}');
SELECT pg_temp.change('2026-03-04 13:11+00', 496, 'tags', 'DELETE', '{"id": 4, "tag": "a"}', '{}', key => '4');
SET LOCAL session_replication_role = replica;
SELECT is(pg_temp.run('since => ''2026-03-04 13:10+00'', until => ''2026-03-04 13:11+00'''), '23000 could not revert: constraint "tags_tag_key" of table tags would be violated', 'NULL is there once where it is not distinct');
SELECT is(pg_temp.run('since => ''2026-03-04 13:11+00'', until => ''2026-03-04 13:12+00'''), 'done', 'what a child has is no violation');
RESET session_replication_role;

-- Columns that the trail does not have: excluded, or added since.
CREATE TABLE public.members (id integer PRIMARY KEY, "pass word" text DEFAULT 'd', "found" integer, missing integer, twice integer GENERATED ALWAYS AS (missing * 2) STORED);
SELECT pg_temp.shape('members', '{id}', pg_temp.columns('id', 'integer', 'found', 'integer', 'missing', 'integer'));
SELECT pg_temp.change('2026-03-04 14:00+00', 497, 'members', 'DELETE', '{"id": 1, "found": 5, "missing": 6}', '{}');
SELECT matches(pg_temp.run('since => ''2026-03-04 14:00+00'', until => ''2026-03-04 14:01+00'''),
    '^55000 could not revert change \S+ of table public.members: the trail does not have columns "pass word"$', 'a row that is not known whole does not come back without a word');
SELECT is_empty('SELECT FROM public.members', 'nor half');
SELECT is(pg_temp.run('since => ''2026-03-04 14:00+00'', until => ''2026-03-04 14:01+00'', on_conflict => ''skip'''), 'done', 'with skip a warning says so');
SELECT results_eq('SELECT * FROM public.members', $$VALUES (1, 'd', 5, 6, 12)$$, 'and the row has defaults there');
DELETE FROM public.members;
SELECT pg_temp.shape('members', '{id}', pg_temp.columns('id', 'integer', 'pass word', 'text', 'found', 'integer', 'missing', 'integer'), from_position => 498);
SELECT is(pg_temp.run('since => ''2026-03-04 14:00+00'', until => ''2026-03-04 14:01+00'''), 'done', 'columns that a later change has are new ones');

-- Foreign keys: verified at the end, whatever triggers would do.
CREATE TABLE public.orders (id integer PRIMARY KEY);
CREATE TABLE public.lines (order_id bigint REFERENCES public.orders ON DELETE CASCADE, product text, amount integer, PRIMARY KEY (order_id, product));
SELECT pg_temp.shape('orders', '{id}', pg_temp.columns('id', 'integer'));
INSERT INTO public.orders VALUES (1), (2);
INSERT INTO public.lines VALUES (2, 'p', 1);
SELECT pg_temp.change('2026-03-05 10:00+00', 500, 'orders', 'CREATE', '{}', '{"id": 1}');
SELECT pg_temp.change('2026-03-05 10:00+00', 510, 'orders', 'CREATE', '{}', '{"id": 2}');
SET LOCAL session_replication_role = replica;
SELECT is(pg_temp.run('transaction_id => 51'), '23000 could not revert: constraint "lines_order_id_fkey" of table lines would be violated', 'a row that others name stays, and so does all else');
SELECT is((SELECT count(*)::integer FROM public.lines), 1, 'no cascade deletes what nobody asked for');
SELECT is(pg_temp.run('transaction_id => 50'), 'done', 'one that nobody names goes');
RESET session_replication_role;
CREATE TABLE public.days (day date PRIMARY KEY) PARTITION BY RANGE (day);
CREATE TABLE public.days_1 PARTITION OF public.days FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE public.notes (day date) PARTITION BY RANGE (day);
CREATE TABLE public.notes_1 PARTITION OF public.notes FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
ALTER TABLE public.notes_1 ADD CONSTRAINT leaf_key FOREIGN KEY (day) REFERENCES public.days;
SELECT pg_temp.shape('days', '{day}', pg_temp.columns('day', 'date'), leaf => 'days_1');
INSERT INTO public.days VALUES ('2026-02-01'), ('2026-02-02');
CREATE TABLE public.notes_default PARTITION OF public.notes DEFAULT;
INSERT INTO public.notes VALUES ('2026-02-01'), (NULL);
SELECT pg_temp.change('2026-03-05 11:00+00', 520, 'days', 'CREATE', '{}', '{"day": "2026-02-01"}');
SELECT pg_temp.change('2026-03-05 11:01+00', 530, 'days', 'CREATE', '{}', '{"day": "2026-02-02"}');
SET LOCAL session_replication_role = replica;
SELECT is(pg_temp.run('transaction_id => 52'), '23000 could not revert: constraint "leaf_key" of table notes_1 would be violated', 'between partitioned tables, too');
SELECT is(pg_temp.run('transaction_id => 53'), 'done', 'and NULL needs nobody');
RESET session_replication_role;
SELECT results_eq($$SELECT count(*)::integer FROM changes.revert_sql(transaction_id => 50) AS s WHERE s ~ 'session_replication_role|LOCK TABLE'$$, ARRAY[2], 'triggers are off, and constraints are verified');
SELECT results_eq($$SELECT count(*)::integer FROM changes.revert_sql(transaction_id => 50, fire_triggers => true) AS s WHERE s ~ 'session_replication_role|LOCK TABLE'$$, ARRAY[0], 'or all is as an application does it');

-- Refusals, which name the changes.
\ir made/refusal.sql
SELECT pg_temp.change('2026-03-06 10:00+00', 600, 'users', 'UPDATE', '{"id": 1}', '{"id": 2, "name": "a", "email": null}');
SELECT pg_temp.change('2026-03-06 10:00+00', 601, 'users', 'DELETE', '{"id": 1}', '{}');
SELECT is(pg_temp.refusal('transaction_id => 60'), 'the old row was not logged whole: ID, ID.', 'old rows that are not whole');
SELECT pg_temp.change('2026-03-06 10:01+00', 610, 'users', 'TRUNCATE', '{}', '{}');
SELECT is(pg_temp.refusal('transaction_id => 61'), 'a TRUNCATE, whose rows are not known: ID.', 'a TRUNCATE');
SELECT pg_temp.change('2026-03-06 10:02+00', 620, 'users', 'CREATE', '{}', '{"id": 1, "name": "\\x00", "email": null}', '{"_waltrail": {"after": {"bytes_escaped": ["name"]}}}');
SELECT is(pg_temp.refusal('transaction_id => 62'), 'marked values: ID.', 'marked values');
SELECT pg_temp.shape('secrets', '{id}', jsonb_set(pg_temp.columns('id', 'integer', 'secret', 'text'), '{1,masked}', 'true'));
SELECT pg_temp.change('2026-03-06 10:03+00', 630, 'secrets', 'CREATE', '{}', '{"id": 1, "secret": "hmac-sha256:…"}');
SELECT is(pg_temp.refusal('transaction_id => 63'), 'masked columns, of which the trail has hashes: ID.', 'masked columns');
SELECT pg_temp.change('2026-03-06 10:04+00', 640, 'unknown', 'CREATE', '{}', '{"id": 1}', key => '1');
SELECT is(pg_temp.refusal('transaction_id => 64'), 'what its table looked like is not known: ID.', 'a table that was never described');
SELECT pg_temp.change('2026-03-06 10:05+00', 650, 'users', 'CREATE', '{}', '{"id": 1, "name": null, "email": null}');
SELECT pg_temp.change('2026-03-06 10:05+00', 658, 'users', 'CREATE', '{}', '{"id": 2, "name": null, "email": null}');
INSERT INTO changes.quarantine (id, source_id, commit_lsn, sequence, schema, "table", operation, sqlstate, error, frame)
VALUES (pg_temp.id_at('2026-03-06 10:05+00', 'q'), 1, '0/2EE', 0, 'public', 'users', 'UPDATE', '23514', 'no', '');
INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) VALUES (1, '0/28B', '0/28C', 'lost');
SELECT is(pg_temp.refusal('transaction_id => 65'), 'changes are missing between 0/28B and 0/28C (lost); change ID of the same transaction is in changes.quarantine.', 'what is missing of a transaction');
SELECT is(pg_temp.refusal(format('change_id => %L', pg_temp.id_at('2026-03-06 10:05+00', 'shop650'))), 'none', 'which one change does not need');
SELECT pg_temp.change('2026-03-07 10:00+00', 700, 'users', 'CREATE', '{}', '{"id": 1, "name": null, "email": null}');
SELECT pg_temp.change('2026-03-07 10:00+00', 705, 'users', 'CREATE', '{}', '{"id": 1, "name": null, "email": null}', database => 'other');
SELECT throws_ok('SELECT changes.revert_sql(transaction_id => 70)', '42P08', 'changes of several databases meet the conditions: other, shop', 'changes of two databases are not one script');
SELECT lives_ok($$SELECT changes.revert_sql(transaction_id => 70, database => 'shop')$$, 'of one they are');

-- The newest change first.
SELECT results_eq(
    $$SELECT (regexp_match(s, 'change (\S+) of'))[1]::uuid FROM changes.revert_sql(since => '2026-03-02', until => '2026-03-02 10:03:30+00') AS s WHERE s ~ 'could not revert change'$$,
    $$SELECT id FROM public.changes WHERE position BETWEEN 100 AND 130 ORDER BY position DESC$$, 'changes are taken back from the newest to the oldest');
SELECT * FROM finish();
ROLLBACK;
