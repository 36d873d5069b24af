// The eyes of apply: what it counts, whether it is well, and the HTTP listener that tells both. Lives as long as the process;
// sessions come and go below it.
#pragma once

#include "apply/apply_metrics.hpp"
#include "apply/batch_queue.hpp"
#include "apply/error.hpp"
#include "apply/frame_queue.hpp"
#include "apply/health.hpp"
#include "apply/http_listener.hpp"
#include "apply/maintenance.hpp"
#include "apply/metrics_text.hpp"
#include "apply/recorded_point.hpp"
#include "apply/server_watch.hpp"
#include "apply/settings.hpp"
#include "apply/stream_receiver.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace waltrail {

// Any thread may call anything.
class Monitor {
  public:
    // Listens, and says so with the first begins(), so that an apply that cannot begin says that alone. Throws Error(stop) where nothing can
    // listen on the address that was asked for; where it is the default, that is a warning, then, too.
    explicit Monitor(const ApplySettings &settings);
    Monitor(const Monitor &) = delete;
    Monitor &operator=(const Monitor &) = delete;

    // Between two sessions: goes on with settings that were read again. What was counted stays. Where nothing can listen on a
    // new address, the old one stays, and that is an error in the log.
    void take(const ApplySettings &settings);

    // What a session says.
    void begins(const Progress &progress);
    void received(size_t bytes) { metrics_.received(bytes); }
    // `to`: what the batch has brought of it; the rest stays.
    void records(const RecordedBatch &batch, const RecordedPoint &to);

    // A stream, as long as this exists. The references must outlive it.
    class Stream {
      public:
        Stream(Monitor &monitor, const FrameQueue &frames, const BatchQueue &batches,
               const StreamReceiver &receiver, const Maintenance &maintenance);
        ~Stream();
        Stream(const Stream &) = delete;
        Stream &operator=(const Stream &) = delete;

      private:
        friend class Monitor;
        Monitor &monitor_;
        const FrameQueue &frames_;
        const BatchQueue &batches_;
        const StreamReceiver &receiver_;
        const Maintenance &maintenance_;
    };

    // Why the last session has ended, when another follows.
    void fails(const Error &error);
    // One row is refused, and the stream is opened again without it: that is progress.
    void refuses_row() { health_.records(); }

    // For a watchdog. Never waits for a server.
    [[nodiscard]] Verdict alive() const { return health_.alive(activity()); }
    [[nodiscard]] Verdict ready() const { return health_.ready(activity()); }

  private:
    [[nodiscard]] std::optional<StreamActivity> activity() const;
    [[nodiscard]] RecordedPoint recorded() const;
    [[nodiscard]] Gauges gauges() const;
    [[nodiscard]] HttpAnswer answer(const std::string &path) const;
    [[nodiscard]] std::unique_ptr<HttpListener> listener_at(const std::string &listen);
    void announce();
    void change_address(const std::string &listen);

    std::string slot_;
    std::string listen_;         // the listener's address, as the settings have it
    std::string listen_problem_; // why there is none
    bool is_announced_ = false;  // what became of it
    ApplyMetrics metrics_;
    Health health_;

    mutable std::mutex mutex_; // of what follows
    std::string label_;
    RecordedPoint recorded_;
    std::optional<double> recorded_at_s_; // since 1970
    const Stream *stream_ = nullptr;
    // The last that is known: a series of its own for every restart of a server would be a nuisance.
    mutable std::string source_version_;
    mutable std::string destination_version_;

    ServerWatch watch_;
    std::unique_ptr<HttpListener> listener_; // last: its thread uses everything above
};

} // namespace waltrail
