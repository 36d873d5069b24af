#include "apply/source_patterns.hpp"

#include "apply/own_tables.hpp"

#include <fmt/format.h>

namespace waltrail {

namespace {

struct ColumnPattern {
    std::string text; // as written
    std::string schema_like;
    std::string table_like;
    std::string column_like;
};

std::string like_pattern(const wire::NamePart &part) {
    std::string like;
    for (size_t i = 0; i < part.text.size(); i++) {
        char c = part.text[i];
        if (c == '*' && !part.quoted)
            c = '%';
        else if (c == '%' || c == '_' || c == '\\')
            like += '\\';
        like += c;
        if (c == '"' && part.quoted) i++; // written twice
    }
    return like;
}

std::string values_of(const PostgresConnection &connection,
                      const std::vector<TablePattern> &patterns) {
    std::string values;
    for (auto &pattern : patterns)
        values += fmt::format("{}({}, {}, {})", values.empty() ? "" : ", ",
                              connection.quote_literal(pattern.schema_like),
                              connection.quote_literal(pattern.table_like),
                              connection.quote_literal(pattern.text));
    return values;
}

std::string values_of(const PostgresConnection &connection,
                      const std::vector<ColumnPattern> &patterns) {
    std::string values;
    for (auto &pattern : patterns)
        values += fmt::format("{}({}, {}, {}, {})", values.empty() ? "" : ", ",
                              connection.quote_literal(pattern.schema_like),
                              connection.quote_literal(pattern.table_like),
                              connection.quote_literal(pattern.column_like),
                              connection.quote_literal(pattern.text));
    return values;
}

constexpr std::string_view itself_and_ancestors =
    "SELECT c.oid UNION SELECT relid FROM pg_partition_ancestors(c.oid)";
constexpr std::string_view itself_ancestors_and_partitions =
    "SELECT c.oid UNION SELECT relid FROM pg_partition_ancestors(c.oid) "
    "UNION SELECT relid FROM pg_partition_tree(c.oid)";

// Not the server's own, not the trail's.
std::string user_table_condition(std::string_view kinds = "'r'") {
    return fmt::format("c.relkind IN ({}) AND n.nspname !~ '^pg_' "
                       "AND n.nspname NOT IN ('information_schema', 'waltrail') AND NOT {}",
                       kinds, own_table_condition());
}

} // namespace

std::vector<TablePattern> parse_table_patterns(const std::vector<std::string> &lists) {
    std::vector<TablePattern> parsed;
    for (const wire::NamePattern &pattern : read_patterns(lists))
        parsed.push_back({std::string(pattern.text), like_pattern(pattern.parts[0]),
                          like_pattern(pattern.parts[1])});
    return parsed;
}

namespace {

// Of those given, the ones that no table of the source matches now, as written.
std::vector<std::string> patterns_without_table(PostgresConnection &source,
                                                const std::vector<TablePattern> &patterns) {
    if (patterns.empty()) return {};
    return first_column(
        source.execute(fmt::format(R"(
SELECT pattern.text FROM (VALUES {}) AS pattern (schema_like, table_like, text)
 WHERE pattern.schema_like <> '%' OR pattern.table_like <> '%'
EXCEPT
SELECT pattern.text FROM (VALUES {}) AS pattern (schema_like, table_like, text)
  JOIN pg_class AS c ON c.relkind IN ('r', 'p') AND c.relname LIKE pattern.table_like
  JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname LIKE pattern.schema_like
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY 1)",
                                   values_of(source, patterns), values_of(source, patterns))));
}

std::vector<ColumnPattern> parse_column_patterns(const std::vector<std::string> &lists) {
    std::vector<ColumnPattern> parsed;
    for (const wire::NamePattern &pattern : read_patterns(lists)) {
        bool every_table = pattern.count == 2; // *.column
        parsed.push_back({std::string(pattern.text),
                          every_table ? "%" : like_pattern(pattern.parts[0]),
                          every_table ? "%" : like_pattern(pattern.parts[1]),
                          like_pattern(pattern.parts[pattern.count - 1])});
    }
    return parsed;
}

// The same for columns.
std::vector<std::string> patterns_without_column(PostgresConnection &source,
                                                 const std::vector<ColumnPattern> &patterns) {
    if (patterns.empty()) return {};
    return first_column(source.execute(fmt::format(R"(
WITH pattern (schema_like, table_like, column_like, text) AS (VALUES {})
SELECT pattern.text FROM pattern
 WHERE (pattern.schema_like, pattern.table_like, pattern.column_like) <> ('%', '%', '%')
   AND NOT EXISTS (SELECT FROM pg_class AS c
                     JOIN pg_namespace AS n ON n.oid = c.relnamespace
                     JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    WHERE c.relkind IN ('r', 'p')
                      AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
                      AND n.nspname LIKE pattern.schema_like AND c.relname LIKE pattern.table_like
                      AND a.attname LIKE pattern.column_like)
 ORDER BY 1)",
                                                   values_of(source, patterns))));
}

} // namespace

