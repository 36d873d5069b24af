// Keeps the pending lists of the trail's GIN indexes short, beside the writer, by changes.clean_pending() on a connection of
// its own. Every query reads those lists whole; a full one is cleaned by the writer that filled it, whose batch waits for that. In a burst that was
// declared (ApplySettings::pending_bytes_max) lists may grow, and are cleaned once the writers have caught up.
#pragma once

#include "apply/backlog.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

namespace waltrail {

// After a cleaning that found so much in the longest list: sooner where the list may fill before the next one, later where
// little was there. Never below cleaning_interval_min or above cleaning_interval_max.
[[nodiscard]] std::chrono::milliseconds next_cleaning_interval(std::chrono::milliseconds interval,
                                                               int64_t bytes);

inline constexpr std::chrono::milliseconds cleaning_interval_min{500};
inline constexpr std::chrono::milliseconds cleaning_interval_first{4'000};
inline constexpr std::chrono::milliseconds cleaning_interval_max{60'000};

class PendingCleaner {
  public:
    // While there is such a backlog it waits; null: it never does. The backlog must outlive this.
    PendingCleaner(std::string destination_conninfo, const Backlog *backlog)
        : conninfo_(std::move(destination_conninfo)), backlog_(backlog) {}

    // Starts the thread; later calls do nothing. Failures are warnings: the writer then cleans what it fills.
    void start();
    // In the longest list, at the last cleaning; none: there was none, it failed, or a burst is under way.
    [[nodiscard]] std::optional<int64_t> found_bytes() const {
        int64_t bytes = found_bytes_.load(std::memory_order_relaxed);
        return bytes < 0 ? std::nullopt : std::optional(bytes);
    }

  private:
    static constexpr int64_t unknown = -1;

    void run(std::stop_token stop);

    std::string conninfo_;
    const Backlog *backlog_;
    std::atomic<int64_t> found_bytes_{unknown};
    std::jthread thread_; // last: it uses everything above
};

} // namespace waltrail
