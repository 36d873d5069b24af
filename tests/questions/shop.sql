-- The trail that the examples of docs/questions.md and of the functions' comments ask: a morning in the life of a shop, at fixed times, with
-- the ids that the times give.
SET client_min_messages = warning;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT changes.setup('unlimited');
DO $$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN SELECT p.partition FROM changes.partitions() AS p WHERE NOT p.is_default LOOP
        EXECUTE format('DROP TABLE %s', partition);
    END LOOP;
END
$$;
CREATE TABLE public.changes_march PARTITION OF public.changes FOR VALUES FROM ('2024-03-01 00:00+00') TO ('2024-04-01 00:00+00');
SELECT changes.setup();
INSERT INTO changes.seals (partition, name) VALUES ('public.changes_march'::regclass, 'public.changes_march');

INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name, registered_at)
VALUES (1, 'shop', 7318297331236271234, 16384, 'shop', 'waltrail', '2024-03-01 08:00+00');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at, source_time, changes)
VALUES (1, '0/1000000', '0/2A45F08', 1, '2024-03-05 10:31:02.000077+00', now() + interval '1 day', 9);
INSERT INTO changes.relations (source_id, relation_oid, from_position, schema, "table", leaf_schema, leaf_table, replica_identity, columns, key_columns)
SELECT 1, oid, 20971520, 'public', name, 'public', name, 'f',
       (SELECT jsonb_agg(jsonb_build_object('name', c, 'type', t, 'type_oid', t::regtype::oid::bigint, 'identity', true, 'generated', false, 'masked', false))
          FROM unnest(column_names, types) AS x (c, t)), '{id}'
  FROM (VALUES (16390, 'users', ARRAY['id', 'name', 'email'], ARRAY['integer', 'text', 'text']),
               (16397, 'orders', ARRAY['id', 'user_id', 'state', 'total'], ARRAY['integer', 'integer', 'text', 'numeric'])) AS r (oid, name, column_names, types);

CREATE FUNCTION pg_temp.change(at timestamptz, xid bigint, place bigint, name text, operation text, before jsonb, after jsonb, context jsonb) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO public.changes (id, database, schema, "table", primary_key, operation, before, after, context, committed_at, queued_at, created_at, transaction_id, position)
    SELECT format('%s-%s-7%s-8%s-%s', substr(ms, 1, 8), substr(ms, 9, 4), rand_a, substr(md5(place::text), 1, 3), substr(md5(place::text), 4, 12))::uuid,
           'shop', 'public', name, coalesce(after->>'id', before->>'id'), operation, before, after, context,
           date_trunc('second', at), date_trunc('second', at), date_trunc('second', at), xid, place
      FROM (SELECT lpad(to_hex(us / 1000), 12, '0') AS ms, lpad(to_hex(us % 1000 * 4096 / 1000), 3, '0') AS rand_a
              FROM (SELECT round(extract(epoch FROM at) * 1000000)::bigint AS us) AS u) AS h
$$;
CREATE FUNCTION pg_temp.said(role text, more jsonb) RETURNS jsonb LANGUAGE sql AS $$
    SELECT more || jsonb_build_object('_waltrail', jsonb_build_object('actor', jsonb_build_object('session_user', role)))
$$;
SELECT pg_temp.change('2024-03-05 09:00:00.25+00', 901, 20971520, 'users', 'CREATE', '{}', '{"id": 1, "name": "Ada", "email": "ada@example.com"}', pg_temp.said('app', '{"request": "r-11"}'));
SELECT pg_temp.change('2024-03-05 09:00:00.25+00', 901, 20971640, 'users', 'CREATE', '{}', '{"id": 2, "name": "Bob", "email": "bob@example.com"}', pg_temp.said('app', '{"request": "r-11"}'));
SELECT pg_temp.change('2024-03-05 09:05:12.004211+00', 917, 20975000, 'users', 'UPDATE', '{"id": 2, "name": "Bob", "email": "bob@example.com"}',
                      '{"id": 2, "name": "Bob", "email": "bob@new.example"}', pg_temp.said('app', '{"request": "r-15", "user_id": 7}'));
SELECT pg_temp.change('2024-03-05 09:07:30+00', 920, 20981000, 'orders', 'CREATE', '{}', '{"id": 100, "user_id": 2, "state": "open", "total": 19.90}', pg_temp.said('app', '{"request": "r-16", "user_id": 2}'));
SELECT pg_temp.change('2024-03-05 10:12:44.5+00', 944, 20990000, 'users', 'UPDATE', '{"id": 1, "name": "Ada", "email": "ada@example.com"}',
                      '{"id": 11, "name": "Ada", "email": "ada@example.com"}', pg_temp.said('admin', '{}'));
SELECT pg_temp.change('2024-03-05 10:31:02.000077+00', 950, 20995000, 'orders', 'DELETE', '{"id": 100, "user_id": 2, "state": "open", "total": 19.90}', '{}', pg_temp.said('app', '{"request": "r-17", "user_id": 7}'));
SELECT pg_temp.change('2024-03-05 10:31:02.000077+00', 950, 20995200, 'users', 'UPDATE', '{"id": 2, "name": "Bob", "email": "bob@new.example"}',
                      '{"id": 2, "name": "B.", "email": null}', pg_temp.said('app', '{"request": "r-17", "user_id": 7}'));
CREATE TABLE public.users (id integer PRIMARY KEY, name text, email text);    -- as on the source, for typed rows
ANALYZE public.changes;
