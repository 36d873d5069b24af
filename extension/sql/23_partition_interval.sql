-- How much time a partition holds. Each partition costs every query some planning, so years of trail must not mean thousands of them:
--
--   setting            | retention                 | interval
--   -------------------+---------------------------+---------
--   auto, or not there | up to 45 days             | 1 day
--   auto, or not there | up to a year              | 1 week
--   auto, or not there | longer, or unlimited      | 1 month
--   one of the five    | any                       | that one
--
-- Periods are those of UTC: days, weeks from Monday, months, quarters and years of the calendar.

CREATE FUNCTION changes.parse_partition_interval(partition_interval text)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres'
AS $$
DECLARE
    known text;
BEGIN
    IF lower(btrim(partition_interval)) = 'auto' THEN
        RETURN 'auto';
    END IF;
    -- As text: 30 days equal a month, for the operator of intervals.
    BEGIN
        SELECT k.name INTO known
          FROM unnest(ARRAY['1 day', '1 week', '1 month', '3 months', '1 year']) AS k (name)
         WHERE k.name::interval::text = partition_interval::interval::text;
    EXCEPTION
        WHEN invalid_datetime_format OR datetime_field_overflow OR interval_field_overflow THEN
            NULL;
    END;
    IF known IS NULL THEN
        RAISE EXCEPTION 'invalid partition interval %', coalesce('"' || partition_interval || '"', 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give 1 day, 1 week, 1 month, 3 months, 1 year, or auto, which follows from the retention.';
    END IF;
    RETURN known;
END
$$;

COMMENT ON FUNCTION changes.parse_partition_interval(text) IS
'Internal. Returns a partition interval in the form in which it is stored: ''1 day'', ''1 week'', ''1 month'', ''3 months'', ''1 year'' or ''auto''.
Errors: 22023 for anything else. Example: SELECT changes.parse_partition_interval(''7 days'');';

CREATE FUNCTION changes.partition_interval()
RETURNS interval
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    chosen text;
    kept interval;
BEGIN
    SELECT s.value INTO chosen FROM changes.settings AS s WHERE s.name = 'partition_interval';
    IF chosen <> 'auto' THEN
        RETURN chosen::interval;
    END IF;
    SELECT changes.parse_retention(s.value) INTO kept FROM changes.settings AS s WHERE s.name = 'retention';
    RETURN CASE
        WHEN kept <= interval '45 days' THEN interval '1 day'
        WHEN kept <= interval '366 days' THEN interval '1 week'
        ELSE interval '1 month'
    END;
END
$$;

COMMENT ON FUNCTION changes.partition_interval() IS
'Internal. Returns how much time a new partition holds. Errors: 42P01 before changes.setup().
Example: SELECT changes.partition_interval();';

CREATE FUNCTION changes.period_start(instant timestamptz, step interval)
RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
BEGIN
    RETURN date_trunc(
        CASE step
            WHEN interval '1 day' THEN 'day'
            WHEN interval '7 days' THEN 'week'
            WHEN interval '1 month' THEN 'month'
            WHEN interval '3 months' THEN 'quarter'
            WHEN interval '1 year' THEN 'year'
        END, instant);
END
$$;

COMMENT ON FUNCTION changes.period_start(timestamptz, interval) IS
'Internal. Returns the first instant of the period, of one of the five partition intervals, in which an instant lies. NULL for another interval.
Errors: none of its own. Example: SELECT changes.period_start(now(), ''1 month'');';
