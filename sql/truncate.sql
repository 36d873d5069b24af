-- TRUNCATE is one change for each table that was named, without rows
CREATE TABLE truncate_a (id serial PRIMARY KEY);
CREATE TABLE truncate_b (id integer PRIMARY KEY REFERENCES truncate_a);
CREATE TABLE truncate_parent (id integer) PARTITION BY RANGE (id);
CREATE TABLE truncate_leaf_1 PARTITION OF truncate_parent FOR VALUES FROM (0) TO (10);
CREATE TABLE truncate_middle PARTITION OF truncate_parent FOR VALUES FROM (10) TO (30) PARTITION BY RANGE (id);
CREATE TABLE truncate_leaf_2 PARTITION OF truncate_middle FOR VALUES FROM (10) TO (20);
SELECT 'slot' FROM pg_create_logical_replication_slot('truncate', 'waltrail');
CREATE FUNCTION pg_temp.truncated() RETURNS TABLE ("table" text, operation text, key text, before text, after text)
LANGUAGE sql AS $$
    SELECT d->>'table', d->>'operation', d->>'primary_key', d->>'before', d->>'after'
    FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('truncate', NULL, NULL, 'format', 'json')) AS changes
$$;
-- several at once, by name and by CASCADE
TRUNCATE truncate_a, truncate_b;
SELECT * FROM pg_temp.truncated();
TRUNCATE truncate_a RESTART IDENTITY CASCADE;
SELECT * FROM pg_temp.truncated();
-- a partitioned table is one change
INSERT INTO truncate_parent VALUES (1), (11);
TRUNCATE truncate_parent;
SELECT * FROM pg_temp.truncated();
-- so is a part of it that is partitioned
TRUNCATE truncate_middle;
SELECT * FROM pg_temp.truncated();
-- a partition by itself keeps its own name
TRUNCATE truncate_leaf_2, truncate_a CASCADE;
SELECT * FROM pg_temp.truncated();
-- left out on demand, other changes are not
TRUNCATE truncate_parent;
INSERT INTO truncate_a VALUES (7);
SELECT d->>'table' AS "table", d->>'operation' AS operation
FROM (SELECT data::jsonb AS d
      FROM pg_logical_slot_get_changes('truncate', NULL, NULL, 'format', 'json', 'truncate', 'off')) AS changes;
SELECT pg_drop_replication_slot('truncate');
DROP TABLE truncate_a, truncate_b, truncate_parent;
