// Keeps the pending lists of the trail's GIN indexes short, beside the writer, by changes.clean_pending() on a connection of
// its own. Every query reads those lists whole; a full one (4 MB) is cleaned by the writer that filled it, whose batch waits for that.
#pragma once

#include <chrono>
#include <cstdint>
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
    explicit PendingCleaner(std::string destination_conninfo)
        : conninfo_(std::move(destination_conninfo)) {}

    // Starts the thread; later calls do nothing. Failures are warnings: the writer then cleans what it fills.
    void start();

  private:
    void run(std::stop_token stop);

    std::string conninfo_;
    std::jthread thread_; // last: it uses everything above
};

} // namespace waltrail