std::vector<std::string> unmatched_patterns(PostgresConnection &source, std::string_view name,
                                            PatternKind kind,
                                            const std::vector<std::string> &lists) {
    bool of_tables = kind == PatternKind::table;
    std::vector<std::string> lines;
    for (auto &pattern : of_tables ? patterns_without_table(source, parse_table_patterns(lists))
                                   : patterns_without_column(source, parse_column_patterns(lists)))
        lines.push_back(fmt::format("pattern \"{}\" of {} matches no {} now", one_line(pattern),
                                    name, of_tables ? "table" : "column"));
    return lines;
}

std::string matching_table_condition(const PostgresConnection &connection,
                                     const std::vector<TablePattern> &patterns,
                                     std::string_view relids) {
    if (patterns.empty()) return "false";
    return fmt::format(R"(
EXISTS (SELECT FROM ({}) AS line (relid)
          JOIN pg_class AS lc ON lc.oid = line.relid
          JOIN pg_namespace AS ln ON ln.oid = lc.relnamespace
          JOIN (VALUES {}) AS pattern (schema_like, table_like, text)
            ON ln.nspname LIKE pattern.schema_like AND lc.relname LIKE pattern.table_like))",
                       relids, values_of(connection, patterns));
}

std::string tracked_table_condition(const PostgresConnection &connection,
                                    const std::vector<TablePattern> &patterns) {
    return fmt::format("{} AND c.relpersistence = 'p' AND {}", user_table_condition(),
                       matching_table_condition(connection, patterns, itself_and_ancestors));
}

std::string context_table_condition(const PostgresConnection &connection,
                                    const std::vector<TablePattern> &patterns) {
    // A statement names the root or the parent, and writes to partitions and children, which may be logged where that is not.
    return fmt::format(
        "{} AND (c.relpersistence = 'p' OR c.relpersistence = 'u' AND (c.relkind = 'p' OR "
        "c.relhassubclass)) AND {}",
        user_table_condition("'r', 'p'"),
        matching_table_condition(connection, patterns, itself_ancestors_and_partitions));
}

std::string selected_table_condition(const PostgresConnection &connection,
                                     const Selection &selection) {
    std::string condition = user_table_condition();
    if (!selection.tables.empty())
        condition +=
            " AND " + matching_table_condition(connection, parse_table_patterns(selection.tables),
                                               itself_and_ancestors);
    if (!selection.exclude_tables.empty())
        condition += " AND NOT " + matching_table_condition(
                                       connection, parse_table_patterns(selection.exclude_tables),
                                       itself_and_ancestors);
    return condition;
}

std::string matching_column_condition(const PostgresConnection &connection,
                                      const std::vector<std::string> &lists, uint32_t table_oid) {
    if (lists.empty()) return "false";
    return fmt::format(R"(
EXISTS (SELECT FROM (SELECT {0}::oid UNION SELECT relid FROM pg_partition_tree({0})) AS line (relid)
          JOIN pg_class AS lc ON lc.oid = line.relid
          JOIN pg_namespace AS ln ON ln.oid = lc.relnamespace
          JOIN (VALUES {1}) AS pattern (schema_like, table_like, column_like, text)
            ON ln.nspname LIKE pattern.schema_like AND lc.relname LIKE pattern.table_like
           AND a.attname LIKE pattern.column_like))",
                       table_oid, values_of(connection, parse_column_patterns(lists)));
}

} // namespace waltrail
