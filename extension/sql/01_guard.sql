\echo Use "CREATE EXTENSION waltrail" to load this file. \quit

-- The install script of waltrail. It makes functions, procedures and types of rows that they return, and nothing
-- else: whatever a script makes is a member of the extension and goes with DROP EXTENSION, and a trail must not.
-- CREATE, never CREATE OR REPLACE: a function that somebody else left in the schema is an error.
