-- Patterns as everywhere in waltrail (wire/name_pattern.hpp): schema.table, a part in double quotes stands for itself, outside of
-- them * stands for any characters, and case counts. Here each part becomes a pattern of LIKE.
CREATE FUNCTION changes.table_pattern(pattern text, OUT schema_like text, OUT table_like text)
LANGUAGE plpgsql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    parts CONSTANT text[] := regexp_match(btrim(pattern), '^("(?:[^"]|"")+"|[^".,]+)\.("(?:[^"]|"")+"|[^".,]+)$');
BEGIN
    IF parts IS NULL THEN
        RAISE EXCEPTION 'invalid table pattern %', coalesce('"' || pattern || '"', 'NULL')
            USING ERRCODE = 'invalid_parameter_value',
                  HINT = 'Give schema.table; * stands for any characters, and a part with a dot, a quote or a star goes into double quotes.';
    END IF;
    SELECT likes[1], likes[2] INTO schema_like, table_like
      FROM (SELECT array_agg(CASE WHEN p.part LIKE '"%' THEN replace(substr(e.escaped, 2, length(e.escaped) - 2), '""', '"')
                                  ELSE replace(e.escaped, '*', '%') END ORDER BY p.place)
              FROM unnest(parts) WITH ORDINALITY AS p (part, place)
             CROSS JOIN LATERAL (SELECT regexp_replace(p.part, '([\\%_])', '\\\1', 'g')) AS e (escaped)) AS l (likes);
END
$$;

COMMENT ON FUNCTION changes.table_pattern(text) IS
'Internal. Returns a pattern schema.table as two patterns of LIKE. Errors: 22023 where it is none.
Example: SELECT * FROM changes.table_pattern(''public.*'');';
