#include "apply/batch.hpp"

#include <algorithm>

namespace waltrail {

ChangePlace Batch::place_of(uint64_t row) const {
    auto after = std::upper_bound(
        transactions.begin(), transactions.end(), row,
        [](uint64_t number, const RenderedTransaction &t) { return number < t.first_row; });
    const RenderedTransaction &transaction = *std::prev(after);
    uint64_t ordinal = row - transaction.first_row;
    for (uint64_t quarantined : transaction.quarantined_ordinals)
        if (quarantined <= ordinal) ordinal++;
    return {transaction.commit_lsn, ordinal};
}

bool Batch::is_large(uint64_t row) const {
    return std::ranges::find(large_rows, row) != large_rows.end();
}

} // namespace waltrail
