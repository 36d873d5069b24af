-- What the extension and its trail are made of, as text and without names that a day gives: two databases of the same version
-- print the same, however they came to it.
\pset null NULL
SET search_path = '';
SET timezone = 'UTC';

-- ACLs in the order of the grantees; those of the test's own role do not count.
CREATE FUNCTION pg_temp.rights(acl aclitem[], owner oid) RETURNS text LANGUAGE sql AS $$
    SELECT pg_catalog.string_agg(pg_catalog.format('%s:%s', CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END, a.privilege_type),
                                 ' ' ORDER BY a.grantee::text, a.privilege_type)
      FROM pg_catalog.aclexplode(acl) AS a
     WHERE a.grantee <> coalesce((SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'waltrail_test_by_hand'), 0)
        OR a.grantee = 0
$$;
CREATE FUNCTION pg_temp.is_ours(relation oid) RETURNS boolean LANGUAGE sql AS $$
    SELECT c.relnamespace = 'changes'::pg_catalog.regnamespace OR c.oid = 'public.changes'::pg_catalog.regclass
           OR c.oid = 'public.changes_default'::pg_catalog.regclass
           OR c.relname = 'changes_p' || pg_catalog.to_char(pg_catalog.now(), 'YYYY_MM_DD')
      FROM pg_catalog.pg_class AS c WHERE c.oid = relation
$$;

SELECT p.oid::pg_catalog.regprocedure, pg_catalog.pg_get_functiondef(p.oid), pg_temp.rights(p.proacl, p.proowner),
       pg_catalog.obj_description(p.oid, 'pg_proc'), d.deptype
  FROM pg_catalog.pg_proc AS p
  LEFT JOIN pg_catalog.pg_depend AS d
    ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
 WHERE p.pronamespace = 'changes'::pg_catalog.regnamespace
 ORDER BY p.oid::pg_catalog.regprocedure::text;

SELECT c.oid::pg_catalog.regclass, c.relkind, c.relrowsecurity, c.reloptions, pg_temp.rights(c.relacl, c.relowner),
       pg_catalog.obj_description(c.oid, 'pg_class'), CASE c.relkind WHEN 'v' THEN pg_catalog.pg_get_viewdef(c.oid) END
  FROM pg_catalog.pg_class AS c WHERE pg_temp.is_ours(c.oid) ORDER BY c.oid::pg_catalog.regclass::text;
-- An update adds columns at the end of a table. That matters in none but the trail's, and in views.
SELECT c.oid::pg_catalog.regclass,
       CASE WHEN c.relname IN ('changes', 'held') OR c.relkind <> 'r' THEN a.attnum END AS place, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attcompression,
       a.attstorage, pg_catalog.pg_get_expr(e.adbin, e.adrelid),
       CASE WHEN NOT c.relispartition THEN pg_catalog.col_description(c.oid, a.attnum) END
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_attrdef AS e ON e.adrelid = c.oid AND e.adnum = a.attnum
 WHERE pg_temp.is_ours(c.oid) ORDER BY c.oid::pg_catalog.regclass::text, place, a.attname;
SELECT c.oid::pg_catalog.regclass, n.conname, pg_catalog.pg_get_constraintdef(n.oid)
  FROM pg_catalog.pg_constraint AS n JOIN pg_catalog.pg_class AS c ON c.oid = n.conrelid
 WHERE pg_temp.is_ours(c.oid) AND NOT c.relispartition ORDER BY c.oid::pg_catalog.regclass::text, n.conname;
-- A partitioned index keeps the options that it was made with; what counts is those of the partitions.
SELECT c.oid::pg_catalog.regclass, pg_catalog.regexp_replace(pg_catalog.pg_get_indexdef(i.indexrelid), CASE x.relkind WHEN 'I' THEN ' WITH .*' ELSE '$^' END, ''),
       CASE x.relkind WHEN 'i' THEN x.reloptions END
  FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid JOIN pg_catalog.pg_class AS x ON x.oid = i.indexrelid
 WHERE pg_temp.is_ours(c.oid) ORDER BY c.oid::pg_catalog.regclass::text, x.relname;
SELECT c.oid::pg_catalog.regclass, t.tgname, t.tgenabled, pg_catalog.pg_get_triggerdef(t.oid)
  FROM pg_catalog.pg_trigger AS t JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
 WHERE pg_temp.is_ours(c.oid) AND (NOT t.tgisinternal OR t.tgparentid <> 0) ORDER BY c.oid::pg_catalog.regclass::text, t.tgname;
SELECT c.oid::pg_catalog.regclass, p.polname, p.polcmd, p.polroles::pg_catalog.regrole[], pg_catalog.pg_get_expr(p.polqual, p.polrelid)
  FROM pg_catalog.pg_policy AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid ORDER BY c.oid::pg_catalog.regclass::text, p.polname;
SELECT e.extversion FROM pg_catalog.pg_extension AS e WHERE e.extname = 'waltrail';
SELECT p.partition, p.lower_bound, p.upper_bound FROM changes.partitions() AS p WHERE p.lower_bound >= pg_catalog.date_trunc('day', pg_catalog.now());
