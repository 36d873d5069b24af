-- All that a trail of every version holds, as text: what an update must not change. Columns that it adds are NULL, and left out.
SET timezone = 'UTC';
SELECT jsonb_strip_nulls(to_jsonb(c)) FROM public.changes AS c ORDER BY c.id;
SELECT jsonb_strip_nulls(to_jsonb(s)) FROM changes.sources AS s ORDER BY s.id;
SELECT jsonb_strip_nulls(to_jsonb(a)) FROM changes.applied AS a ORDER BY a.source_id, a.start_lsn;
SELECT jsonb_strip_nulls(to_jsonb(r)) FROM changes.relations AS r ORDER BY r.relation_oid;
SELECT g.start_lsn, g.end_lsn, g.reason FROM changes.gaps AS g ORDER BY g.id;
SELECT s.value FROM changes.settings AS s WHERE s.name = 'retention';
SELECT label, horizon FROM public.ends;
SELECT has_function_privilege('waltrail_test_by_hand', 'changes.horizon(text)', 'EXECUTE');
SET ROLE waltrail_test_by_hand;
SELECT count(*) FROM changes.relations;
