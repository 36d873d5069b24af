// Keeps a reader to so many rows a second, for a source that is busy.
#pragma once

#include <chrono>
#include <cstdint>
#include <thread>

namespace waltrail {

class RowRate {
  public:
    // 0: no limit.
    explicit RowRate(uint64_t rows_per_second_max) : rows_per_second_max_(rows_per_second_max) {}

    // Call after rows were read: waits until so many were allowed.
    void take(uint64_t rows) {
        if (rows_per_second_max_ == 0) return;
        rows_ += rows;
        std::chrono::duration<double> due(static_cast<double>(rows_) /
                                          static_cast<double>(rows_per_second_max_));
        std::this_thread::sleep_until(
            begin_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(due));
    }

  private:
    uint64_t rows_per_second_max_;
    uint64_t rows_ = 0;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

} // namespace waltrail
