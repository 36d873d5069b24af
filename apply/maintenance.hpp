// Calls changes.maintain(), which makes partitions ahead and drops expired ones: once before the first batch, then regularly
// on a connection of its own, beside the writer. A failure is a warning: rows without a partition go to the default one.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <thread>

namespace waltrail {

class Maintenance {
  public:
    explicit Maintenance(std::string destination_conninfo, std::chrono::milliseconds interval)
        : conninfo_(std::move(destination_conninfo)), interval_(interval) {}

    // The first call waits until maintain() has run, and starts the thread; later calls do nothing.
    void start();

  private:
    void run_once() noexcept;
    void run(std::stop_token stop);

    std::string conninfo_;
    std::chrono::milliseconds interval_;
    std::jthread thread_; // last: it uses everything above
};

} // namespace waltrail
