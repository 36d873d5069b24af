#include "apply/source_settings.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

constexpr SourcePatternSetting pattern_names[] = {
    {"waltrail.exclude_tables", PatternKind::table, &Selection::exclude_tables},
    {"waltrail.exclude_columns", PatternKind::column, &Selection::exclude_columns},
    {"waltrail.mask_columns", PatternKind::column, &Selection::mask_columns},
};

constexpr const char *set_for_sessions = R"(
SELECT lower(split_part(entry, '=', 1)) AS name
  FROM pg_db_role_setting AS s, unnest(s.setconfig) AS entry
 WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
   AND s.setrole IN (0, (SELECT oid FROM pg_roles WHERE rolname = session_user)))";

constexpr const char *set_in_files = "SELECT lower(f.name) AS name FROM pg_file_settings AS f";

bool may_see_files(PostgresConnection &source) {
    return source
               .execute("SELECT has_table_privilege('pg_file_settings', 'SELECT') AND "
                        "has_function_privilege('pg_show_all_file_settings()', 'EXECUTE')")
               .text(0, 0) == "t";
}

// Those that pg_settings has are a loaded library's own.
std::string unknown_names_sql(PostgresConnection &source) {
    std::string known = source.quote_literal(mask_key_file_setting);
    for (const SourcePatternSetting &setting : pattern_names)
        known += ", " + source.quote_literal(setting.name);
    std::string given = set_for_sessions;
    if (may_see_files(source)) given += fmt::format(" UNION {}", set_in_files);
    return fmt::format("SELECT DISTINCT given.name FROM ({}) AS given WHERE given.name LIKE "
                       "'waltrail.%' AND given.name NOT IN ({}) AND NOT EXISTS (SELECT FROM "
                       "pg_settings AS s WHERE lower(s.name) = given.name) ORDER BY 1",
                       given, known);
}

} // namespace

std::span<const SourcePatternSetting> source_pattern_settings() { return pattern_names; }

std::optional<std::string> source_setting(PostgresConnection &source, const char *name) {
    try {
        return source.execute("SELECT coalesce(current_setting($1, true), '')", {name})
            .string(0, 0);
    } catch (const Error &error) {
        if (error.sqlstate() != insufficient_privilege) throw;
        return std::nullopt;
    }
}

std::vector<std::string> unknown_source_settings(PostgresConnection &source) {
    Result rows = source.execute(unknown_names_sql(source));
    std::vector<std::string> names;
    for (int row = 0; row < rows.rows(); row++) names.push_back(rows.string(row, 0));
    return names;
}

} // namespace waltrail
