// Compares a row as the source has it with the row that a change of the trail left, column by column. Both are the text of a jsonb, which has one
// way to write a value, so that values are the same where their texts are: 1.5 and 1.50 are not.
#pragma once

#include "apply/table_history.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace waltrail {

// A column of the table as it is now, under the name that the trail has for it.
struct ComparedColumn {
    std::string name;
    std::string type;
    bool by_presence =
        false; // masked: only whether it is NULL. The source's row has true for a value

    bool operator==(const ComparedColumn &) const = default;
};

// A change, as much of it as says what became of the row.
struct TrailChange {
    std::string id;
    std::string operation;
    uint64_t position = 0;
    uint64_t transaction_id = 0;
    std::string after;
    std::set<std::string> unreadable; // columns whose value is marked or erased
    bool is_left = false;             // the retention has dropped changes that were committed later
};

// Of one row.
struct RowDifference {
    std::vector<std::string> columns; // that differ, in the order of the table
    std::vector<std::string> skipped; // that one side has and that say nothing
};

// `source_row` has the columns that are compared. `shapes`: what the table may have looked like when the change was made.
//
// | the column is                      | then                                                                            |
// |------------------------------------|---------------------------------------------------------------------------------|
// | on both sides                      | its texts are compared; one that is masked, as NULL or not                      |
// | on both, of another type since     | a difference says nothing: ALTER TABLE rewrites values without a change         |
// | on both, but another column had the name then | a difference says nothing                                            |
// | marked or erased in the change     | says nothing                                                                    |
// | of the source alone                | added since, excluded then, or a TOAST value that the WAL had not: says nothing |
// | of the source alone, and all of it must be in the change | differs                                                   |
// | of the trail alone                 | dropped or renamed since, or not read: says nothing                             |
[[nodiscard]] RowDifference compare_row(std::string_view source_row, const TrailChange &change,
                                        const std::vector<ComparedColumn> &columns,
                                        const std::vector<const RecordedShape *> &shapes);

// The value of a member of a JSON object, as it is written.
[[nodiscard]] std::optional<std::string_view> json_member(std::string_view object,
                                                          const std::string &name);

} // namespace waltrail
