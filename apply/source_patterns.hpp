// Patterns over the tables and columns of the source, asked of its catalogs: which tables get REPLICA IDENTITY FULL, as an SQL
// condition that both init and its event trigger use, so that they can never disagree; which are recorded; and which patterns
// match nothing.
#pragma once

#include "apply/postgres.hpp"
#include "apply/selection.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace waltrail {

struct TablePattern {
    std::string text;        // as written
    std::string schema_like; // for LIKE
    std::string table_like;
};

// Of lists that pattern_problem() has found good.
[[nodiscard]] std::vector<TablePattern> parse_table_patterns(const std::vector<std::string> &lists);

// A line about each pattern of lists that pattern_problem() has found good which matches nothing now: `pattern "x" of --tables matches no table now`. `name` is
// what gave the list. *.* is never among them: it asks for nothing in particular. Needs search_path = pg_catalog.
[[nodiscard]] std::vector<std::string> unmatched_patterns(PostgresConnection &source,
                                                          std::string_view name, PatternKind kind,
                                                          const std::vector<std::string> &lists);

// A condition: one of the tables that the query `relids` gives matches a pattern by its own name. Needs search_path =
// pg_catalog.
[[nodiscard]] std::string matching_table_condition(const PostgresConnection &connection,
                                                   const std::vector<TablePattern> &patterns,
                                                   std::string_view relids);

// A condition over `c`, a row of pg_class, and `n`, its row of pg_namespace. Needs search_path = pg_catalog. A partition
// matches by its own name or by the name of a table that it belongs to.
[[nodiscard]] std::string tracked_table_condition(const PostgresConnection &connection,
                                                  const std::vector<TablePattern> &patterns);

// The same for what a statement may name to change rows of such tables: these, and the partitioned tables above them.
[[nodiscard]] std::string context_table_condition(const PostgresConnection &connection,
                                                  const std::vector<TablePattern> &patterns);

// The same for what the plugin records under a selection, but that unlogged tables are among them.
[[nodiscard]] std::string selected_table_condition(const PostgresConnection &connection,
                                                   const Selection &selection);

// A condition over `a`, a row of pg_attribute: it is a column that lists of column patterns mean, by the name of the table with that OID or of one of its partitions. The
// lists are such that pattern_problem() has found good. Needs search_path = pg_catalog.
[[nodiscard]] std::string matching_column_condition(const PostgresConnection &connection,
                                                    const std::vector<std::string> &lists,
                                                    uint32_t table_oid);

} // namespace waltrail
