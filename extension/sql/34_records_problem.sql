-- A schema "changes" may have been there before, with tables of others: setup() must not take one of them for its own. Columns
-- that a later version adds are not asked for, so that it can add them.
CREATE FUNCTION changes.records_problem()
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    problem text;
BEGIN
    SELECT format('Relation "changes.%s" has no column "%s".', r.name, u.column_name)
      INTO problem
      FROM (VALUES
               ('settings', ARRAY['name', 'value']),
               ('sources', ARRAY['id', 'label', 'system_identifier', 'database_oid', 'database_name', 'slot_name']),
               ('applied', ARRAY['source_id', 'start_lsn', 'end_lsn', 'timeline']),
               ('relations', ARRAY['source_id', 'relation_oid', 'from_position', 'columns', 'key_columns']),
               ('gaps', ARRAY['id', 'source_id', 'start_lsn', 'end_lsn', 'reason']),
               ('quarantine', ARRAY['id', 'source_id', 'commit_lsn', 'sequence', 'sqlstate', 'frame']),
               ('holds', ARRAY['id', 'database', 'schema', 'table', 'retention', 'reason', 'released_at']),
               ('held', ARRAY['id', 'database', 'schema', 'table', 'primary_key', 'operation', 'before', 'after', 'context',
                              'committed_at', 'queued_at', 'created_at', 'transaction_id', 'position']),
               ('trail', ARRAY['id', 'database', 'schema', 'table', 'committed_at', 'position']),
               ('drops', ARRAY['id', 'partition', 'lower_bound', 'upper_bound', 'rows', 'held', 'retention']),
               ('moves', ARRAY['partition', 'name', 'awaited']),
               ('seals', ARRAY['partition', 'name', 'sealed_at']),
               ('permits', ARRAY['transaction_id']),
               ('grants', ARRAY['role', 'kind', 'tables']),
               ('erasures', ARRAY['id', 'reason', 'action', 'changes']),
               ('changes', ARRAY['id', 'database', 'schema', 'table', 'context']),
               ('granted_differences', ARRAY['id', 'diff'])
           ) AS r (name, columns)
      JOIN pg_catalog.pg_class AS c
        ON c.relname = r.name AND c.relnamespace = 'changes'::regnamespace
     CROSS JOIN LATERAL unnest(r.columns) WITH ORDINALITY AS u (column_name, place)
     WHERE NOT EXISTS (
               SELECT FROM pg_catalog.pg_attribute AS a
                WHERE a.attrelid = c.oid AND a.attname = u.column_name AND NOT a.attisdropped)
     ORDER BY r.name, u.place
     LIMIT 1;
    RETURN problem;
END
$$;

COMMENT ON FUNCTION changes.records_problem() IS
'Internal. Returns a sentence that says which relation of schema "changes" has the name of one of waltrail''s and is none, NULL where
there is no such. Errors: none of its own. Example: SELECT changes.records_problem();';
