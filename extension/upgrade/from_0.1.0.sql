\echo Use "ALTER EXTENSION waltrail UPDATE" to load this file. \quit

-- From 0.1.0. What follows these lines in the script that is installed is all of extension/sql with CREATE OR REPLACE, which keeps
-- grants and whatever stands on a function. What that cannot do is done here: routines that are gone, or whose arguments' names or
-- result have changed, are dropped first. Tables are changes.setup()'s, and not touched: call it after the update.
DROP FUNCTION changes.default_days();
DROP FUNCTION changes.drop_expired(regclass);
DROP FUNCTION changes.make_partition(timestamptz);
DROP FUNCTION changes.missing_days();
DROP FUNCTION changes.partitions();
DROP FUNCTION changes.setup(text);
DROP FUNCTION changes.setup_pinned(text);

