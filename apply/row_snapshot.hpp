// Which transactions one statement at the source has seen. The trail knows the transaction of each change, so what the trail says of that
// very moment can be told exactly, whatever writers do meanwhile and in whatever order commits and their records stand in the WAL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace waltrail {

struct RowSnapshot {
    uint64_t xmin = 0;   // every transaction before it is over
    uint64_t xmax = 0;   // none from it on had begun
    std::string running; // of those in between: the numbers, separated by commas
};

// As pg_current_snapshot() writes it; none for other text.
[[nodiscard]] std::optional<RowSnapshot> parse_snapshot(std::string_view text);

// A condition over `c`, a row of the trail: the snapshot has seen its transaction.
[[nodiscard]] std::string seen_condition(const RowSnapshot &snapshot);

// The same of one transaction.
[[nodiscard]] bool has_seen(const RowSnapshot &snapshot, uint64_t transaction_id);

// The whole id of a row's xmin, of which the row keeps 32 bits. None where it is no transaction's, or may be one of 2^32 transactions earlier: the row does
// not say how old it is.
[[nodiscard]] std::optional<uint64_t> whole_xid(uint32_t xmin, const RowSnapshot &snapshot);

// The newest transaction that the xmin may be of, where none from `xmax` on had begun; the highest number where it is of none of these.
[[nodiscard]] uint64_t newest_xid(uint32_t xmin, uint64_t xmax);

} // namespace waltrail
