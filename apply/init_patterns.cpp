#include "apply/init_patterns.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

std::string like_pattern(std::string_view part) {
    std::string like;
    for (char c : part) {
        if (c == '%' || c == '_' || c == '\\') like += '\\';
        like += c == '*' ? '%' : c;
    }
    return like;
}

// Ordinary, permanent, not the server's own. Where the source is a destination too, the trail and what keeps its partitions
// are left out: a change of the trail is no change to be recorded.
constexpr std::string_view is_user_table = R"(
c.relkind = 'r' AND c.relpersistence = 'p'
AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'waltrail')
AND NOT (
    (to_regclass('changes.sources') IS NOT NULL
     OR EXISTS (SELECT FROM pg_extension WHERE extname = 'waltrail'))
    AND (n.nspname = 'changes'
         OR EXISTS (SELECT FROM pg_partition_ancestors(c.oid) AS a
                     WHERE a.relid = to_regclass('public.changes'))
         OR EXISTS (SELECT FROM pg_extension AS e
                     WHERE e.extname = 'pg_partman'
                       AND ((n.oid = e.extnamespace AND c.relname = 'template_public_changes')
                            OR EXISTS (SELECT FROM pg_depend AS d
                                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                          AND d.refclassid = 'pg_extension'::regclass
                                          AND d.refobjid = e.oid AND d.deptype = 'e')))))
)";

} // namespace

TablePattern parse_table_pattern(std::string_view pattern) {
    size_t dot = pattern.find('.');
    if (dot == std::string_view::npos || dot == 0 || dot + 1 == pattern.size())
        throw Error(Disposition::stop,
                    fmt::format("invalid table pattern \"{}\" in --tables", one_line(pattern)),
                    "write schema.table, where * stands for any characters, for example public.*");
    return {like_pattern(pattern.substr(0, dot)), like_pattern(pattern.substr(dot + 1))};
}

std::vector<TablePattern> parse_table_patterns(const std::vector<std::string> &patterns) {
    std::vector<TablePattern> parsed;
    for (auto &pattern : patterns) parsed.push_back(parse_table_pattern(pattern));
    return parsed;
}

std::string matching_table_condition(const PostgresConnection &connection,
                                     const std::vector<TablePattern> &patterns,
                                     std::string_view relids) {
    if (patterns.empty()) return "false";
    std::string values;
    for (auto &pattern : patterns)
        values += fmt::format("{}({}, {})", values.empty() ? "" : ", ",
                              connection.quote_literal(pattern.schema_like),
                              connection.quote_literal(pattern.table_like));
    return fmt::format(R"(
EXISTS (SELECT FROM ({}) AS line (relid)
          JOIN pg_class AS lc ON lc.oid = line.relid
          JOIN pg_namespace AS ln ON ln.oid = lc.relnamespace
          JOIN (VALUES {}) AS pattern (schema_like, table_like)
            ON ln.nspname LIKE pattern.schema_like AND lc.relname LIKE pattern.table_like))",
                       relids, values);
}

std::string tracked_table_condition(const PostgresConnection &connection,
                                    const std::vector<TablePattern> &patterns) {
    return fmt::format("{} AND {}", is_user_table,
                       matching_table_condition(
                           connection, patterns,
                           "SELECT c.oid UNION SELECT relid FROM pg_partition_ancestors(c.oid)"));
}

} // namespace waltrail
