-- an error in the middle of decoding leaves no setting behind, and what was decoded before it is decoded again
CREATE TYPE failing;
CREATE FUNCTION failing_in(cstring) RETURNS failing LANGUAGE internal IMMUTABLE STRICT AS 'int4in';
-- reads the number as the OID of an enum's label, which it is not
CREATE FUNCTION failing_out(failing) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'enum_out';
CREATE TYPE failing (INPUT = failing_in, OUTPUT = failing_out, LIKE = integer);
CREATE TABLE failing_output (id integer PRIMARY KEY, span interval, f failing);
SELECT 'slot' FROM pg_create_logical_replication_slot('failing_output', 'waltrail');
INSERT INTO failing_output VALUES (1, '1 day'), (2, '2 days');
INSERT INTO failing_output VALUES (3, '3 days', NULL), (4, '4 days', '5');
SET IntervalStyle = 'iso_8601';
\set VERBOSITY terse
SELECT data FROM pg_logical_slot_get_changes('failing_output', NULL, NULL, 'format', 'json');
SHOW IntervalStyle;
DO $$
BEGIN
    PERFORM data FROM pg_logical_slot_get_changes('failing_output', NULL, NULL, 'format', 'json');
EXCEPTION WHEN OTHERS THEN RAISE NOTICE '%: %', SQLERRM, current_setting('IntervalStyle');
END $$;
-- as if the type had been mended
UPDATE pg_type SET typoutput = 'int4out'::regproc WHERE typname = 'failing';
SELECT data::jsonb->'after' AS after FROM pg_logical_slot_get_changes('failing_output', NULL, 1, 'format', 'json');
SHOW IntervalStyle;
SELECT pg_drop_replication_slot('failing_output');
DROP TABLE failing_output;
DROP TYPE failing CASCADE;
