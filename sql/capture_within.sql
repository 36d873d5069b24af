-- what runs within a statement, and writes, sets or rolls back, changes nothing for the statement's own rows; needs the library in shared_preload_libraries
CREATE EXTENSION pgstattuple;
CREATE TABLE within (id integer PRIMARY KEY, note text);
CREATE TABLE within_log (note text);
CREATE TABLE within_parts (id integer PRIMARY KEY, note text) PARTITION BY RANGE (id);
CREATE TABLE within_low PARTITION OF within_parts FOR VALUES FROM (0) TO (1000);
-- to PostgreSQL 16 a partitioned table has none
DO $$
BEGIN
    ALTER TABLE within_parts SET ACCESS METHOD heap;
EXCEPTION WHEN wrong_object_type OR feature_not_supported THEN
    NULL;
END $$;
SELECT 'slot' FROM pg_create_logical_replication_slot('within', 'waltrail');
CREATE FUNCTION within_note(note text) RETURNS text LANGUAGE plpgsql SET waltrail.context = '{"within": 1}' AS $$
BEGIN INSERT INTO within_log VALUES (note); RETURN note; END $$;
CREATE FUNCTION within_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM within_note('for ' || new.id); RETURN new; END $$;
CREATE TRIGGER note BEFORE INSERT OR UPDATE ON within FOR EACH ROW EXECUTE FUNCTION within_trigger();
CREATE TRIGGER note BEFORE INSERT ON within_low FOR EACH ROW EXECUTE FUNCTION within_trigger();
SET waltrail.context = '{"mine": 1}';
INSERT INTO within VALUES (1), (2);
UPDATE within SET note = 'x' WHERE id = 1;
INSERT INTO within VALUES (1) ON CONFLICT (id) DO UPDATE SET note = within_note('set');
INSERT INTO within_parts VALUES (1), (2);
COPY within_parts (id) FROM STDIN;
3
4
\.
CREATE TABLE within_made AS SELECT i AS id, within_note('made ' || i) FROM generate_series(1, 2) AS i;
-- a setting that a trigger changes for good holds from the next row on
CREATE FUNCTION within_set() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('waltrail.context', jsonb_build_object('after', new.id)::text, true);
    INSERT INTO within_log VALUES ('set by ' || new.id);
    RETURN new;
END $$;
CREATE TABLE within_setting (id integer PRIMARY KEY);
CREATE TRIGGER set BEFORE INSERT ON within_setting FOR EACH ROW EXECUTE FUNCTION within_set();
INSERT INTO within_setting VALUES (1), (2), (3);
SELECT d->>'operation' AS operation, d->>'table' AS "table", coalesce(d->'after'->>'id', d->'after'->>'note') AS row, d->'context' AS context
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('within', NULL, NULL, 'format', 'json')) AS changes;
-- what is rolled back within may have the server build the table's entry anew
CREATE FUNCTION within_rolls_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        GRANT SELECT ON within TO pg_monitor;
        RAISE 'no';
    EXCEPTION WHEN raise_exception THEN
        NULL;
    END;
    PERFORM count(*) FROM pg_class;
    RETURN new;
END $$;
CREATE OR REPLACE TRIGGER note BEFORE INSERT OR UPDATE ON within FOR EACH ROW EXECUTE FUNCTION within_rolls_back();
DO $$
BEGIN
    FOR i IN 1..200 LOOP
        INSERT INTO within VALUES (i % 50) ON CONFLICT (id) DO UPDATE SET note = 'again';
        PERFORM set_config('waltrail.context', jsonb_build_object('i', i)::text, true);
    END LOOP;
END $$;
SELECT count(*), count(DISTINCT d->'context') AS contexts, count(*) FILTER (WHERE d->'context' = '{}') AS without
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('within', NULL, NULL, 'format', 'json')) AS changes;
-- functions that look at the table itself
CREATE FUNCTION within_looks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN new.note := (pgstattuple(tg_relid)).table_len >= 0; RETURN new; END $$;
CREATE OR REPLACE TRIGGER note BEFORE INSERT OR UPDATE ON within FOR EACH ROW EXECUTE FUNCTION within_looks();
CREATE FUNCTION within_tries() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    BEGIN RAISE 'no'; EXCEPTION WHEN raise_exception THEN NULL; END;
    RETURN (pgstattuple('within')).table_len >= 0;
