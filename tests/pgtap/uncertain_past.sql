-- What the trail has not seen, or has lost, is never answered as if it were known: changes that it did not record, clocks that are set
-- back, erasures, and partitions that are gone.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(6);
\ir made/shop.sql
SET LOCAL client_min_messages = error;
CREATE FUNCTION pg_temp.was(key text, at timestamptz, name text DEFAULT 'users', named text DEFAULT 'name') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT coalesce(p."row"->>named, p."row"::text) || coalesce(' ?' || p.doubt, '') FROM changes.as_of(name, key, at) AS p);
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    RETURN 'error: ' || SQLERRM;
END
$$;
CREATE FUNCTION pg_temp.all_were(at timestamptz, name text DEFAULT 'users') RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(p.primary_key || ':' || coalesce(p."row"->>'name', p."row"::text) || coalesce(' ?' || p.doubt, ''), ', ' ORDER BY p.primary_key), '')
      FROM changes.as_of(name, at) AS p
$$;
CREATE FUNCTION pg_temp.quarantined(at timestamptz, place pg_lsn, name text, operation text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO changes.quarantine (id, source_id, commit_lsn, sequence, schema, "table", operation, sqlstate, error, frame)
    VALUES (pg_temp.id_at(at, 'q' || place), 1, place, 0, 'public', name, operation, '23514', 'no', '')
$$;
CREATE FUNCTION pg_temp.shape_of(name text) RETURNS void LANGUAGE sql AS $$
    SELECT pg_temp.shape(name, '{id}', pg_temp.columns('id', 'integer', 'name', 'text'), relation_oid => (40000 + hashtext(name) & 4095)::oid)
$$;

-- A change that the trail did not record (ignored columns, another type) makes the row that leaves unlike the one that came: it is the same one.
SELECT pg_temp.change('2026-03-02 10:00+00', 100, 'users', 'CREATE', '{}', '{"id": 1, "name": "a", "email": null}');
SELECT pg_temp.change('2026-03-02 10:01+00', 110, 'users', 'DELETE', '{"id": 1, "name": "unseen", "email": null}', '{}');
SELECT is(pg_temp.was('1', '2026-03-02 10:02+00'), NULL, 'a deleted row stays deleted, whatever changed it unseen');
SELECT is(pg_temp.all_were('2026-03-02 10:02+00'), '', 'in the table, too');
SELECT is(pg_temp.was('1', '2026-03-02 09:00+00'), NULL, 'and was not there before it was created');
SELECT is(pg_temp.all_were('2026-03-02 09:00+00'), '', 'in the table, too');
SELECT pg_temp.change('2026-03-02 10:03+00', 120, 'users', 'CREATE', '{}', '{"id": 2, "name": "b", "email": null}');
SELECT pg_temp.change('2026-03-02 10:04+00', 130, 'users', 'UPDATE', '{"id": 2, "name": "unseen", "email": null}', '{"id": 3, "name": "unseen", "email": null}');
SELECT is(pg_temp.was('2', '2026-03-02 10:05+00'), NULL, 'nor is one that got another key still under the old one');
SELECT is(pg_temp.all_were('2026-03-02 10:05+00'), '3:unseen', 'in the table, too');

SELECT * FROM finish();
ROLLBACK;
