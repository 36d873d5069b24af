-- The two settings of the trail, written in one place. NULL leaves one as it is; what was never set begins with 30 days and 'auto'.
CREATE FUNCTION changes.store_retention(retention text, partition_interval text)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET intervalstyle = 'postgres'
AS $$
DECLARE
    kept text;
    chosen text;
BEGIN
    IF retention IS NOT NULL THEN
        kept := coalesce(changes.parse_retention(retention)::text, 'unlimited');
    END IF;
    IF partition_interval IS NOT NULL THEN
        chosen := changes.parse_partition_interval(partition_interval);
    END IF;
    INSERT INTO changes.settings AS s (name, value)
    VALUES ('retention', coalesce(kept, '30 days'))
        ON CONFLICT (name) DO UPDATE SET value = coalesce(kept, s.value);
    INSERT INTO changes.settings AS s (name, value)
    VALUES ('partition_interval', coalesce(chosen, 'auto'))
        ON CONFLICT (name) DO UPDATE SET value = coalesce(chosen, s.value);
END
$$;

COMMENT ON FUNCTION changes.store_retention(text, text) IS
'Internal. Writes the retention and the partition interval into changes.settings; NULL leaves one as it is. Returns nothing.
Errors: 22023 for another retention or interval; 42P01 before changes.setup().
Example: SELECT changes.store_retention(''30 days'', NULL);';

CREATE FUNCTION changes.set_retention(retention text, partition_interval text DEFAULT NULL)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM changes.parse_retention(retention);
    PERFORM changes.require_trail();
    PERFORM changes.lock_trail(wait => true);
    PERFORM changes.store_retention(retention, partition_interval);
    PERFORM changes.register_partitions();
END
$$;

COMMENT ON FUNCTION changes.set_retention(text, text) IS
'Sets how long changes are kept, an interval or ''unlimited'', and how much time a partition made from now on holds: ''1 day'', ''1 week'',
''1 month'', ''3 months'', ''1 year'', or ''auto'', by which it follows from the retention; without it that stays as it was set. Partitions that
are there stay as they are. Returns nothing; changes.maintain() makes and drops. Errors: 22023 for anything else; 42P01 before changes.setup().
Example: SELECT changes.set_retention(''15 days'');';
