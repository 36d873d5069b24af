-- What an on-call person looks at first. Each check is a row, also where it is fine: that it was looked at is an answer, too.
CREATE FUNCTION changes.health()
RETURNS TABLE ("check" text, status text, detail text, hint text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT * FROM changes.health_of_partitions();
    RETURN QUERY SELECT * FROM changes.health_of_care();
    RETURN QUERY SELECT * FROM changes.health_of_sources();
END
$$;

COMMENT ON FUNCTION changes.health() IS
'Returns what changes.setup(), changes.maintain() and apply should have kept in order, one row for each check: its name, ok, warning or
error, what was seen, and what to do. Errors: 42P01 before changes.setup().
Example: SELECT * FROM changes.health() WHERE status <> ''ok'';';

-- Readers have no right on a partition itself. The parent is asked for the times that no partition holds: planning leaves all but the
-- default partition out.
CREATE FUNCTION changes.default_rows(enough bigint)
RETURNS bigint
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
SET datestyle = 'ISO'
AS $$
DECLARE
    condition text;
    rows bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM changes.partition_bounds() AS p WHERE p.is_default) THEN
        RETURN NULL;
    END IF;
    SELECT string_agg(concat_ws(' AND ', 'true', 'c.committed_at >= ' || quote_literal(lower(f.range)), 'c.committed_at < ' || quote_literal(upper(f.range))), ' OR ')
      INTO condition
      FROM unnest(tstzmultirange(tstzrange(NULL, NULL)) - (
               SELECT coalesce(range_agg(tstzrange(nullif(p.lower_bound, '-infinity'), nullif(p.upper_bound, 'infinity'))), '{}')
                 FROM changes.partition_bounds() AS p WHERE NOT p.is_default)) AS f (range);
    EXECUTE format('SELECT count(*) FROM (SELECT FROM public.changes AS c WHERE %s LIMIT $1) AS few', coalesce(condition, 'false'))
       INTO rows USING enough;
    RETURN rows;
END
$$;

COMMENT ON FUNCTION changes.default_rows(bigint) IS
'Internal. Returns how many rows the default partition has, and no more than enough; NULL where there is no such partition. Errors: 42501 for a role that may not
read public.changes; 42P01 before changes.setup(). Example: SELECT changes.default_rows(100000);';

