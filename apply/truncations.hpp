// The TRUNCATEs of a table that the trail has. They have no key, and lie in the index among all other changes without one; so they are read once with the
// table's history, and which of them a snapshot had seen is decided here. A TRUNCATE that is recorded later is known when the history is read again.
#pragma once

#include "apply/postgres.hpp"
#include "apply/row_snapshot.hpp"
#include "apply/table_history.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace waltrail {

struct NotedTruncate {
    uint64_t position = 0;
    uint64_t transaction_id = 0;
};

// Position of the newest TRUNCATE; 0: none.
struct NewestTruncates {
    uint64_t of_table = 0;
    uint64_t of_a_partition = 0; // of one alone: which rows were in it, nobody knows
};

class Truncations {
  public:
    Truncations() = default;
    // Each list from the newest position on.
    Truncations(std::vector<NotedTruncate> of_table, std::vector<NotedTruncate> of_partitions)
        : of_table_(std::move(of_table)), of_partitions_(std::move(of_partitions)) {}

    [[nodiscard]] NewestTruncates seen_by(const RowSnapshot &snapshot) const;
    // Of any: a key whose newest change lies before it has no row any more, or is taken to have none. 0: there is none.
    [[nodiscard]] uint64_t newest() const;

  private:
    std::vector<NotedTruncate> of_table_, of_partitions_;
};

// `relation`: which the role reads; `label`: of the source.
[[nodiscard]] Truncations read_truncations(PostgresConnection &destination,
                                           const std::string &relation, const std::string &label,
                                           const TableHistory &history);

} // namespace waltrail