END $$;
CREATE TABLE within_defaults (id integer, size boolean DEFAULT (pgstattuple('within_defaults')).table_len >= 0);
INSERT INTO within VALUES (100);
INSERT INTO within VALUES (100) ON CONFLICT (id) DO UPDATE SET note = (pgstattuple('within')).table_len >= 0;
UPDATE within SET note = within_tries() WHERE id = 100;
COPY within_defaults (id) FROM STDIN;
1
\.
SELECT d->>'table' AS "table", d->'context' AS context
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('within', NULL, NULL, 'format', 'json')) AS changes;
-- COPY, whose statement triggers come before its rows, and partitions, which may ask the partition key's function
CREATE FUNCTION within_undoes(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        EXECUTE format('GRANT SELECT ON %s TO pg_monitor', relation);
        RAISE 'no';
    EXCEPTION WHEN raise_exception THEN
        NULL;
    END;
    EXECUTE format('SELECT count(*) FROM %s', relation);
    PERFORM pgstattuple(relation);
END $$;
CREATE FUNCTION within_statement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM within_undoes(tg_relid); RETURN NULL; END $$;
CREATE TABLE within_copied (id integer);
CREATE TRIGGER statement BEFORE INSERT ON within_copied FOR EACH STATEMENT EXECUTE FUNCTION within_statement();
COPY within_copied FROM STDIN;
1
\.
INSERT INTO within_copied VALUES (2) ON CONFLICT DO NOTHING;
CREATE FUNCTION within_key(id integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN PERFORM within_undoes('within_leaf'); RETURN id; END $$;
CREATE TABLE within_keyed (id integer) PARTITION BY RANGE (within_key(id));
CREATE TABLE within_leaf PARTITION OF within_keyed FOR VALUES FROM (0) TO (100);
CREATE UNIQUE INDEX ON within_leaf (id);
COPY within_leaf FROM STDIN;
1
\.
INSERT INTO within_leaf VALUES (2) ON CONFLICT DO NOTHING;
SELECT d->>'table' AS "table", d->'after'->>'id' AS id, d->'context' AS context
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('within', NULL, NULL, 'format', 'json')) AS changes;
-- prepared statements that functions execute are the functions' own
RESET waltrail.context;
CREATE FUNCTION within_prepared() RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'PREPARE within_inner AS INSERT INTO within_log VALUES (''inner'') /*Bemi {"is": "inner"} Bemi*/';
    EXECUTE 'EXECUTE within_inner';
    DEALLOCATE within_inner;
    RETURN 'outer';
END $$;
PREPARE within_outer AS INSERT INTO within_log SELECT note FROM within_prepared() AS note /*Bemi {"is": "outer"} Bemi*/;
EXECUTE within_outer;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE within_outer \g /dev/null
-- and so is what computes the parameters of EXECUTE
CREATE FUNCTION within_parameter(note text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN INSERT INTO within_log VALUES ('for ' || note) /*Bemi {"is": "a parameter's"} Bemi*/; RETURN note; END $$;
PREPARE within_parameters(text) AS INSERT INTO within_log VALUES ($1) /*Bemi {"is": "prepare"} Bemi*/;
EXECUTE within_parameters(within_parameter('execute'));
EXECUTE within_parameters(within_parameter('execute with a comment')) /*Bemi {"is": "execute"} Bemi*/;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE within_parameters(within_parameter('explain')) \g /dev/null
PREPARE within_selected(text) AS SELECT $1 AS note /*Bemi {"is": "prepare"} Bemi*/;
CREATE TABLE within_executed AS EXECUTE within_selected(within_parameter('create table as'));
SELECT d->'after'->>'note' AS note, d->'context' AS context
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('within', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('within');
DEALLOCATE ALL;
DROP TABLE within, within_log, within_parts, within_made, within_setting, within_defaults, within_copied, within_keyed, within_executed;
DROP FUNCTION within_note, within_trigger, within_set, within_rolls_back, within_looks, within_tries, within_undoes, within_statement, within_key, within_prepared, within_parameter;
DROP EXTENSION pgstattuple;