CREATE FUNCTION changes.health_of_partitions()
RETURNS TABLE ("check" text, status text, detail text, hint text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
SET timezone = 'UTC'
AS $$
DECLARE
    in_default bigint;
    made_until timestamptz;
    hole timestamptz;
    expired bigint;
    invalid text;
BEGIN
    IF has_table_privilege('public.changes', 'SELECT') THEN
        in_default := changes.default_rows(100000);
        RETURN QUERY SELECT 'default partition', CASE WHEN in_default > 0 THEN 'warning' ELSE 'ok' END,
            coalesce(format('%s%s rows without a partition of their own', CASE WHEN in_default = 100000 THEN 'at least ' END, in_default::text),
                     'there is none'),
            CASE WHEN in_default > 0 THEN 'CALL changes.maintain(); what stays is dated far ahead.' END;
    END IF;

    SELECT max(x.upper_bound) FILTER (WHERE isfinite(x.upper_bound)), min(x.upper_bound) FILTER (WHERE x.next_bound > x.upper_bound)
      INTO made_until, hole
      FROM (SELECT p.upper_bound, lead(p.lower_bound) OVER (ORDER BY p.lower_bound) AS next_bound
              FROM changes.partition_bounds() AS p WHERE NOT p.is_default) AS x;
    RETURN QUERY SELECT 'partitions ahead', a.status,
        concat_ws('; ', coalesce('made until ' || made_until, 'there are no partitions'), 'the first hole begins at ' || hole),
        CASE WHEN a.status <> 'ok' THEN 'CALL changes.maintain(); waltrail apply does it while it runs.' END
      FROM (SELECT CASE WHEN made_until IS NULL OR made_until <= now() THEN 'error'
                        WHEN made_until < now() + interval '1 day' OR hole > now() - interval '1 day' THEN 'warning'
                        ELSE 'ok' END) AS a (status);

    SELECT count(*) INTO expired FROM changes.partition_bounds() AS p
     WHERE p.upper_bound < changes.retention_cutoff() - interval '1 day';
    RETURN QUERY SELECT 'retention', CASE WHEN expired > 0 THEN 'warning' ELSE 'ok' END,
        format('%s partitions are more than a day past the retention', expired),
        CASE WHEN expired > 0 THEN 'CALL changes.maintain(); and read its warnings: something may hold a partition.' END;

    SELECT string_agg(i.indexrelid::regclass::text, ', ' ORDER BY i.indexrelid::regclass::text) INTO invalid
      FROM pg_catalog.pg_index AS i
     WHERE (NOT i.indisvalid OR NOT i.indisready)
       AND (i.indrelid = to_regclass('public.changes') OR i.indrelid IN (SELECT p.partition FROM changes.partition_bounds() AS p));
    RETURN QUERY SELECT 'indexes', CASE WHEN invalid IS NULL THEN 'ok' ELSE 'error' END,
        coalesce('not valid: ' || invalid, 'all are valid'), CASE WHEN invalid IS NOT NULL THEN 'REINDEX INDEX CONCURRENTLY each of them.' END;
END
$$;

COMMENT ON FUNCTION changes.health_of_partitions() IS
'Internal. Returns the rows of changes.health() about partitions and indexes. Errors: 42P01 before changes.setup().
Example: SELECT * FROM changes.health_of_partitions();';

-- What nothing else tells: that nobody seals (apply does not where it runs as a writer: VACUUM is the owner's), and that the trail can be changed.
-- The first seals of an old trail take their time, and an empty partition needs none.
CREATE FUNCTION changes.health_of_care()
RETURNS TABLE ("check" text, status text, detail text, hint text)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    unsealed bigint;
    open_tables text[];
BEGIN
    SELECT count(*) INTO unsealed
      FROM changes.sealable_partitions() AS s (partition)
     CROSS JOIN LATERAL changes.partition_bounds(s.partition) AS b
     WHERE b.upper_bound < changes.retention_reference() - interval '1 day' AND changes.row_estimate(s.partition) > 0;
    RETURN QUERY SELECT 'sealing', CASE WHEN unsealed > 0 THEN 'warning' ELSE 'ok' END,
        format('%s partitions ended more than a day ago and had no last VACUUM', unsealed),
        CASE WHEN unsealed > 0 THEN 'As the trail''s owner: SELECT changes.vacuum_commands() \gexec; waltrail apply does it only where it runs as the owner.' END;

    open_tables := ARRAY(
        SELECT t.relation::text
          FROM (SELECT a FROM changes.append_only_tables() AS a UNION SELECT p.partition FROM changes.partition_bounds() AS p) AS t (relation)
         WHERE EXISTS (SELECT FROM changes.protection_commands(t.relation)) ORDER BY 1);
    RETURN QUERY SELECT 'append-only', CASE WHEN open_tables <> '{}' THEN 'error' ELSE 'ok' END,
        CASE WHEN open_tables <> '{}' THEN format('changes could be altered or deleted in %s of the tables: %s', cardinality(open_tables),
                                                  array_to_string(open_tables[1:5], ', ') || CASE WHEN cardinality(open_tables) > 5 THEN ', …' ELSE '' END)
             ELSE 'all tables refuse UPDATE, DELETE and TRUNCATE' END,
        CASE WHEN open_tables <> '{}' THEN 'SELECT changes.setup(); and find out who has disabled or dropped triggers.' END;
END
$$;

COMMENT ON FUNCTION changes.health_of_care() IS
'Internal. Returns the rows of changes.health() about seals and the append-only triggers. Errors: 42P01 before changes.setup().
Example: SELECT * FROM changes.health_of_care();';

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
