-- The recorded end is where the chained ranges end, not the highest LSN that was ever recorded.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(9);
SELECT changes.setup();
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name)
VALUES (1, 'one', 1, 1, 'one', 's'), (2, 'two', 1, 2, 'two', 's'), (3, 'none', 1, 3, 'none', 's');

SELECT is(changes.horizon('unknown'), NULL, 'an unknown label has no recorded end');
SELECT is(changes.horizon(NULL), NULL, 'neither has NULL');
SELECT is(changes.horizon('none'), NULL, 'nor a source without ranges');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline) VALUES (1, '0/100', '0/200', 1);
SELECT is(changes.horizon('one'), '0/200'::pg_lsn, 'one range');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline)
VALUES (1, '0/300', 'A/0', 1), (1, '0/200', '0/300', 1);
SELECT is(changes.horizon('one'), 'A/0'::pg_lsn, 'ranges that touch are chained');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline)
VALUES (2, '0/100', '0/200', 1), (2, '0/201', '0/400', 1), (2, '0/400', '0/500', 1);
SELECT is(changes.horizon('two'), '0/200'::pg_lsn, 'a hole of one byte ends the chain');
SELECT is(changes.horizon('one'), 'A/0'::pg_lsn, 'sources do not mix');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline) VALUES (2, '0/200', '0/201', 1);
SELECT is(changes.horizon('two'), '0/500'::pg_lsn, 'the chain goes on once the hole is filled');
SELECT throws_ok($$INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline) VALUES (3, '0/2', '0/1', 1)$$,
    '23514', NULL, 'a range cannot end before it starts');

SELECT * FROM finish();
ROLLBACK;
