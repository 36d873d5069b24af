-- What stands before and behind the statements of a revert script.

-- Read committed, whatever the default: the check at the end must see what others have committed meanwhile. The settings are those under
-- which the values were written (docs/values.md). The application's triggers may rely on the search_path that they know.
CREATE FUNCTION changes.revert_opening(fire_triggers boolean, reverted jsonb)
RETURNS SETOF text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN NEXT 'BEGIN ISOLATION LEVEL READ COMMITTED;';
    RETURN NEXT 'SET LOCAL TimeZone = ''UTC''; SET LOCAL DateStyle = ''ISO''; SET LOCAL IntervalStyle = ''postgres''; SET LOCAL extra_float_digits = 1;';
    RETURN NEXT 'SET LOCAL bytea_output = ''hex''; SET LOCAL lc_monetary = ''C'';';
    IF NOT fire_triggers THEN
        RETURN NEXT 'SET LOCAL search_path = '''';';
        RETURN NEXT 'SET LOCAL session_replication_role = ''replica'';';
    END IF;
    RETURN NEXT 'SET CONSTRAINTS ALL DEFERRED;';
    RETURN NEXT format('SET LOCAL waltrail.context = %L;', jsonb_build_object('reverts', reverted));
END
$$;

COMMENT ON FUNCTION changes.revert_opening(boolean, jsonb) IS
'Internal. Returns the statements that open a revert script; the changes that it makes have the given object in their context. Errors: none.
Example: SELECT changes.revert_opening(false, ''{"transaction_id": 1234}'');';

-- With session_replication_role = replica neither foreign keys nor deferrable unique and exclusion constraints are watched. The check finds them in the
-- source's catalogs, locks the tables against writers until the COMMIT, which follows at once, and looks for rows that break them. Constraints
-- that were not valid before (NOT VALID) promise nothing. What a partition inherits is checked at the root.
CREATE FUNCTION changes.revert_check(tables text[])
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format('DO %s;', changes.dollar_quoted(format($check$
DECLARE
    touched oid[] := %L::pg_catalog.regclass[];
    watched record;
    rows_of text;
    query text;
    is_violated boolean;
BEGIN
    touched := ARRAY(SELECT t FROM pg_catalog.unnest(touched) AS t
                     UNION SELECT p.relid FROM pg_catalog.unnest(touched) AS t, pg_catalog.pg_partition_tree(t) AS p);
    FOR watched IN
        SELECT n.conname, n.contype, n.conrelid, n.confrelid, n.conkey, n.confkey, n.confmatchtype, n.conindid, n.conexclop,
               pg_catalog.to_jsonb(n)->>'conperiod' AS has_period
          FROM pg_catalog.pg_constraint AS n
         WHERE (n.conrelid = ANY (touched) OR n.confrelid = ANY (touched)) AND n.conparentid = 0
           AND (n.contype = 'f' AND n.convalidated OR n.contype IN ('u', 'p', 'x') AND n.condeferrable)
         ORDER BY n.conrelid, n.conname
    LOOP
        EXECUTE format('LOCK TABLE %%s IN SHARE ROW EXCLUSIVE MODE',
                       concat_ws(', ', watched.conrelid::pg_catalog.regclass, nullif(watched.confrelid, 0)::pg_catalog.regclass));
        IF watched.has_period = 'true' THEN
            RAISE WARNING 'constraint "%%" of table %% has a period and is not verified', watched.conname, watched.conrelid::pg_catalog.regclass;
            CONTINUE;
        END IF;
        IF watched.contype = 'f' THEN
            SELECT format('SELECT EXISTS (SELECT FROM %%s%%s AS c WHERE %%s AND NOT EXISTS (SELECT FROM %%s%%s AS p WHERE %%s))',
                          CASE (SELECT relkind FROM pg_catalog.pg_class WHERE oid = watched.conrelid) WHEN 'p' THEN '' ELSE 'ONLY ' END,
                          watched.conrelid::pg_catalog.regclass,
                          '(' || string_agg(format('c.%%I IS NOT NULL', a.attname), CASE watched.confmatchtype WHEN 'f' THEN ' OR ' ELSE ' AND ' END) || ')',
                          CASE (SELECT relkind FROM pg_catalog.pg_class WHERE oid = watched.confrelid) WHEN 'p' THEN '' ELSE 'ONLY ' END,
                          watched.confrelid::pg_catalog.regclass,
                          string_agg(format('p.%%I OPERATOR(%%I.%%s) c.%%I', b.attname, s.nspname, o.oprname, a.attname), ' AND '))
              INTO query
              FROM ROWS FROM (pg_catalog.unnest(watched.conkey), pg_catalog.unnest(watched.confkey)) WITH ORDINALITY AS k (child, parent, place)
              JOIN pg_catalog.pg_attribute AS a ON a.attrelid = watched.conrelid AND a.attnum = k.child
              JOIN pg_catalog.pg_attribute AS b ON b.attrelid = watched.confrelid AND b.attnum = k.parent
              JOIN pg_catalog.pg_constraint AS n
                ON n.conname = watched.conname AND n.conrelid = watched.conrelid AND n.contype = 'f'
              JOIN pg_catalog.pg_operator AS o ON o.oid = n.conpfeqop[k.place]
              JOIN pg_catalog.pg_namespace AS s ON s.oid = o.oprnamespace;
        ELSIF watched.contype = 'x' THEN
            -- The index says what is compared, columns or expressions, and of which rows.
            SELECT format('SELECT r.tableoid AS leaf, r.ctid AS place, %%s FROM %%s%%s AS r%%s',
                          (SELECT string_agg(format('(%%s) AS k%%s', pg_catalog.pg_get_indexdef(i.indexrelid, k::integer, false), k), ', ')
                             FROM generate_series(1, pg_catalog.cardinality(watched.conexclop)) AS k),
                          CASE (SELECT relkind FROM pg_catalog.pg_class WHERE oid = watched.conrelid) WHEN 'p' THEN '' ELSE 'ONLY ' END,
                          watched.conrelid::pg_catalog.regclass, ' WHERE ' || pg_catalog.pg_get_expr(i.indpred, i.indrelid))
              INTO rows_of
              FROM pg_catalog.pg_index AS i WHERE i.indexrelid = watched.conindid;
            SELECT format('SELECT EXISTS (SELECT FROM (%%1$s) AS c JOIN (%%1$s) AS o ON (o.leaf, o.place) <> (c.leaf, c.place) AND %%2$s)', rows_of,
                          string_agg(format('o.k%%1$s OPERATOR(%%2$I.%%3$s) c.k%%1$s', k.place, s.nspname, o.oprname), ' AND '))
              INTO query
              FROM pg_catalog.unnest(watched.conexclop) WITH ORDINALITY AS k (operator, place)
              JOIN pg_catalog.pg_operator AS o ON o.oid = k.operator
              JOIN pg_catalog.pg_namespace AS s ON s.oid = o.oprnamespace;
        ELSE
            SELECT format('SELECT EXISTS (SELECT FROM %%s%%s AS c WHERE %%s GROUP BY %%s HAVING count(*) > 1)',
                          CASE (SELECT relkind FROM pg_catalog.pg_class WHERE oid = watched.conrelid) WHEN 'p' THEN '' ELSE 'ONLY ' END,
                          watched.conrelid::pg_catalog.regclass,
                          CASE (SELECT pg_catalog.to_jsonb(i)->>'indnullsnotdistinct' FROM pg_catalog.pg_index AS i WHERE i.indexrelid = watched.conindid)
                              WHEN 'true' THEN 'true' ELSE string_agg(format('c.%%I IS NOT NULL', a.attname), ' AND ') END,
                          string_agg(format('c.%%I', a.attname), ', '))
              INTO query
              FROM pg_catalog.unnest(watched.conkey) AS k (attnum)
              JOIN pg_catalog.pg_attribute AS a ON a.attrelid = watched.conrelid AND a.attnum = k.attnum;
        END IF;
        EXECUTE query INTO is_violated;
        IF is_violated THEN
            RAISE EXCEPTION 'could not revert: constraint "%%" of table %% would be violated', watched.conname, watched.conrelid::pg_catalog.regclass
                USING ERRCODE = 'integrity_constraint_violation',
                      HINT = 'Rows that were written since depend on what would be taken back. Nothing was changed.';
        END IF;
    END LOOP;
END
$check$, tables)));
END
$$;

COMMENT ON FUNCTION changes.revert_check(text[]) IS
'Internal. Returns the statement that verifies, on the source, that no foreign key and no deferrable unique or exclusion constraint of the tables is violated.
Errors: none. Example: SELECT changes.revert_check(ARRAY[''public.users'']);';
