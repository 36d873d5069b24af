-- Last, so that it covers all of the above: nothing is granted to PUBLIC, to which PostgreSQL grants
-- EXECUTE on every new function. Upgrade scripts that add a function end with the same lines.
REVOKE ALL ON SCHEMA changes FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA changes FROM PUBLIC;
