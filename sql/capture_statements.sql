-- every kind of statement that writes carries the context of the client's statement; needs the library in shared_preload_libraries
CREATE TABLE captured (id integer PRIMARY KEY, note text);
CREATE TABLE captured_child (id integer PRIMARY KEY, parent integer REFERENCES captured ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE captured_log (id serial PRIMARY KEY, note text);
CREATE TABLE captured_parts (id integer PRIMARY KEY, note text) PARTITION BY RANGE (id);
CREATE TABLE captured_low PARTITION OF captured_parts FOR VALUES FROM (0) TO (100);
CREATE TABLE captured_high PARTITION OF captured_parts FOR VALUES FROM (100) TO (200);
SELECT 'slot' FROM pg_create_logical_replication_slot('captured', 'waltrail');
INSERT INTO captured VALUES (1), (2), (3), (4) /*Bemi {"is": "insert"} Bemi*/;
UPDATE captured SET note = 'a' WHERE id = 1 /*Bemi {"is": "update"} Bemi*/;
DELETE FROM captured WHERE id = 4 /*Bemi {"is": "delete"} Bemi*/;
MERGE INTO captured USING (VALUES (1), (5)) AS v (id) ON captured.id = v.id
 WHEN MATCHED THEN UPDATE SET note = 'm' WHEN NOT MATCHED THEN INSERT VALUES (v.id, 'm') /*Bemi {"is": "merge"} Bemi*/;
INSERT INTO captured VALUES (1, 'c') ON CONFLICT (id) DO UPDATE SET note = excluded.note /*Bemi {"is": "upsert"} Bemi*/;
INSERT INTO captured VALUES (1, 'c'), (8, 'z') ON CONFLICT DO NOTHING /*Bemi {"is": "unless in conflict"} Bemi*/;
CREATE TABLE captured_unindexed (note text);
INSERT INTO captured_unindexed VALUES ('never in conflict') ON CONFLICT DO NOTHING /*Bemi {"is": "unless in conflict"} Bemi*/;
DELETE FROM captured WHERE id = 8;
COPY captured FROM STDIN /*Bemi {"is": "copy"} Bemi*/;
6	x
7	y
\.
WITH gone AS (DELETE FROM captured WHERE id IN (6, 7) RETURNING id), said AS (INSERT INTO captured_log (note) SELECT 'gone ' || id FROM gone)
SELECT count(*) FROM gone /*Bemi {"is": "with"} Bemi*/;
-- nobody asks for its rows
WITH said AS (INSERT INTO captured_log (note) VALUES ('unasked')) SELECT 1 AS one /*Bemi {"is": "unasked"} Bemi*/;
CREATE TABLE captured_made AS SELECT 1 AS id /*Bemi {"is": "create table as"} Bemi*/;
SELECT 2 AS id INTO captured_into /*Bemi {"is": "select into"} Bemi*/;
TRUNCATE captured_made, captured_into /*Bemi {"is": "truncate"} Bemi*/;
-- partitions: routed, moved, by their own name
INSERT INTO captured_parts VALUES (1), (101) /*Bemi {"is": "routed"} Bemi*/;
DELETE FROM captured_parts WHERE id = 101 /*Bemi {"is": "through the root"} Bemi*/;
UPDATE captured_parts SET id = 102 WHERE id = 1 /*Bemi {"is": "moved"} Bemi*/;
INSERT INTO captured_low VALUES (2) /*Bemi {"is": "leaf"} Bemi*/;
COPY captured_parts (id) FROM STDIN /*Bemi {"is": "copy routed"} Bemi*/;
3
103
\.
MERGE INTO captured_parts USING (VALUES (3), (104)) AS v (id) ON captured_parts.id = v.id
 WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (v.id) /*Bemi {"is": "merge routed"} Bemi*/;
-- functions, procedures, blocks
CREATE FUNCTION captured_say(note text) RETURNS void LANGUAGE sql AS $$ INSERT INTO captured_log (note) VALUES (note) $$;
CREATE FUNCTION captured_try(note text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        INSERT INTO captured_log (note) VALUES (note || ', rolled back');
        RAISE 'no';
    EXCEPTION WHEN raise_exception THEN
        INSERT INTO captured_log (note) VALUES (note || ', handled');
    END;
    INSERT INTO captured_log (note) VALUES (note || ', after');
END $$;
CREATE PROCEDURE captured_run() LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO captured_log (note) VALUES ('first');
    COMMIT;
    INSERT INTO captured_log (note) VALUES ('second /*Bemi {"is": "of the body"} Bemi*/') /*Bemi {"is": "of the body"} Bemi*/;
    ROLLBACK;
    INSERT INTO captured_log (note) VALUES ('third');
END $$;
SELECT captured_say('by a function') /*Bemi {"is": "function"} Bemi*/;
SELECT captured_try('tried') /*Bemi {"is": "exception block"} Bemi*/;
CALL captured_run() /*Bemi {"is": "call"} Bemi*/;
DO $$ BEGIN PERFORM captured_try('done'); EXECUTE 'DELETE FROM captured_log WHERE note LIKE ''done%'''; END $$ /*Bemi {"is": "do"} Bemi*/;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) INSERT INTO captured_log (note) VALUES ('explained') /*Bemi {"is": "explain analyze"} Bemi*/ \g /dev/null
EXPLAIN (COSTS OFF) INSERT INTO captured_log (note) VALUES ('not run') /*Bemi {"is": "explain"} Bemi*/;
-- triggers and the actions of foreign keys
CREATE FUNCTION captured_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO captured_log (note) VALUES (format('%s %s', tg_when, tg_op)); RETURN coalesce(new, old); END $$;
CREATE TRIGGER before BEFORE INSERT OR UPDATE OR DELETE ON captured FOR EACH ROW EXECUTE FUNCTION captured_note();
CREATE TRIGGER after AFTER INSERT OR UPDATE OR DELETE ON captured FOR EACH ROW EXECUTE FUNCTION captured_note();
INSERT INTO captured_child VALUES (11, 1), (12, 2) /*Bemi {"is": "children"} Bemi*/;
UPDATE captured SET id = 20 WHERE id = 2 /*Bemi {"is": "cascade of update"} Bemi*/;
DELETE FROM captured WHERE id IN (1, 20) /*Bemi {"is": "cascade of delete"} Bemi*/;
DROP TRIGGER before ON captured;
DROP TRIGGER after ON captured;
-- prepared statements: EXECUTE's comment wins over PREPARE's
PREPARE captured_prepared (integer) AS INSERT INTO captured VALUES ($1, 'p') /*Bemi {"is": "prepare"} Bemi*/;
EXECUTE captured_prepared(30);
EXECUTE captured_prepared(31) /*Bemi {"is": "execute"} Bemi*/;
EXECUTE captured_prepared(32);
PREPARE captured_rows AS SELECT generate_series(1, 2) AS id;
CREATE TABLE captured_executed AS EXECUTE captured_rows /*Bemi {"is": "create table as execute"} Bemi*/;
-- cursors: FETCH's comment wins over DECLARE's
BEGIN;
DECLARE captured_cursor CURSOR FOR SELECT captured_say('fetched ' || i) FROM generate_series(1, 3) AS i /*Bemi {"is": "declare"} Bemi*/;
FETCH 1 FROM captured_cursor;
FETCH 1 FROM captured_cursor /*Bemi {"is": "fetch"} Bemi*/;
MOVE 1 FROM captured_cursor;
CLOSE captured_cursor;
COMMIT;
-- what a transaction puts off to its end
CREATE CONSTRAINT TRIGGER deferred AFTER INSERT ON captured DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION captured_note();
INSERT INTO captured VALUES (40, 'd') /*Bemi {"is": "deferred, alone"} Bemi*/;
BEGIN;
INSERT INTO captured VALUES (41, 'd') /*Bemi {"is": "deferred"} Bemi*/;
SELECT 1 AS one;
COMMIT;
BEGIN;
INSERT INTO captured VALUES (42, 'd') /*Bemi {"is": "put off"} Bemi*/;
SET CONSTRAINTS ALL IMMEDIATE;
INSERT INTO captured VALUES (43, 'd') /*Bemi {"is": "not put off"} Bemi*/;
COMMIT;
DROP TRIGGER deferred ON captured;
-- several statements in one string, each with its own
DELETE FROM captured WHERE id = 40 /*Bemi {"is": "one"} Bemi*/\; /*Bemi {"is": "two"} Bemi*/ DELETE FROM captured WHERE id = 41\; DELETE FROM captured WHERE id = 42;
-- rules: what one does is the statement's that it was made for; where nothing is left of that, and several stand in the string, nobody's
CREATE TABLE captured_ruled (id integer PRIMARY KEY);
CREATE VIEW captured_seen AS SELECT id FROM captured_ruled;
CREATE RULE also AS ON INSERT TO captured_ruled DO ALSO INSERT INTO captured_log (note) VALUES ('also ' || new.id);
CREATE RULE instead AS ON INSERT TO captured_seen DO INSTEAD INSERT INTO captured_log (note) VALUES ('instead of ' || new.id);
INSERT INTO captured_ruled VALUES (1) /*Bemi {"is": "ruled one"} Bemi*/\; INSERT INTO captured_ruled VALUES (2) /*Bemi {"is": "ruled two"} Bemi*/\; INSERT INTO captured_ruled VALUES (3);
INSERT INTO captured_ruled VALUES (4) /*Bemi {"is": "ruled alone"} Bemi*/;
INSERT INTO captured_seen VALUES (5) /*Bemi {"is": "instead, alone"} Bemi*/;
/*Bemi {"is": "instead one"} Bemi*/ INSERT INTO captured_seen VALUES (6)\; INSERT INTO captured_seen VALUES (7) /*Bemi {"is": "instead two"} Bemi*/;
PREPARE captured_also (integer) AS INSERT INTO captured_ruled VALUES ($1) /*Bemi {"is": "prepared, with a rule"} Bemi*/;
EXECUTE captured_also(8);
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE captured_also(9) \g /dev/null
SELECT d->>'operation' AS operation, d->>'table' AS "table", d->>'primary_key' AS key, coalesce(d->'after'->>'note', d->'before'->>'note') AS note, d->'context' AS context
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('captured', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('captured');
DEALLOCATE ALL;
DROP VIEW captured_seen;
DROP TABLE captured, captured_child, captured_log, captured_parts, captured_made, captured_into, captured_executed, captured_unindexed, captured_ruled;
DROP FUNCTION captured_say, captured_try, captured_note;
DROP PROCEDURE captured_run;
