// The signals of `waltrail apply`: SIGTERM and SIGINT ask for the end, a second one ends the process at once; SIGHUP asks for
// the settings to be read again, or where the input is a terminal, which is being closed then, for the end. They are taken by a thread of their own, so that no handler runs in the middle of libpq.
#pragma once

#include <atomic>
#include <csignal>
#include <mutex>
#include <stop_token>
#include <thread>

namespace waltrail {

class ApplySignals {
  public:
    // Blocks the signals in this thread and all that it starts afterwards.
    ApplySignals();
    ~ApplySignals();
    ApplySignals(const ApplySignals &) = delete;
    ApplySignals &operator=(const ApplySignals &) = delete;

    [[nodiscard]] bool is_stopping() const { return stopping_; }
    // A token that is good for one reading of the settings: its stop is requested by any of the signals that comes after this call,
    // and at once where the end has been asked for.
    [[nodiscard]] std::stop_token begin_settings();

  private:
    void watch(std::stop_token done);
    void take(int signal);

    sigset_t signals_{};
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::stop_source settings_;
    std::jthread thread_; // last: it uses everything above
};

} // namespace waltrail
