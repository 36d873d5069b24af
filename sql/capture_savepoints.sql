-- what a savepoint rolled back said was never said; needs the library in shared_preload_libraries
CREATE TABLE said (id integer PRIMARY KEY);
SELECT 'slot' FROM pg_create_logical_replication_slot('said', 'waltrail');
-- the same context again, when its message is gone
BEGIN;
SAVEPOINT a;
INSERT INTO said VALUES (1) /*Bemi {"a": 1} Bemi*/;
ROLLBACK TO a;
INSERT INTO said VALUES (2) /*Bemi {"a": 1} Bemi*/;
SAVEPOINT b;
INSERT INTO said VALUES (3) /*Bemi {"b": 1} Bemi*/;
ROLLBACK TO b;
INSERT INTO said VALUES (4) /*Bemi {"a": 1} Bemi*/;
INSERT INTO said VALUES (5);
COMMIT;
-- released, it is its parent's
BEGIN;
SAVEPOINT a;
SAVEPOINT b;
INSERT INTO said VALUES (11) /*Bemi {"a": 1} Bemi*/;
RELEASE b;
INSERT INTO said VALUES (12) /*Bemi {"a": 1} Bemi*/;
SAVEPOINT c;
INSERT INTO said VALUES (13) /*Bemi {"c": 1} Bemi*/;
RELEASE c;
ROLLBACK TO a;
INSERT INTO said VALUES (14) /*Bemi {"a": 1} Bemi*/;
SAVEPOINT d;
INSERT INTO said VALUES (15) /*Bemi {"d": 1} Bemi*/;
SAVEPOINT e;
INSERT INTO said VALUES (16);
RELEASE e;
RELEASE d;
INSERT INTO said VALUES (17) /*Bemi {"d": 1} Bemi*/;
INSERT INTO said VALUES (18);
COMMIT;
-- an error in a transaction block, and in a statement that had said its context
BEGIN;
INSERT INTO said VALUES (21) /*Bemi {"a": 1} Bemi*/;
SAVEPOINT a;
INSERT INTO said VALUES (22), (21) /*Bemi {"b": 1} Bemi*/;
ROLLBACK TO a;
INSERT INTO said VALUES (23) /*Bemi {"b": 1} Bemi*/;
INSERT INTO said VALUES (24) /*Bemi {"a": 1} Bemi*/;
COMMIT;
BEGIN;
INSERT INTO said VALUES (31) /*Bemi {"a": 1} Bemi*/;
ROLLBACK;
INSERT INTO said VALUES (32) /*Bemi {"a": 1} Bemi*/;
-- a setting is rolled back with the savepoint, too
BEGIN;
SET LOCAL waltrail.context = '{"s": 1}';
SAVEPOINT a;
SET LOCAL waltrail.context = '{"s": 2}';
INSERT INTO said VALUES (41);
ROLLBACK TO a;
INSERT INTO said VALUES (42);
COMMIT;
INSERT INTO said VALUES (43);
-- inside one statement: functions that try, that set, and that return to what was set
CREATE FUNCTION pg_temp.try(i integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO said VALUES (i + 1000);
    RAISE 'no';
EXCEPTION WHEN raise_exception THEN
    RETURN i;
END $$;
INSERT INTO said SELECT pg_temp.try(i) FROM generate_series(51, 53) AS i /*Bemi {"tried": 1} Bemi*/;
CREATE FUNCTION pg_temp.other(i integer) RETURNS integer LANGUAGE plpgsql SET waltrail.context = '{"other": 1}' AS $$
BEGIN
    INSERT INTO said VALUES (i + 1000);
    RETURN i;
END $$;
SET waltrail.context = '{"mine": 1}';
INSERT INTO said SELECT pg_temp.other(i) FROM generate_series(61, 62) AS i;
INSERT INTO said SELECT pg_temp.other(i) FROM generate_series(63, 63) AS i /*Bemi {"comment": 1} Bemi*/;
CREATE FUNCTION pg_temp.set(i integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('waltrail.context', jsonb_build_object('row', i)::text, true);
    RETURN i;
END $$;
INSERT INTO said SELECT pg_temp.set(i) FROM generate_series(71, 73) AS i;
INSERT INTO said VALUES (74);
RESET waltrail.context;
-- a trigger's block that has said something else and fails holds up what is said for the next row
CREATE TABLE caught (id integer PRIMARY KEY);
CREATE TABLE taken (id integer PRIMARY KEY);
INSERT INTO taken VALUES (1);
CREATE FUNCTION pg_temp.fails_within() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    said text;
BEGIN
    BEGIN
        PERFORM set_config('waltrail.context', '{"within": 1}', true);
        INSERT INTO taken VALUES (1);
    EXCEPTION WHEN unique_violation THEN
        NULL;
    END;
    said := set_config('waltrail.context', jsonb_build_object('after', new.id)::text, true);
    IF new.id > 91 THEN PERFORM count(*) FROM taken; END IF;
    RETURN new;
END $$;
CREATE TRIGGER fails_within BEFORE INSERT ON caught FOR EACH ROW EXECUTE FUNCTION pg_temp.fails_within();
BEGIN;
SET LOCAL waltrail.context = '{"mine": 1}';
INSERT INTO caught VALUES (91), (92), (93);
COMMIT;
-- a transaction that begins where another ends begins anew
BEGIN;
INSERT INTO said VALUES (101) /*Bemi {"chained": 1} Bemi*/;
COMMIT AND CHAIN;
INSERT INTO said VALUES (102) /*Bemi {"chained": 1} Bemi*/;
ROLLBACK AND CHAIN;
INSERT INTO said VALUES (103) /*Bemi {"chained": 1} Bemi*/;
COMMIT;
-- a table that is written by the statement and by its own trigger, which drops the row or not
CREATE FUNCTION pg_temp.drop_even() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF new.id >= 2000 THEN RETURN new; END IF;
    UPDATE said SET id = id WHERE false;
    IF new.id % 2 = 0 THEN INSERT INTO said VALUES (new.id + 2000); RETURN NULL; END IF;
    RETURN new;
END $$;
CREATE TRIGGER drop_even BEFORE INSERT ON said FOR EACH ROW EXECUTE FUNCTION pg_temp.drop_even();
INSERT INTO said VALUES (81) /*Bemi {"kept": 1} Bemi*/;
INSERT INTO said VALUES (82), (83) /*Bemi {"dropped": 1} Bemi*/;
SELECT d->'after'->>'id' AS id, d->>'context' AS context
FROM (SELECT data::jsonb AS d FROM pg_logical_slot_get_changes('said', NULL, NULL, 'format', 'json')) AS changes;
SELECT pg_drop_replication_slot('said');
DROP TABLE said, caught, taken;
