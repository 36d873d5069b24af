-- A trail as a shop's would be, for bench/run query: :changes changes of :records records over the last :days days (UTC), in two tables, with REPLICA
-- IDENTITY FULL and a context each. Record r changes for the v-th time at (v + its fraction) / (changes per record) of the time: so each day is made
-- by itself, in the order of time, and what a record was before is what its last change left.

-- Where in the time between two changes of all records record r has its own: spread evenly, and no order to be seen (Knuth's multiplicative hash).
CREATE FUNCTION fraction_of(record bigint) RETURNS float8 LANGUAGE sql IMMUTABLE
    RETURN (record * 2654435761 % 4294967296) / 4294967296.0::float8;

CREATE FUNCTION row_of(record bigint, version integer, changed_at timestamptz) RETURNS jsonb LANGUAGE sql IMMUTABLE
    RETURN CASE record % 4 WHEN 0 THEN
        jsonb_build_object('id', record, 'email', format('user%s@example.com', record), 'name', 'User ' || record,
            'plan', (ARRAY['free', 'basic', 'team', 'business'])[1 + (record + version) % 4], 'balance', (record * 7 + version * 13) % 100000 / 100.0,
            'is_active', (record + version) % 10 <> 0, 'updated_at', changed_at)
    ELSE
        jsonb_build_object('id', record, 'user_id', record % 250000 * 4, 'status', (ARRAY['new', 'paid', 'packed', 'sent', 'done'])[1 + (record + version) % 5],
            'total', record % 50000 / 100.0, 'currency', 'EUR', 'note', md5(record::text), 'version', version, 'updated_at', changed_at)
    END;

CREATE FUNCTION change_id(changed_at timestamptz, record bigint) RETURNS uuid LANGUAGE sql STABLE
    RETURN (lpad(to_hex(floor(extract(epoch FROM changed_at) * 1000)::bigint), 12, '0') || '7'
            || lpad(to_hex(floor(extract(microseconds FROM changed_at) % 1000 * 4096 / 1000)::integer), 3, '0')
            || '8' || substr(md5(record::text), 1, 15))::uuid;

-- The changes with numbers from `low` to below `high`, where the number of record r's v-th change is v + fraction_of(r), of `versions`.
CREATE FUNCTION changes_between(low float8, high float8, versions integer, records bigint, starts timestamptz, lasts interval)
RETURNS SETOF public.changes LANGUAGE sql STABLE AS $$
    SELECT change_id(t.at, r.record), 'shop', 'public', CASE r.record % 4 WHEN 0 THEN 'users' ELSE 'orders' END, r.record::text,
           CASE WHEN v.version = 0 THEN 'CREATE' WHEN v.version = versions - 1 AND r.record % 10 = 3 THEN 'DELETE' ELSE 'UPDATE' END,
           CASE WHEN v.version = 0 THEN '{}' ELSE row_of(r.record, v.version - 1, t.at - lasts / versions) END,
           CASE WHEN v.version = versions - 1 AND r.record % 10 = 3 THEN '{}' ELSE row_of(r.record, v.version, t.at) END,
           jsonb_build_object('user_id', r.record % 50000, 'request_id', md5(r.record || '/' || v.version), 'route', '/' || r.record % 40,
                              '_waltrail', '{"actor": {"session_user": "shop"}}'::jsonb),
           date_trunc('second', t.at), date_trunc('second', t.at), date_trunc('second', t.at),
           1000 + floor((v.version + r.fraction) * records)::bigint, 1000000 + floor((v.version + r.fraction) * records * 200)::bigint
      FROM generate_series(floor(low)::integer, ceil(high)::integer - 1) AS v (version)
      JOIN (SELECT g, fraction_of(g) FROM generate_series(1, records) AS g) AS r (record, fraction)
        ON v.version + r.fraction >= low AND v.version + r.fraction < high
     CROSS JOIN LATERAL (SELECT starts + lasts * ((v.version + r.fraction) / versions)) AS t (at)
     ORDER BY v.version + r.fraction
$$;

-- What apply keeps beside the changes.
CREATE FUNCTION register_source(starts timestamptz) RETURNS void LANGUAGE sql AS $$
    INSERT INTO changes.sources (id, label, system_identifier, database_oid, database_name, slot_name, registered_at)
    VALUES (1, 'shop', 1, 1, 'shop', 'waltrail', starts);
    INSERT INTO changes.relations (source_id, relation_oid, from_position, schema, "table", leaf_schema, leaf_table, replica_identity, columns, key_columns)
    SELECT 1, t.oid, 0, 'public', t.name, 'public', t.name, 'f',
           (SELECT jsonb_agg(jsonb_build_object('name', c.name, 'type', n.type, 'type_oid', n.type::regtype::oid::bigint,
                                                'identity', true, 'generated', false, 'masked', false))
              FROM jsonb_each(row_of(t.record, 0, now())) AS c (name, value)
             CROSS JOIN LATERAL (SELECT CASE jsonb_typeof(c.value) WHEN 'string' THEN 'text' WHEN 'number' THEN 'numeric' ELSE 'boolean' END) AS n (type)),
           '{id}'
      FROM (VALUES (1::oid, 'users', 4), (2, 'orders', 5)) AS t (oid, name, record);
    INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline, last_commit_lsn, last_end_lsn, last_transaction_id, last_committed_at)
    SELECT 1, '0/1', pg_lsn(max(c.position) + 1000), 1, pg_lsn(max(c.position)), pg_lsn(max(c.position) + 1000), max(c.transaction_id), max(c.committed_at)
      FROM public.changes AS c;
$$;
