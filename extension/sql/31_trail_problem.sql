-- setup() must never take over a table that only happens to be called public.changes, and must notice
-- a trail whose columns somebody has altered. The list below is the promise of docs/architecture.md.
CREATE FUNCTION changes.trail_problem()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    trail CONSTANT oid := to_regclass('public.changes');
    promised CONSTANT text[] := ARRAY[
        'id uuid NOT NULL',
        'database character varying(255) NOT NULL',
        'schema character varying(255) NOT NULL',
        'table character varying(255) NOT NULL',
        'primary_key character varying(255)',
        'operation text NOT NULL',
        'before jsonb NOT NULL',
        'after jsonb NOT NULL',
        'context jsonb NOT NULL',
        'committed_at timestamp(0) with time zone NOT NULL',
        'queued_at timestamp(0) with time zone NOT NULL',
        'created_at timestamp(0) with time zone NOT NULL',
        'transaction_id bigint NOT NULL',
        'position bigint NOT NULL'];
    actual text[];
BEGIN
    IF trail IS NULL THEN
        RETURN 'It does not exist.';
    END IF;
    IF pg_get_partkeydef(trail) IS DISTINCT FROM 'RANGE (committed_at)' THEN
        RETURN 'It is not a table partitioned by range of "committed_at".';
    END IF;
    actual := ARRAY(
        SELECT a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
               || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
          FROM pg_catalog.pg_attribute AS a
         WHERE a.attrelid = trail AND a.attnum > 0 AND NOT a.attisdropped
         ORDER BY a.attnum);
    RETURN (
        SELECT format('Column %s is "%s", where a trail has "%s".',
                      u.place, coalesce(u.actual, 'missing'), coalesce(u.promised, 'no column'))
          FROM unnest(actual, promised) WITH ORDINALITY AS u (actual, promised, place)
         WHERE u.actual IS DISTINCT FROM u.promised
         ORDER BY u.place
         LIMIT 1);
END
$$;

COMMENT ON FUNCTION changes.trail_problem() IS
'Internal. Returns a sentence that says what is wrong with public.changes, NULL where nothing is.
Writers may call it. Errors: none of its own. Example: SELECT changes.trail_problem();';
