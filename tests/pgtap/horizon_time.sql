-- Up to which time a trail is complete, and how far that is behind.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(19);
SELECT throws_ok($$SELECT changes.horizon_time('one')$$, '42P01', NULL, 'before setup() there are no sources');
SELECT changes.setup();
SELECT is_empty('SELECT * FROM changes.lag()', 'without sources there is no lag');
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name)
VALUES (1, 'one', 1, 1, 'one', 's'), (2, 'two', 1, 2, 'two', 's'), (3, E'th"r''ee', 1, 3, 'three', 's');

SELECT is(changes.horizon_time('unknown'), NULL, 'an unknown label has none');
SELECT is(changes.horizon_time(NULL), NULL, 'neither has NULL');
SELECT is(changes.horizon_time('one'), NULL, 'nor a source without ranges');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline) VALUES (1, '0/100', '0/200', 1);
SELECT is(changes.horizon_time('one'), NULL, 'nor one of which no commit is recorded');
UPDATE changes.applied SET last_committed_at = '2026-03-01 12:00:00.5+00';
SELECT is(changes.horizon_time('one'), '2026-03-01 11:59:59.5+00'::timestamptz, 'a second before the newest commit');
UPDATE changes.applied SET source_time = '2026-03-01 11:00+00';
SELECT is(changes.horizon_time('one'), '2026-03-01 11:59:59.5+00'::timestamptz, 'an older moment of the source changes nothing');
UPDATE changes.applied SET source_time = '2026-03-01 13:00+00';
SELECT is(changes.horizon_time('one'), '2026-03-01 12:59:59+00'::timestamptz, 'a newer one counts, as on an idle source');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at)
VALUES (1, '0/300', '0/400', 1, '2026-03-02 00:00+00');
SELECT is(changes.horizon_time('one'), '2026-03-01 12:59:59+00'::timestamptz, 'what lies beyond a hole does not count');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at)
VALUES (1, '0/200', '0/300', 1, '2026-03-01 14:00+00');
SELECT is(changes.horizon_time('one'), '2026-03-01 23:59:59+00'::timestamptz, 'once the hole is filled, it does');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at, source_time)
VALUES (1, '0/400', '0/500', 1, '2026-03-01 18:00+00', '2026-03-01 18:00:10+00');
SELECT is(changes.horizon_time('one'), '2026-03-01 18:00:09+00'::timestamptz, 'a clock that is set back takes the horizon with it');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline) VALUES (1, '0/500', '0/600', 1);
SELECT is(changes.horizon_time('one'), '2026-03-01 18:00:09+00'::timestamptz, 'a range without times changes nothing');
DELETE FROM changes.applied WHERE start_lsn >= '0/400';
SELECT is(changes.horizon_time('two'), NULL, 'sources do not mix');

SELECT results_eq('SELECT source, recorded_end, newest_commit, horizon_time FROM changes.lag()',
    $$VALUES ('one'::text, '0/400'::pg_lsn, '2026-03-02 00:00+00'::timestamptz, '2026-03-01 23:59:59+00'::timestamptz),
             ('th"r''ee', NULL, NULL, NULL), ('two', NULL, NULL, NULL)$$, 'lag() has a row for each source');
UPDATE changes.applied SET last_committed_at = clock_timestamp() - interval '100 seconds', source_time = NULL;
SELECT ok(seconds_behind BETWEEN 101 AND 110, 'and says how many seconds it is behind') FROM changes.lag() WHERE source = 'one';
UPDATE changes.applied SET last_committed_at = clock_timestamp() + interval '1 day';
SELECT is(seconds_behind, 0.0, 'never less than none, whatever the clocks') FROM changes.lag() WHERE source = 'one';

-- A trail of an earlier day has no column for it: setup() adds it.
DROP VIEW changes.differences;
ALTER TABLE changes.applied DROP COLUMN source_time;
SELECT lives_ok('SELECT changes.setup()', 'setup() runs on an older trail');
SELECT has_column('changes', 'applied', 'source_time', 'and completes it');
SELECT * FROM finish();
ROLLBACK;
