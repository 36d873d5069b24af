-- What an on-call person looks at first. Each check is a row, also where it is fine: that it was looked at is an answer, too.
CREATE FUNCTION changes.health()
RETURNS TABLE ("check" text, status text, detail text, hint text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM changes.health_of_partitions();
    RETURN QUERY SELECT * FROM changes.health_of_sources();
END
$$;

COMMENT ON FUNCTION changes.health() IS
'Returns what changes.setup(), changes.maintain() and apply should have kept in order, one row for each check: its name, ok, warning or
error, what was seen, and what to do. Errors: 42P01 before changes.setup().
Example: SELECT * FROM changes.health() WHERE status <> ''ok'';';

CREATE FUNCTION changes.health_of_partitions()
RETURNS TABLE ("check" text, status text, detail text, hint text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    default_partition regclass;
    in_default bigint := 0;
    made_until timestamptz;
    hole timestamptz;
    expired bigint;
    invalid text;
BEGIN
    SELECT p.partition INTO default_partition FROM changes.partitions() AS p WHERE p.is_default;
    IF default_partition IS NOT NULL THEN
        EXECUTE format('SELECT count(*) FROM (SELECT FROM ONLY %s LIMIT 100000) AS few', default_partition) INTO in_default;
    END IF;
    RETURN QUERY SELECT 'default partition', CASE WHEN in_default > 0 THEN 'warning' ELSE 'ok' END,
        CASE WHEN default_partition IS NULL THEN 'there is none'
             ELSE format('%s%s rows without a partition of their own', CASE WHEN in_default = 100000 THEN 'at least ' END, in_default) END,
        CASE WHEN in_default > 0 THEN 'CALL changes.maintain(); what stays is dated far ahead.' END;

    SELECT max(p.upper_bound) FILTER (WHERE isfinite(p.upper_bound)) INTO made_until FROM changes.partitions() AS p;
    SELECT min(x.upper_bound) INTO hole
      FROM (SELECT p.upper_bound, lead(p.lower_bound) OVER (ORDER BY p.lower_bound) AS next_bound
              FROM changes.partitions() AS p WHERE NOT p.is_default) AS x
     WHERE x.next_bound > x.upper_bound;
    RETURN QUERY SELECT 'partitions ahead',
        CASE WHEN made_until IS NULL OR made_until <= now() THEN 'error' WHEN made_until < now() + interval '1 day' OR hole > now() - interval '1 day' THEN 'warning' ELSE 'ok' END,
        concat_ws('; ', coalesce('made until ' || made_until, 'there are no partitions'), 'the first hole begins at ' || hole),
        CASE WHEN made_until IS NULL OR made_until < now() + interval '1 day' THEN 'CALL changes.maintain(); waltrail apply does it while it runs.' END;

    SELECT count(*) INTO expired FROM changes.partitions() AS p
     WHERE p.upper_bound < changes.retention_cutoff() - interval '1 day';
    RETURN QUERY SELECT 'retention', CASE WHEN expired > 0 THEN 'warning' ELSE 'ok' END,
        format('%s partitions are more than a day past the retention', expired),
        CASE WHEN expired > 0 THEN 'CALL changes.maintain(); and read its warnings: something may hold a partition.' END;

    SELECT string_agg(i.indexrelid::regclass::text, ', ' ORDER BY i.indexrelid::regclass::text) INTO invalid
      FROM pg_catalog.pg_index AS i
     WHERE (NOT i.indisvalid OR NOT i.indisready)
       AND (i.indrelid = to_regclass('public.changes') OR i.indrelid IN (SELECT p.partition FROM changes.partitions() AS p));
    RETURN QUERY SELECT 'indexes', CASE WHEN invalid IS NULL THEN 'ok' ELSE 'error' END,
        coalesce('not valid: ' || invalid, 'all are valid'), CASE WHEN invalid IS NOT NULL THEN 'REINDEX INDEX CONCURRENTLY each of them.' END;
END
$$;

COMMENT ON FUNCTION changes.health_of_partitions() IS
'Internal. Returns the rows of changes.health() about partitions and indexes. Errors: 42P01 before changes.setup().
Example: SELECT * FROM changes.health_of_partitions();';

-- Lag is judged by the time that the trail has come to. On an idle source apply records that every ten seconds, and where source and
-- destination are one server every five minutes (each record is WAL of the source). A source that tells no time (a standby) is judged by
-- when apply last recorded something: that it was there.
CREATE FUNCTION changes.health_of_sources()
RETURNS TABLE ("check" text, status text, detail text, hint text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    behind_warning_seconds CONSTANT numeric := 60;
    behind_error_seconds CONSTANT numeric := 600;
    one_server_seconds CONSTANT numeric := 300;
BEGIN
    RETURN QUERY
    SELECT format('lag of %s', l.source),
           CASE WHEN j.seconds IS NULL THEN 'warning' WHEN j.seconds > behind_error_seconds THEN 'error'
                WHEN j.seconds > behind_warning_seconds THEN 'warning' ELSE 'ok' END,
           concat(CASE WHEN l.seconds_behind IS NULL THEN 'no commit is recorded yet'
                       ELSE format('complete to %s, %s s ago; apply last recorded at %s', l.horizon_time, l.seconds_behind, l.recorded_at) END,
                  CASE WHEN t.is_told = false THEN '; the source tells no time, so whether there is more is not known here' END),
           CASE WHEN coalesce(j.seconds, 'infinity') > behind_warning_seconds
                THEN 'See that waltrail apply runs, and ask waltrail status with --source.' END
      FROM changes.lag() AS l
      JOIN changes.sources AS s ON s.label = l.source
     CROSS JOIN LATERAL (SELECT bool_or(a.source_time IS NOT NULL) FROM changes.applied AS a WHERE a.source_id = s.id) AS t (is_told)
     CROSS JOIN LATERAL (
               SELECT CASE WHEN l.seconds_behind IS NULL OR t.is_told THEN l.seconds_behind
                           ELSE least(l.seconds_behind, extract(epoch FROM clock_timestamp() - l.recorded_at)) END
                      - CASE WHEN s.system_identifier = (SELECT c.system_identifier FROM pg_catalog.pg_control_system() AS c)
                             THEN one_server_seconds ELSE 0 END) AS j (seconds);
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'sources', 'warning', 'none is registered', 'Run waltrail init.';
    END IF;
    RETURN QUERY
    SELECT 'quarantine', CASE WHEN count(*) > 0 THEN 'warning' ELSE 'ok' END,
           concat(format('%s changes are not in the trail', count(*)), ', the newest since ' || max(q.quarantined_at)),
           CASE WHEN count(*) > 0 THEN 'docs/operations.md says how to read and write them.' END
      FROM changes.quarantine AS q WHERE q.part = 0;
    RETURN QUERY
    SELECT 'gaps', CASE WHEN count(*) > 0 THEN 'warning' ELSE 'ok' END,
           concat(format('%s ranges are missing', count(*)), ', the newest noted at ' || max(g.noted_at)),
           CASE WHEN count(*) > 0 THEN 'SELECT * FROM changes.gaps; questions about these times are refused.' END
      FROM changes.gaps AS g;
    RETURN QUERY
    SELECT 'marked values', 'ok', format('%s changes have a value that jsonb cannot hold as it is', coalesce(sum(a.marked), 0)),
           CASE WHEN sum(a.marked) > 0 THEN 'docs/values.md, "Marks", says how to find and to read them.' END
      FROM changes.applied AS a;
END
$$;

COMMENT ON FUNCTION changes.health_of_sources() IS
'Internal. Returns the rows of changes.health() about sources, and what is missing of them. Errors: 42P01 before changes.setup().
Example: SELECT * FROM changes.health_of_sources();';
