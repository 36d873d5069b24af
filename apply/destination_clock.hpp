// The destination's clock between two looks at it: writers set it with every answer that tells the time, the renderer reads it.
#pragma once

#include "wire/types.hpp"

#include <atomic>
#include <chrono>

namespace waltrail {

class DestinationClock {
  public:
    // The destination has just said so. The clock is behind by the way of the answer: a row never lies in the future of its readers.
    void set(wire::Timestamp time) {
        ahead_us_.store(time.microseconds - steady_us(), std::memory_order_relaxed);
    }
    [[nodiscard]] wire::Timestamp now() const {
        return {steady_us() + ahead_us_.load(std::memory_order_relaxed)};
    }

  private:
    static int64_t steady_us() {
        auto since_start = std::chrono::steady_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::microseconds>(since_start).count();
    }
    std::atomic<int64_t> ahead_us_{0};
};

} // namespace waltrail
