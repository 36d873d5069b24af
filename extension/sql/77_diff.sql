-- What differs between two states of a row. What one of them does not hold is not known, and so no difference: an unchanged TOAST value is
-- absent in `after`, and all but the key in a partial `before`. Where a state is {} there was no row, or none is known:
--
--   before | after  | result
--   -------+--------+-----------------------------------------------------------
--   a row  | a row  | {"column": {"old": …, "new": …}} for columns that both hold and that differ
--   {}     | a row  | {"column": {"new": …}} for each column
--   a row  | {}     | {"column": {"old": …}} for each column
--
-- Values are compared as text: 1.5 and 1.50 are equal numbers in jsonb, and yet a row has changed.
CREATE FUNCTION changes.diff(before jsonb, after jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF before IS NULL OR after IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN (
        SELECT coalesce(jsonb_object_agg(coalesce(o.key, n.key), CASE
                   WHEN n.key IS NULL THEN jsonb_build_object('old', o.value)
                   WHEN o.key IS NULL THEN jsonb_build_object('new', n.value)
                   ELSE jsonb_build_object('old', o.value, 'new', n.value) END), '{}')
          FROM jsonb_each(before) AS o
          FULL JOIN jsonb_each(after) AS n ON n.key = o.key
         WHERE CASE WHEN before = '{}' OR after = '{}' THEN true
                    ELSE o.value::text <> n.value::text END);
END
$$;

COMMENT ON FUNCTION changes.diff(jsonb, jsonb) IS
'Returns what differs between two states of a row, {"column": {"old": …, "new": …}}, and {} where nothing does. A column that only one
of them holds is not known to differ; of a row that is created or deleted, where the other state is {}, each column is told. NULL for a NULL.
Errors: 22023 for JSON that is no object.
Example: SELECT changes.diff(before, after) FROM public.changes ORDER BY position LIMIT 10;';
