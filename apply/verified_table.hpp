// The tables of the source that verify compares, as its catalogs describe them: by their roots, as the trail names them; what the role
// may read of them; and how each column is written so that it looks as it does in the trail.
#pragma once

#include "apply/postgres.hpp"
#include "apply/row_comparison.hpp"
#include "apply/selection.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace waltrail {

struct KeyColumn {
    std::string name;
    std::string cast;            // its type without a length, as SQL names it
    std::string operator_schema; // of its comparisons, quoted; empty where there are none

    bool operator==(const KeyColumn &) const = default;
};

struct SourceColumn {
    std::string name;
    std::string expression; // over `t`, quoted; of the value as the trail writes it
    bool holds_json =
        false; // which may be more than jsonb can hold: then the server refuses to write the row

    bool operator==(const SourceColumn &) const = default;
};

struct VerifiedTable {
    PresentTable present;
    std::string sql_name; // quoted, with its schema
    std::vector<uint32_t>
        chosen; // of a partitioned table, those partitions that are recorded; empty: all
    std::vector<KeyColumn> key;
    std::vector<SourceColumn> columns;
    std::vector<ComparedColumn> compared; // the same columns, as the trail names them
    std::vector<std::string> notes;       // columns that are not compared, and why
    std::string problem;                  // why its rows cannot be compared; empty: they can
    bool is_refused = false;              // the problem is one of rights
    bool has_ignored_columns = false;     // an UPDATE of a row may be none of the trail's
    bool may_read_xmin = false;
    std::set<uint32_t> rewritten_by; // xmins that its rows may have of an ALTER TABLE
    bool was_rewritten = false; // or emptied, once at least: it is in another file than at first
    int64_t rows_estimate = -1; // of the planner's statistics; -1: none

    bool operator==(const VerifiedTable &) const = default;
};

// An expression, over `t`: true where the column (a quoted name) has a value, otherwise NULL. All that leaves the source of what is masked.
[[nodiscard]] std::string presence_of(const std::string &name);

// OIDs of all permanent tables that the selection records, in the order of their names. Needs search_path = pg_catalog.
[[nodiscard]] std::vector<std::string> list_verified_tables(PostgresConnection &source,
                                                            const Selection &selection);

// One of them as it is now; none where it is not one of them any more. Needs search_path = pg_catalog.
[[nodiscard]] std::optional<VerifiedTable>
read_verified_table(PostgresConnection &source, const Selection &selection, const std::string &oid);

// Whether nobody has altered the table since it was read, nor what the role may read of it. Statistics do not count.
[[nodiscard]] bool is_unaltered(PostgresConnection &source, const Selection &selection,
                                const VerifiedTable &table);

} // namespace waltrail
