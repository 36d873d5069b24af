-- a stored generated column is part of the row
CREATE TABLE generated_columns (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    price numeric,
    doubled numeric GENERATED ALWAYS AS (price * 2) STORED
);
ALTER TABLE generated_columns REPLICA IDENTITY FULL;
SELECT 'slot' FROM pg_create_logical_replication_slot('generated_columns', 'waltrail');
INSERT INTO generated_columns (price) VALUES (1.25);
UPDATE generated_columns SET price = 2;
SELECT d->>'operation' AS operation, d->'before' AS before, d->'after' AS after
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('generated_columns', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('generated_columns');
DROP TABLE generated_columns;
