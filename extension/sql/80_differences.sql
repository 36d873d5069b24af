-- The view changes.differences is made at run time and no member, as the tables are: it must not depend on changes.diff(), or DROP
-- EXTENSION would fail, so it has that function's rules in its own text. It reads with the rights of whoever asks.
CREATE FUNCTION changes.create_differences()
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    EXECUTE format($view$
        CREATE OR REPLACE VIEW changes.differences WITH (security_invoker = true) AS
        SELECT c.id, c.database, c.schema, c."table", c.primary_key, c.operation,
               CASE WHEN c.operation <> 'UPDATE' OR c.before <> '{}' THEN (
                   SELECT coalesce(jsonb_object_agg(coalesce(o.key, n.key), CASE
                              WHEN n.key IS NULL THEN jsonb_build_object('old', o.value)
                              WHEN o.key IS NULL THEN jsonb_build_object('new', n.value)
                              ELSE jsonb_build_object('old', o.value, 'new', n.value) END), '{}')
                     FROM jsonb_each(c.before) AS o
                     FULL JOIN jsonb_each(c.after) AS n ON n.key = o.key
                    WHERE CASE WHEN c.before = '{}' OR c.after = '{}' THEN true ELSE o.value::text <> n.value::text END)
               END AS diff,
               c.context, c.committed_at, c.transaction_id, c.position
          FROM %s AS c$view$, coalesce(to_regclass('changes.trail')::text, 'public.changes'));
    REVOKE ALL ON TABLE changes.differences FROM PUBLIC;
    COMMENT ON VIEW changes.differences IS
        'The changes with what differs, {"column": {"old": …, "new": …}}; NULL for an UPDATE of which the old row is not known.';
END
$$;

COMMENT ON FUNCTION changes.create_differences() IS
'Internal. Makes the view changes.differences, or makes it anew. Returns nothing. Errors: 42P01 without public.changes.
Example: SELECT changes.create_differences();';
