-- One place that decides what a retention is:
--
--   text                              | result
--   ----------------------------------+---------------------------------------------
--   'unlimited', in any case          | NULL: nothing is ever dropped
--   an interval of more than nothing  | that interval
--   a bare number                     | error: PostgreSQL would read '15' as 15 seconds
--   anything else, NULL included      | error
CREATE FUNCTION changes.parse_retention(retention text)
RETURNS interval
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres'
AS $$
DECLARE
    kept interval;
BEGIN
    IF lower(btrim(retention)) = 'unlimited' THEN
        RETURN NULL;
    END IF;
    BEGIN
        kept := retention::interval;
        IF kept > interval '0' AND retention !~ '^[\s\d.+-]*$'
           AND isfinite(now() - kept) THEN
            RETURN kept;
        END IF;
    EXCEPTION
        WHEN invalid_datetime_format OR datetime_field_overflow OR interval_field_overflow THEN
            NULL;
    END;
    RAISE EXCEPTION 'invalid retention %', coalesce('"' || retention || '"', 'NULL')
        USING ERRCODE = 'invalid_parameter_value',
              HINT = 'Give an interval with its unit, such as ''15 days'' or ''30 days'', or ''unlimited''.';
END
$$;

COMMENT ON FUNCTION changes.parse_retention(text) IS
'Internal. Returns how long changes are kept, as an interval; NULL for ''unlimited''.
Errors: 22023 for anything but ''unlimited'' and a positive interval with a unit.
Example: SELECT changes.parse_retention(''30 days'');';
