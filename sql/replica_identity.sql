-- "before" holds what the replica identity put into the WAL, and nothing else
CREATE TABLE identity_default (id integer PRIMARY KEY, code text NOT NULL, note text);
CREATE TABLE identity_full (LIKE identity_default INCLUDING ALL);
CREATE TABLE identity_index (LIKE identity_default INCLUDING ALL);
CREATE TABLE identity_nothing (LIKE identity_default INCLUDING ALL);
ALTER TABLE identity_full REPLICA IDENTITY FULL;
CREATE UNIQUE INDEX identity_index_code ON identity_index (code) INCLUDE (note);
ALTER TABLE identity_index REPLICA IDENTITY USING INDEX identity_index_code;
ALTER TABLE identity_nothing REPLICA IDENTITY NOTHING;
SELECT 'slot' FROM pg_create_logical_replication_slot('replica_identity', 'waltrail');
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['default', 'full', 'index', 'nothing'] LOOP
        EXECUTE format('INSERT INTO identity_%s VALUES (1, ''a'', NULL)', name);
        EXECUTE format('UPDATE identity_%s SET note = ''n''', name);
        EXECUTE format('UPDATE identity_%s SET id = 2, code = ''b''', name);
        EXECUTE format('UPDATE identity_%s SET note = note', name);
        EXECUTE format('DELETE FROM identity_%s', name);
    END LOOP;
END $$;
SELECT d->>'table' AS "table", d->>'operation' AS operation, d->>'primary_key' AS key,
       d->'before' AS before, d->'after' AS after
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('replica_identity', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('replica_identity');
DROP TABLE identity_default, identity_full, identity_index, identity_nothing;
