-- A small trail for the tests of questions: the source "shop", with three tables whose shapes are known, and functions that write changes
-- as apply does, at a time to the microsecond and a position. Included with \ir, in the transaction of the test.
SELECT changes.setup('unlimited');
INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name, registered_at)
VALUES (1, 'shop', 1, 1, 'shop', 's', '2026-03-01 00:00+00');
INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_committed_at)
VALUES (1, '0/1', '0/FFFFFF', 1, '2026-03-10 00:00:01+00');
-- The trail is of March 2026, whatever day it is: partitions of today would say that it begins later.
DO $$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN SELECT p.partition FROM changes.partitions() AS p WHERE NOT p.is_default LOOP
        EXECUTE format('DROP TABLE %s', partition);
    END LOOP;
END
$$;
CREATE TABLE public.changes_march PARTITION OF public.changes FOR VALUES FROM ('2026-03-01 00:00+00') TO ('2026-04-01 00:00+00');

CREATE FUNCTION pg_temp.columns(VARIADIC pairs text[]) RETURNS jsonb LANGUAGE sql AS $$
    SELECT jsonb_agg(jsonb_build_object(
               'name', pairs[i], 'type', pairs[i + 1], 'identity', true, 'generated', false, 'masked', false,
               'type_oid', coalesce(to_regtype(pairs[i + 1])::oid, 99999)::bigint) ORDER BY i)
      FROM generate_series(1, cardinality(pairs), 2) AS i
$$;
CREATE FUNCTION pg_temp.shape(name text, key_columns text[], columns jsonb, from_position bigint DEFAULT 1, relation_oid oid DEFAULT 1,
                              identity "char" DEFAULT 'f', leaf text DEFAULT NULL, schema_name text DEFAULT 'public') RETURNS void LANGUAGE sql AS $$
    INSERT INTO changes.relations VALUES (1, CASE relation_oid WHEN 1 THEN hashtext(schema_name || name || coalesce(leaf, ''))::bigint & 65535 ELSE relation_oid END,
        from_position, schema_name, name, schema_name, coalesce(leaf, name), identity, columns, key_columns)
$$;
SELECT pg_temp.shape('users', '{id}', pg_temp.columns('id', 'integer', 'name', 'text', 'email', 'text'));
SELECT pg_temp.shape('lines', '{order_id,product}', pg_temp.columns('order_id', 'bigint', 'product', 'text', 'amount', 'integer'));
SELECT pg_temp.shape('events', '{}', pg_temp.columns('kind', 'text', 'weight', 'numeric'));

-- A UUIDv7 as wire/change_id.cpp makes it, but for its random bits.
CREATE FUNCTION pg_temp.id_at(at timestamptz, salt text) RETURNS uuid LANGUAGE sql AS $$
    SELECT format('%s-%s-7%s-8%s-%s', substr(ms, 1, 8), substr(ms, 9, 4), rand_a, substr(md5(salt), 1, 3), substr(md5(salt), 4, 12))::uuid
      FROM (SELECT lpad(to_hex(us / 1000), 12, '0') AS ms, lpad(to_hex(us % 1000 * 4096 / 1000), 3, '0') AS rand_a
              FROM (SELECT round(extract(epoch FROM at) * 1000000)::bigint AS us) AS u) AS h
$$;
CREATE FUNCTION pg_temp.change(at timestamptz, place bigint, name text, operation text, before jsonb, after jsonb, context jsonb DEFAULT '{}',
                               database text DEFAULT 'shop', schema_name text DEFAULT 'public', key text DEFAULT NULL) RETURNS uuid LANGUAGE plpgsql AS $$
DECLARE
    id uuid := pg_temp.id_at(at, database || place);
    r record;
BEGIN
    SELECT * INTO r FROM changes.relations AS x WHERE (x.schema, x."table") = (schema_name, name) AND x.from_position <= place ORDER BY x.from_position DESC LIMIT 1;
    INSERT INTO public.changes (id, database, schema, "table", primary_key, operation, before, after, context, committed_at, transaction_id, position)
    VALUES (id, database, schema_name, name,
            coalesce(key, changes.key_text(CASE operation WHEN 'DELETE' THEN before ELSE after END, coalesce(r.key_columns, '{}'), array_fill('text'::text, ARRAY[coalesce(cardinality(r.key_columns), 0)]))),
            operation, before, after, context, date_trunc('second', at), place / 10, place);
    RETURN id;
END
$$;
