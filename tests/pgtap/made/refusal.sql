-- Why changes.revert_sql() refuses what it is asked for with these arguments, without the ids of the changes; 'none' where it does not.
CREATE FUNCTION pg_temp.refusal(arguments text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    detail text;
BEGIN
    EXECUTE format('SELECT changes.revert_sql(%s)', arguments);
    RETURN 'none';
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
    RETURN regexp_replace(detail, '[0-9a-f]{8}-[0-9a-f-]{27}', 'ID', 'g');
END
$$;
