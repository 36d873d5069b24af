// How many changes there are of each operation.
#pragma once

#include "wire/types.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace waltrail {

class OperationCounts {
  public:
    static constexpr std::array operations{wire::Operation::insert, wire::Operation::update,
                                           wire::Operation::remove, wire::Operation::truncate};

    uint64_t &operator[](wire::Operation operation) {
        return counts_[static_cast<size_t>(operation) - first];
    }
    uint64_t operator[](wire::Operation operation) const {
        return counts_[static_cast<size_t>(operation) - first];
    }
    // Of each operation, `other` has no more than this.
    OperationCounts &operator-=(const OperationCounts &other) {
        for (size_t i = 0; i < counts_.size(); i++) counts_[i] -= other.counts_[i];
        return *this;
    }

  private:
    static constexpr size_t first = static_cast<size_t>(wire::Operation::insert);
    std::array<uint64_t, operations.size()> counts_{};
};

} // namespace waltrail
