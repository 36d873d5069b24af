-- a partition is chosen or left out by its own name and by that of every table above it, TRUNCATE too
CREATE TABLE part_root (id integer, region text, note text, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE part_middle PARTITION OF part_root FOR VALUES IN ('a') PARTITION BY RANGE (id);
CREATE TABLE part_leaf PARTITION OF part_middle FOR VALUES FROM (0) TO (100);
CREATE TABLE part_other (note text, region text NOT NULL, id integer NOT NULL, PRIMARY KEY (region, id));
ALTER TABLE part_root ATTACH PARTITION part_other FOR VALUES IN ('b');
SELECT 'slot' FROM pg_create_logical_replication_slot('partition_selection', 'waltrail');
INSERT INTO part_root VALUES (1, 'a', 'in leaf'), (2, 'b', 'in other');
-- a move is a DELETE of one partition and an INSERT into another: each is judged by itself
UPDATE part_root SET region = 'b' WHERE id = 1;
TRUNCATE part_other;
TRUNCATE part_middle;
TRUNCATE part_root;
CREATE FUNCTION pg_temp.recorded(VARIADIC options text[]) RETURNS TABLE (change text) LANGUAGE sql AS $$
    SELECT format('%s %s %s', d->>'table', d->>'operation', d->>'primary_key')
    FROM pg_logical_slot_peek_changes('partition_selection', NULL, NULL, VARIADIC ARRAY['format', 'json'] || options),
         LATERAL (SELECT data::jsonb AS d) AS change
$$;
SELECT * FROM pg_temp.recorded('tables', 'public.part_root');
SELECT * FROM pg_temp.recorded('tables', 'public.part_middle');
-- the partition's own name does not stand for the root, but what empties the root empties the partition
SELECT * FROM pg_temp.recorded('tables', 'public.part_leaf');
SELECT * FROM pg_temp.recorded('exclude_tables', 'public.part_leaf');
SELECT * FROM pg_temp.recorded('exclude_tables', 'public.part_middle');
SELECT * FROM pg_temp.recorded('exclude_tables', 'public.part_root');
SELECT * FROM pg_temp.recorded('tables', 'public.part_root', 'exclude_tables', 'public.part_other');
SELECT pg_drop_replication_slot('partition_selection');
DROP TABLE part_root;
