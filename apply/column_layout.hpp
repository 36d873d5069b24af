// Whether a column that a recorded shape names is the one that has the name now: it may have been renamed or dropped since, and another one may
// have got its name. Columns keep their order for ever, and a dropped one keeps its place in the catalogs, so mostly the place tells.
#pragma once

#include "apply/postgres.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace waltrail {

// A row of pg_attribute.
struct LaidColumn {
    std::string name;        // empty: it was dropped
    uint64_t altered_by = 0; // the newest transaction that may have written this row

    bool operator==(const LaidColumn &) const = default;
};

using ColumnLayout = std::vector<LaidColumn>; // of one table, by attnum
using ColumnLayouts = std::map<uint32_t, std::shared_ptr<const ColumnLayout>>; // by its OID

[[nodiscard]] ColumnLayouts read_layouts(PostgresConnection &source,
                                         const std::set<uint32_t> &tables);

// `recorded`: names of the columns when a transaction made a change, in their order. It has in front of the column those that are there now
// and are in the trail, and may have had others:
//
// | its place in `recorded` is                          | then                                           |
// |-----------------------------------------------------|------------------------------------------------|
// | one that the column cannot have had                 | it was another column                          |
// | the only one that it can have had                   | it was this one                                |
// | one of several: a column in front was dropped since, or is not in the trail | it was this one, unless it may have been altered since |
//
// The last line goes wrong only where a transaction that has altered the table had its id before another one, which changed rows before that.
[[nodiscard]] bool is_same_column(const std::vector<std::string> &recorded,
                                  const ColumnLayout &layout, const std::string &name,
                                  uint64_t transaction_id);

} // namespace waltrail
