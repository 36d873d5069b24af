-- What setup() refuses, it refuses whole: nothing is half made.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SELECT plan(32);
PREPARE retention (text) AS SELECT changes.setup($1);
SELECT throws_ok(format('EXECUTE retention(%L)', bad), '22023', format('invalid retention "%s"', bad),
                 format('a retention of "%s" is refused', bad))
  FROM unnest(ARRAY['soon', '', '15', ' 15.5 ', '-3 days', '0 days', '1000000 years', '30 dayz', 'unlimited!']) AS bad;
PREPARE interval (text) AS SELECT changes.setup(partition_interval => $1);
SELECT throws_ok(format('EXECUTE interval(%L)', bad), '22023', format('invalid partition interval "%s"', bad),
                 format('a partition interval of "%s" is refused', bad))
  FROM unnest(ARRAY['2 days', '30 days', '24 hours', '1', '', 'monthly', '1 month 1 day', '-1 day', '1000000000 years']) AS bad;
DO $$
DECLARE
    hint text;
BEGIN
    PERFORM changes.setup('soon');
EXCEPTION WHEN invalid_parameter_value THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    CREATE TEMPORARY TABLE seen AS SELECT hint;
END
$$;
SELECT matches(hint, '15 days.*unlimited', 'the hint shows what is right') FROM seen;
SELECT throws_ok('SELECT changes.parse_retention(NULL)', '22023', 'invalid retention NULL', 'NULL is no retention');
SELECT hasnt_table('public', 'changes', 'after a bad retention there is no trail');
SELECT hasnt_table('changes', 'settings', 'and no settings');
SELECT throws_ok($$SELECT changes.maintenance_tasks('premake')$$, '42P01', 'there is no trail in this database',
    'maintenance before setup() says so');

CREATE TABLE public.changes (id integer);
SELECT throws_ok('SELECT changes.setup()', '42P07', 'relation "public.changes" exists and is not a trail',
    'a table of another make is refused');
SELECT hasnt_table('changes', 'sources', 'and nothing was made beside it');
DROP TABLE public.changes;
CREATE VIEW public.changes AS SELECT 1 AS id;
SELECT throws_ok('SELECT changes.setup()', '42P07', NULL, 'so is a view');
DROP VIEW public.changes;
CREATE TABLE changes.sources (id integer, label text);
SELECT throws_ok('SELECT changes.setup()', '42P07', 'schema "changes" holds relations that are not of waltrail',
    'a table of another make beside the trail is refused');
SELECT is(changes.records_problem(), 'Relation "changes.sources" has no column "system_identifier".', 'and named');
DROP TABLE changes.sources;

CREATE VIEW changes.changes AS SELECT 1 AS id;
SELECT throws_ok('SELECT changes.setup()', '42P07', 'schema "changes" holds relations that are not of waltrail',
    'so is a view');
DROP VIEW changes.changes;

SELECT changes.setup();
DROP VIEW IF EXISTS changes.differences, changes.changes, changes.trail CASCADE;  -- views of the columns forbid it
ALTER TABLE public.changes ALTER COLUMN operation TYPE varchar(10);
SELECT throws_ok('SELECT changes.setup()', '42P07', NULL, 'so is a trail whose column was altered');
SELECT is(changes.trail_problem(),
    'Column 6 is "operation character varying(10) NOT NULL", where a trail has "operation text NOT NULL".',
    'the difference is named');
ALTER TABLE public.changes ALTER COLUMN operation TYPE text;
ALTER TABLE public.changes ADD COLUMN extra text;
SELECT is(changes.trail_problem(), 'Column 15 is "extra text", where a trail has "no column".',
    'a column too many is named');

SELECT * FROM finish();
ROLLBACK;
