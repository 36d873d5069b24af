// What the trail's changes of one key say about the row that the source has, or has not. Pure: it is given everything.
#pragma once

#include "apply/row_comparison.hpp"

#include <optional>
#include <string>
#include <vector>

namespace waltrail {

enum class Verdict {
    equal,            // the row is as its newest change left it
    different,        // it is not
    missing_in_trail, // the row is there, and the trail has no change of it, or says that it is gone
    missing_in_source, // the trail says that there is a row
    not_seen,          // the row was written before the trail began, or may have been
    gone,              // neither has a row: nothing to count
    not_comparable,    // the row or its changes do not tell
    undecided,         // the trail has not recorded as far as the row was read
};

// What is known of one key at one moment of the source.
struct RowCase {
    bool is_in_source = false;
    std::optional<std::string> row; // none where it is not there, or could not be written as JSON
    // The newest change by position, and the newest by commit time where that is another one: positions do not say who had a key
    // after whom where a row takes over a key that another has left (docs/architecture.md).
    std::vector<TrailChange> newest;
    uint64_t truncated_at = 0; // position of the newest TRUNCATE of the table
    uint64_t partition_truncated_at =
        0;                         // of one of its partitions: which rows were in it, nobody knows
    bool has_left = false;         // an UPDATE after the newest change took the row to another key
    bool must_be_in_trail = false; // it was written after the trail had begun
    bool losses_are_told = true;   // a DELETE or TRUNCATE would be in the trail, with its key
};

struct Judgement {
    Verdict verdict = Verdict::gone;
    RowDifference difference; // of a row that is different; of one that is equal, what was skipped
    const TrailChange *change = nullptr; // which the verdict stands on; none: there is none
};

[[nodiscard]] Judgement judge_row(const RowCase &row, const std::vector<ComparedColumn> &columns,
                                  const TableHistory &history);

} // namespace waltrail
