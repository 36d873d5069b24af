-- A trail as an earlier version makes it and leaves it: :version is that version. With changes, also in the default partition,
-- with progress, with rights that were granted by hand, and with a view of somebody's that stands on a function of the extension.
\set ON_ERROR_STOP 1
SET client_min_messages = warning;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail VERSION :'version';
SELECT changes.setup('20 days');
INSERT INTO changes.sources (label, system_identifier, database_oid, database_name, slot_name) VALUES ('shop', 1, 1, 'shop', 's');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at)
SELECT id, '0/10', '0/20', 1, now() FROM changes.sources;
INSERT INTO changes.relations (source_id, relation_oid, from_position, schema, "table", leaf_schema, leaf_table,
                               replica_identity, columns, key_columns)
SELECT id, 1, 0, 'public', 'users', 'public', 'users', 'f', '[]', '{id}' FROM changes.sources;
INSERT INTO public.changes (database, schema, "table", primary_key, operation, before, after, committed_at, transaction_id, position)
SELECT 'shop', 'public', 'users', g, 'UPDATE', jsonb_build_object('id', g, 'n', g), jsonb_build_object('id', g, 'n', g + 1),
       date_trunc('second', now()) - g * interval '10 minutes', g, g
  FROM generate_series(1, 2700) AS g;
INSERT INTO changes.gaps (source_id, start_lsn, end_lsn, reason) SELECT id, '0/1', '0/2', 'a reason' FROM changes.sources;
CREATE VIEW public.ends AS SELECT s.label, changes.horizon(s.label) FROM changes.sources AS s;
GRANT EXECUTE ON FUNCTION changes.horizon(text) TO waltrail_test_by_hand;
GRANT USAGE ON SCHEMA changes TO waltrail_test_by_hand;
GRANT SELECT, INSERT ON public.changes, changes.relations, changes.sources TO waltrail_test_by_hand;
