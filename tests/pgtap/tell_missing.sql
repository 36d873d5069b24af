-- What history(), find() and activity() say of what the trail may lack. A test does not see a NOTICE: changes.told has what was raised.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(29);
\ir made/shop.sql
SET LOCAL client_min_messages = error;
CREATE FUNCTION pg_temp.missing(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, name text DEFAULT NULL, database text DEFAULT NULL) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(m, '; '), 'none') FROM changes.missing_texts(database, CASE WHEN name IS NOT NULL THEN 'public' END, name, since, until) AS m
$$;
CREATE FUNCTION pg_temp.times_told() RETURNS integer LANGUAGE sql AS $$ SELECT cardinality(string_to_array(nullif(current_setting('changes.told', true), ''), ' ')) - 1 $$;
SELECT pg_temp.change('2026-03-06 09:00+00', 400, 'users', 'CREATE', '{}', '{"id": 1, "name": "a", "email": null}');
SELECT pg_temp.change('2026-03-06 10:00+00', 500, 'users', 'CREATE', '{}', '{"id": 2, "name": "b", "email": null}');
SELECT is(pg_temp.missing(), 'none', 'nothing is missing');
SELECT is(pg_temp.missing('2026-03-01 00:00+00'), 'none', 'since the trail begins');
SELECT lives_ok($$SELECT changes.history('users', '1'), changes.find(database => 'shop'), changes.activity(NULL)$$, 'questions');
SELECT is(pg_temp.times_told(), NULL, 'say nothing then');

-- The beginning.
SELECT is(pg_temp.missing('2026-02-28 00:00+00'), 'the trail of database "shop" begins at 2026-03-01 00:00:00+00', 'a time before it begins');
SELECT is(pg_temp.missing('2026-02-28 00:00+00', database => 'other'), 'none', 'not of a source that nobody knows');
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name, registered_at) VALUES (2, 'other', 2, 2, 'other', 's', '2026-03-05 00:00+00');
SELECT is(pg_temp.missing('2026-03-04 00:00+00'), 'the trail of database "other" begins at 2026-03-05 00:00:00+00', 'each source has its own');
SELECT is(pg_temp.missing('2026-03-04 00:00+00', database => 'shop'), 'none', 'and one may be asked for');
SELECT is(pg_temp.missing('2026-02-28', '2026-02-28'), 'none', 'in no time nothing is missing');
SELECT is(pg_temp.missing('2026-02-28', '2026-02-27'), 'none', 'nor in less');

-- Quarantine.
INSERT INTO changes.quarantine (id, source_id, commit_lsn, sequence, schema, "table", operation, sqlstate, error, frame)
VALUES (pg_temp.id_at('2026-03-06 09:30+00', 'q'), 1, '0/1C2', 0, 'public', 'users', 'UPDATE', '23514', 'no', '');
SELECT is(pg_temp.missing(name => 'users', database => 'shop'), 'changes of table "users" in changes.quarantine: 1', 'a change of the table in quarantine');
SELECT is(pg_temp.missing(name => 'lines', database => 'shop'), 'none', 'not of another table');
SELECT is(pg_temp.missing(), 'changes of database "shop" in changes.quarantine: 1', 'where no table is named, one of any');
SELECT is(pg_temp.missing('2026-03-06 09:30+00', '2026-03-06 09:30:00.000001+00'), 'changes of database "shop" in changes.quarantine: 1', 'of its time');
SELECT is(pg_temp.missing(until => '2026-03-06 09:30+00'), 'none', 'and of no other');

-- A gap.
INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) VALUES (1, '0/1C2', '0/1CC', 'lost');
SELECT is(pg_temp.missing(name => 'lines', database => 'shop'), 'changes of database "shop" are missing between 0/1C2 and 0/1CC (lost)', 'a gap may hold changes of any table');
SELECT is(pg_temp.missing(database => 'other'), 'none', 'of its source');
SELECT is(pg_temp.missing('2026-03-06 10:00:01+00'), 'none', 'not of a time that begins behind it');
SELECT is(pg_temp.missing(until => '2026-03-06 09:00:00.000001+00', database => 'shop', name => 'users'), 'changes of database "shop" are missing between 0/1C2 and 0/1CC (lost)', 'of one that may reach into it');

-- The questions tell it, once.
SELECT isnt_empty($$SELECT changes.history('users', '1')$$, 'the history of a record');
SELECT is(pg_temp.times_told(), 2, 'tells what may be missing');
SELECT set_config('changes.told', '', true);
SELECT isnt_empty($$SELECT h.id, f.id FROM generate_series(1, 3) AS g, changes.history('users', g::text) AS h, changes.find("table" => 'users') AS f$$, 'also where it is asked row by row');
SELECT is(pg_temp.times_told(), 2, 'each once');
SELECT set_config('changes.told', '', true);
SELECT isnt_empty($$SELECT changes.activity(since => '2026-02-01')$$, 'how much when');
SELECT is(pg_temp.times_told(), 4, 'the beginnings, too');

-- Readers.
CREATE ROLE waltrail_reads_lines;
CREATE ROLE waltrail_reads_all;
SELECT changes.grant_reader('waltrail_reads_lines', tables => ARRAY['public.lines']);
SELECT changes.grant_reader('waltrail_reads_all');
GRANT ALL ON ALL FUNCTIONS IN SCHEMA public TO PUBLIC;  -- pgTAP's
SET LOCAL ROLE waltrail_reads_all;
SELECT is(pg_temp.missing(database => 'shop'), 'changes of database "shop" are missing between 0/1C2 and 0/1CC (lost); changes of database "shop" in changes.quarantine: 1', 'a reader is told all');
SET LOCAL ROLE waltrail_reads_lines;
SELECT is(pg_temp.missing(database => 'shop'), 'changes of database "shop" are missing between 0/1C2 and 0/1CC (lost)', 'a reader of some tables not of others');
SELECT lives_ok($$SELECT changes.find(since => '2026-02-01')$$, 'and may ask');
RESET ROLE;
REVOKE SELECT ON changes.sources FROM waltrail_reads_lines;
SET LOCAL ROLE waltrail_reads_lines;
SELECT is(pg_temp.missing(database => 'shop'), 'none', 'who may not know is told nothing');
RESET ROLE;
SELECT * FROM finish();
ROLLBACK;
