#include "apply/trail_rights.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

// Schema, table, right, and the columns where a right on these is enough. changes.maintain() is not among them: without it apply warns
// and goes on, and rows come into the default partition. ON CONFLICT (id, part) reads these columns of changes.quarantine.
constexpr const char *reading_rights =
    "('changes', 'sources', 'SELECT', NULL), ('changes', 'applied', 'SELECT', NULL), "
    "('changes', 'gaps', 'SELECT', NULL), ('changes', 'quarantine', 'SELECT', NULL)";
constexpr const char *writing_rights =
    "('changes', 'sources', 'SELECT', NULL), ('changes', 'applied', 'SELECT', NULL), "
    "('changes', 'applied', 'UPDATE', '{end_lsn,timeline,last_commit_lsn,last_end_lsn,"
    "last_transaction_id,last_committed_at,changes,marked,recorded_at,source_time}'), "
    "('changes', 'relations', 'SELECT', NULL), ('changes', 'relations', 'INSERT', NULL), "
    "('changes', 'relations', 'UPDATE', '{from_position}'), "
    "('changes', 'quarantine', 'INSERT', NULL), ('changes', 'quarantine', 'SELECT', '{id,part}'), "
    "('public', 'changes', 'INSERT', NULL)";

// By OID: by name, these functions fail for a role that may not use the schema.
constexpr const char *missing_rights_sql = R"(
WITH needed (schema_name, table_name, privilege, columns) AS (VALUES {}),
missing (place, text) AS (
    SELECT 1, format('USAGE on schema %s', n.nspname) FROM pg_catalog.pg_namespace AS n
     WHERE n.nspname IN (SELECT schema_name FROM needed)
       AND NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE')
    UNION ALL
    SELECT 2, format('%s on %s.%s', pg_catalog.string_agg(needed.privilege, ' and '), n.nspname, c.relname)
      FROM needed
      JOIN pg_catalog.pg_namespace AS n ON n.nspname = needed.schema_name
      JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = needed.table_name
     WHERE NOT pg_catalog.has_table_privilege(c.oid, needed.privilege)
       AND (needed.columns IS NULL
            OR EXISTS (SELECT FROM pg_catalog.pg_attribute AS a
                        WHERE a.attrelid = c.oid AND a.attname = ANY (needed.columns::pg_catalog.name[])
                          AND NOT pg_catalog.has_column_privilege(c.oid, a.attnum, needed.privilege)))
     GROUP BY n.nspname, c.relname
    UNION ALL
    SELECT 3, 'EXECUTE on function changes.horizon' FROM pg_catalog.pg_proc AS p
      JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
     WHERE {} AND n.nspname = 'changes' AND p.proname = 'horizon'
       AND NOT pg_catalog.has_function_privilege(p.oid, 'EXECUTE'))
SELECT pg_catalog.string_agg(text, ', ' ORDER BY place, text), pg_catalog.quote_ident(current_user),
       (SELECT pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(c.relowner))
          FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
         WHERE n.nspname = 'public' AND c.relname = 'changes'),
       pg_catalog.quote_literal(current_user)
  FROM missing)";

} // namespace

std::optional<Problem> trail_right_problem(PostgresConnection &destination, TrailUse use) {
    bool writes = use == TrailUse::write;
    Result missing = destination.execute(fmt::format(
        missing_rights_sql, writes ? writing_rights : reading_rights, writes ? "false" : "true"));
    if (missing.is_null(0, 0)) return std::nullopt;
    return Problem{
        fmt::format("role {} may not {} the trail: it lacks {}", missing.text(0, 1),
                    writes ? "write" : "read", missing.text(0, 0)),
        fmt::format("use the role that ran \"waltrail init\" ({}), or let it call changes.{}({})",
                    missing.text(0, 2), writes ? "grant_writer" : "grant_reader",
                    missing.text(0, 3))};
}

void require_trail_rights(PostgresConnection &destination, TrailUse use) {
    if (std::optional<Problem> problem = trail_right_problem(destination, use))
        throw Error(Disposition::stop, fmt::format("{}: {}", destination.where(), problem->what),
                    problem->mend, std::string(insufficient_privilege));
}

} // namespace waltrail
