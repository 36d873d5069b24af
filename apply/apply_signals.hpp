// The signals of `waltrail apply`: SIGTERM and SIGINT ask for the end, a second one ends the process at once; SIGHUP asks for
// the settings to be read again, or where the input is a terminal, which is being closed then, for the end. They are taken by a thread of their
// own, so that no handler runs in the middle of libpq.
#pragma once

#include <atomic>
#include <csignal>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace waltrail {

class ApplySignals {
  public:
    // `read_settings` is called by the signals' thread and answers whether there are new settings: if not, all goes on as before.
    using ReadSettings = std::function<bool()>;
    // Blocks the signals in this thread and all that it starts afterwards.
    explicit ApplySignals(ReadSettings read_settings);
    ~ApplySignals();
    ApplySignals(const ApplySignals &) = delete;
    ApplySignals &operator=(const ApplySignals &) = delete;

    [[nodiscard]] bool is_stopping() const { return stopping_; }
    // A token that is good until the settings change: its stop is requested where they do after this call, or the end is asked
    // for, and at once where it has been.
    [[nodiscard]] std::stop_token begin_settings();

  private:
    void watch(std::stop_token done);
    void take(int signal);

    sigset_t signals_{};
    ReadSettings read_settings_;
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::stop_source settings_;
    std::jthread thread_; // last: it uses everything above
};

} // namespace waltrail
