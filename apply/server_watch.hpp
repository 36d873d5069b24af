// Asks both servers for their figures now and then, each in a thread and on a connection of its own: neither who reads the metrics nor the
// stream ever waits for an answer, nor does one server for the other. What could not be asked lately is not known; it is never told again as it was before.
#pragma once

#include "apply/recorded_point.hpp"
#include "apply/server_figures.hpp"
#include "apply/settings.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

namespace waltrail {

// None: the server did not answer when it was asked last, or has not been asked yet.
struct WatchedFigures {
    std::optional<SourceFigures> source;
    std::optional<Lag> lag; // with `source`
    std::optional<DestinationFigures> destination;
};

class ServerWatch {
  public:
    // `recorded` answers up to where the trail is; called by a thread.
    ServerWatch(const ApplySettings &settings, std::function<RecordedPoint()> recorded)
        : ends_(settings.ends), interval_(settings.metrics_interval),
          recorded_(std::move(recorded)) {}

    // Starts the threads; later calls do nothing.
    void start(int source_id);
    void set_interval(std::chrono::milliseconds interval) { interval_ = interval; }
    [[nodiscard]] WatchedFigures latest() const;

  private:
    using Clock = std::chrono::steady_clock;

    // One of the servers: its connection is its thread's alone.
    struct WatchedEnd {
        std::optional<PostgresConnection> connection;
        bool is_told = false; // that it cannot be asked
    };

    void look_at_source(const std::stop_token &stop);
    void look_at_destination(const std::stop_token &stop);
    // Connects where that is necessary, and calls `look`, which throws where the server does not answer.
    void look_at(WatchedEnd &end, const std::string &conninfo, const std::string &name,
                 const std::stop_token &stop,
                 const std::function<void(PostgresConnection &, const Asking &)> &look);

    Ends ends_;
    std::atomic<std::chrono::milliseconds> interval_;
    std::function<RecordedPoint()> recorded_;
    int source_id_ = 0;
    WatchedEnd source_;
    WatchedEnd destination_;

    mutable std::mutex mutex_; // of what follows
    WatchedFigures figures_;
    Clock::time_point source_read_at_{};
    Clock::time_point destination_read_at_{};
    std::jthread source_thread_; // last: they use everything above
    std::jthread destination_thread_;
};

} // namespace waltrail
