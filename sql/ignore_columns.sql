-- option ignore_columns: an UPDATE that changes ignored columns and nothing else is left out, where the WAL tells that it does
CREATE TABLE ignore_full (id integer PRIMARY KEY, name text, seen timestamp, hits integer, long text);
ALTER TABLE ignore_full ALTER COLUMN long SET STORAGE EXTERNAL, REPLICA IDENTITY FULL;
SELECT 'slot' FROM pg_create_logical_replication_slot('ignore_columns', 'waltrail');
-- each change says in `hits` which it is, from the second on
INSERT INTO ignore_full VALUES (1, 'a', '2024-01-01', 1, repeat('x', 9000));
UPDATE ignore_full SET hits = 2;
UPDATE ignore_full SET hits = 3, seen = '2024-01-02';
UPDATE ignore_full SET hits = 4, name = 'b';
UPDATE ignore_full SET hits = 5, name = NULL;
UPDATE ignore_full SET hits = 6, name = 'c';
UPDATE ignore_full SET hits = NULL;
UPDATE ignore_full SET hits = 7, id = 2;
-- changes nothing at all
UPDATE ignore_full SET id = id;
-- out of line: changed, written again as it was, changed where it is ignored
UPDATE ignore_full SET hits = 8, long = repeat('y', 9000);
UPDATE ignore_full SET hits = 9, long = repeat('y', 9000);
UPDATE ignore_full SET hits = 10, long = NULL;
DELETE FROM ignore_full;
CREATE FUNCTION pg_temp.recorded(VARIADIC options text[]) RETURNS TABLE (change text) LANGUAGE sql AS $$
    SELECT format('%s %s %s', d->>'table', d->>'operation', coalesce(d->'after'->>'hits', d->'before'->>'hits'))
    FROM pg_logical_slot_peek_changes('ignore_columns', NULL, NULL, VARIADIC ARRAY['format', 'json'] || options),
         LATERAL (SELECT data::jsonb AS d) AS change
$$;
SELECT count(*) FROM pg_temp.recorded(VARIADIC '{}');
SELECT * FROM pg_temp.recorded('ignore_columns', 'public.ignore_full.hits');
SELECT * FROM pg_temp.recorded('ignore_columns', '*.hits, public.*.long');
SELECT count(*) FROM pg_temp.recorded('ignore_columns', 'public.ignore_full.seen');
SELECT count(*) FROM pg_temp.recorded('ignore_columns', 'public.other.hits, other.*.hits, *.Hits');
-- everything is ignored: what changes nothing is still recorded
SELECT * FROM pg_temp.recorded('ignore_columns', 'public.*.*');
-- what is excluded or masked has changed all the same, unless it is ignored as well
SELECT count(*) FROM pg_temp.recorded('ignore_columns', '*.hits', 'exclude_columns', '*.name');
SELECT * FROM pg_temp.recorded('ignore_columns', '*.hits, *.name', 'exclude_columns', '*.name, *.hits, *.id');
-- a change that is left out keeps its place: the ids of the others are the same, and so are the transactions
SELECT count(DISTINCT data::jsonb->'id') FROM (
    SELECT data FROM pg_logical_slot_peek_changes('ignore_columns', NULL, NULL, 'format', 'json')
    UNION ALL
    SELECT data FROM pg_logical_slot_peek_changes('ignore_columns', NULL, NULL, 'format', 'json', 'ignore_columns', '*.hits')
) AS twice;
SELECT count(*) = (SELECT count(*) FROM pg_logical_slot_get_binary_changes('ignore_columns', NULL, NULL)) AS same
FROM pg_logical_slot_peek_binary_changes('ignore_columns', NULL, NULL, 'ignore_columns', '*.hits, *.long');
-- without the whole old row it is not known what has changed: recorded
CREATE TABLE ignore_default (id integer PRIMARY KEY, hits integer);
CREATE TABLE ignore_nothing (id integer PRIMARY KEY, hits integer);
ALTER TABLE ignore_nothing REPLICA IDENTITY NOTHING;
CREATE TABLE ignore_index (id integer NOT NULL UNIQUE, hits integer);
ALTER TABLE ignore_index REPLICA IDENTITY USING INDEX ignore_index_id_key;
INSERT INTO ignore_default VALUES (1, 11);
INSERT INTO ignore_nothing VALUES (1, 12);
INSERT INTO ignore_index VALUES (1, 13);
UPDATE ignore_default SET hits = 14;
UPDATE ignore_nothing SET hits = 15;
UPDATE ignore_index SET hits = 16;
UPDATE ignore_default SET hits = 17, id = 2;
SELECT * FROM pg_temp.recorded('ignore_columns', '*.hits, *.id') WHERE change LIKE '%UPDATE%';
DO $$ BEGIN PERFORM pg_logical_slot_get_changes('ignore_columns', NULL, NULL, 'format', 'json'); END $$;
-- generated columns are columns like others; a partition's are those of its root as well; names count as they are at the time
CREATE TABLE ignore_generated (id integer PRIMARY KEY, hits integer, twice integer GENERATED ALWAYS AS (hits * 2) STORED);
ALTER TABLE ignore_generated REPLICA IDENTITY FULL;
CREATE TABLE ignore_root (id integer, hits integer, unused text) PARTITION BY LIST (id);
CREATE TABLE ignore_leaf (unused text, hits integer, dropped integer, id integer);
ALTER TABLE ignore_leaf DROP COLUMN dropped;
ALTER TABLE ignore_root ATTACH PARTITION ignore_leaf FOR VALUES IN (1);
CREATE TABLE ignore_other PARTITION OF ignore_root FOR VALUES IN (2);
ALTER TABLE ignore_leaf REPLICA IDENTITY FULL;
ALTER TABLE ignore_other REPLICA IDENTITY FULL;
INSERT INTO ignore_generated VALUES (1, 20);
UPDATE ignore_generated SET hits = 21;
INSERT INTO ignore_root VALUES (1, 22);
UPDATE ignore_root SET hits = 23;
UPDATE ignore_root SET hits = 24, id = 2;
ALTER TABLE ignore_root RENAME COLUMN hits TO visits;
UPDATE ignore_root SET visits = 25;
ALTER TABLE ignore_root RENAME COLUMN visits TO hits;
UPDATE ignore_root SET hits = 26;
SELECT * FROM pg_temp.recorded('ignore_columns', '*.hits');
SELECT count(*) FROM pg_temp.recorded('ignore_columns', 'public.ignore_root.hits');
SELECT count(*) FROM pg_temp.recorded('ignore_columns', 'public.ignore_leaf.hits');
SELECT * FROM pg_temp.recorded('ignore_columns', '*.hits, *.twice', 'tables', 'public.ignore_generated');
SELECT pg_drop_replication_slot('ignore_columns');
DROP TABLE ignore_full, ignore_default, ignore_nothing, ignore_index, ignore_generated, ignore_root;
