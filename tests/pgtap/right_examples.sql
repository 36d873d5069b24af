-- The examples in the comments of what grants, protects and erases do run as they stand there.
BEGIN;
CREATE EXTENSION pgtap;
CREATE SCHEMA partman;
CREATE EXTENSION pg_partman SCHEMA partman;
CREATE EXTENSION waltrail;
SET LOCAL client_min_messages = error;
SELECT no_plan();
SELECT changes.setup();
SELECT lives_ok(substring(obj_description(p.oid, 'pg_proc') FROM 'Example: (.*);$'), 'the example of ' || p.oid::regprocedure)
  FROM unnest(ARRAY['permit_changes', 'revoke_permit', 'guard_table', 'create_protection', 'create_trigger_functions', 'create_erasures',
                    'create_rights', 'create_policy', 'renew_policy', 'writer_tasks', 'run_writer_task', 'table_pattern', 'role_routines',
                    'give_writer_rights', 'give_reader_rights', 'give_rights', 'take_rights', 'renew_grants', 'check_grantee',
                    'grant_writer', 'grant_reader', 'revoke_all', 'check_owners', 'record_changes', 'null_columns', 'mark_erased', 'null_members', 'member_paths', 'check_erasure', 'databases_of',
                    'erase_changes', 'erase', 'erase_context']) WITH ORDINALITY AS n (name, place)
  LEFT JOIN pg_proc AS p ON p.proname = n.name AND p.pronamespace = 'changes'::regnamespace
 ORDER BY n.place;
SELECT * FROM finish();
ROLLBACK;
