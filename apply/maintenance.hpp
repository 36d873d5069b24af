// What the trail needs beside the writer, on connections of its own: changes.maintain(), which makes partitions ahead and drops
// expired ones, once before the first batch and then regularly; after it the VACUUM that seals partitions whose time is past;
// and the cleaning of pending lists. A failure is a warning: rows without a partition go to the default one.
#pragma once

#include "apply/backlog.hpp"
#include "apply/pending_cleaner.hpp"
#include "apply/settings.hpp"

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

namespace waltrail {

class Maintenance {
  public:
    explicit Maintenance(const ApplySettings &settings)
        : conninfo_(settings.ends.destination), interval_(settings.maintenance_interval),
          cleaner_(conninfo_, settings.declares_burst() ? &backlog_ : nullptr) {}

    // The first call waits until maintain() has run, or was ended by the stop, and starts the threads; later calls do nothing.
    void start(const std::stop_token &stop);
    // For the session that streams to say that it is behind.
    [[nodiscard]] Backlog &backlog() { return backlog_; }
    // What the longest pending list held when it was cleaned last; none: lists are not cleaned just now.
    [[nodiscard]] std::optional<int64_t> pending_bytes() const { return cleaner_.found_bytes(); }

  private:
    using Clock = std::chrono::steady_clock;

    void maintain(const std::stop_token &stop) noexcept;
    // Ends early, between two partitions, when maintain() is due.
    void seal(const std::stop_token &stop) noexcept;
    [[nodiscard]] bool is_due() const { return Clock::now() - maintained_at_ >= interval_; }
    void run(std::stop_token stop);

    std::string conninfo_;
    std::chrono::milliseconds interval_;
    Clock::time_point maintained_at_{};
    Backlog backlog_;
    PendingCleaner cleaner_;
    std::jthread thread_; // last: it uses everything above
};

} // namespace waltrail
