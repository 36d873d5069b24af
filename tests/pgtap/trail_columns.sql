-- The columns of public.changes are a promise: queries and ORM models written for them run unchanged.
-- Sleeps into the second half of a second first: there, rounding and truncating differ.
SELECT pg_sleep(((1.6 - extract(second FROM clock_timestamp())::numeric % 1) % 1)::float8);
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(13);
SELECT changes.setup();

SELECT is(
    (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
                       || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END, E'\n' ORDER BY a.attnum)
       FROM pg_attribute AS a WHERE a.attrelid = 'public.changes'::regclass AND a.attnum > 0),
    $$id uuid not null
database character varying(255) not null
schema character varying(255) not null
table character varying(255) not null
primary_key character varying(255)
operation text not null
before jsonb not null
after jsonb not null
context jsonb not null
committed_at timestamp(0) with time zone not null
queued_at timestamp(0) with time zone not null
created_at timestamp(0) with time zone not null
transaction_id bigint not null
position bigint not null$$,
    'the columns, their types and their order are the promised ones');
SELECT is(
    (SELECT string_agg(a.attname || ' ' || pg_get_expr(d.adbin, d.adrelid), E'\n' ORDER BY a.attnum)
       FROM pg_attrdef AS d JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
      WHERE d.adrelid = 'public.changes'::regclass),
    $$id gen_random_uuid()
before '{}'::jsonb
after '{}'::jsonb
context '{}'::jsonb
committed_at date_trunc('second'::text, now())
queued_at date_trunc('second'::text, now())
created_at date_trunc('second'::text, now())$$,
    'the defaults are the promised ones');
SELECT is(pg_get_partkeydef('public.changes'::regclass), 'RANGE (committed_at)', 'partitioned by commit time');
SELECT is(changes.trail_problem(), NULL, 'the check that setup() makes agrees');

INSERT INTO public.changes (database, schema, "table", operation, transaction_id, position)
VALUES ('d', 's', 't', 'CREATE', 1, 1);
SELECT cmp_ok(extract(microsecond FROM now()) % 1000000, '>=', 500000::numeric,
    'this transaction began where rounding would go up');
SELECT is(committed_at, date_trunc('second', now()), 'committed_at is truncated by default') FROM public.changes;
SELECT is(queued_at, date_trunc('second', now()), 'queued_at is truncated by default') FROM public.changes;
SELECT is(created_at, date_trunc('second', now()), 'created_at is truncated by default') FROM public.changes;
SELECT is(ROW(before, after, context)::text, '({},{},{})', 'documents are empty objects by default')
  FROM public.changes;
SELECT is(ROW(tableoid::regclass <> 'public.changes_default'::regclass, count(*) OVER ())::text, '(t,1)',
    'a row of today has a partition of its own day') FROM public.changes;

SELECT is(
    (SELECT count(*)::integer FROM pg_attribute AS a
      WHERE a.attrelid = 'public.changes'::regclass AND a.attnum > 0
        AND col_description(a.attrelid, a.attnum) IS NULL),
    0, 'each column has a comment');
SELECT isnt(obj_description('public.changes'::regclass), NULL, 'the table has a comment');
SELECT is_empty(
    $$SELECT p.oid::regprocedure FROM pg_proc AS p
       WHERE p.pronamespace = 'changes'::regnamespace AND p.prorettype <> 'trigger'::regtype
         AND coalesce(obj_description(p.oid), '') !~* 'returns.*Errors: .*Example: (SELECT|CALL) '$$,
    'each function but triggers'' has a comment that says what it returns, its errors and an example');

SELECT * FROM finish();
ROLLBACK;
