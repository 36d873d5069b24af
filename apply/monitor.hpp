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

#include <mutex>
#include <optional>
#include <string>

namespace waltrail {

// Any thread may call anything.
class Monitor {
  public:
    // Throws Error(stop) where nothing can listen on the address that was asked for; where it is the default, that is a warning.
    explicit Monitor(const ApplySettings &settings);
    Monitor(const Monitor &) = delete;
    Monitor &operator=(const Monitor &) = delete;

    // Between two sessions: goes on with settings that were read again. What was counted stays. Where nothing can listen on a
    // new address, that is an error in the log.
    void take(const ApplySettings &settings);

    // What a session says. The recorded end was confirmed just now.
    void begins(const Progress &progress);
    void received(size_t bytes) { metrics_.received(bytes); }
    void records(const RecordedBatch &batch, Lsn to,
                 const std::optional<wire::Transaction> &last_commit);

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
    void listen(const ApplySettings &settings);

    std::string slot_;
    std::string listen_; // of the settings
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
    std::optional<HttpListener> listener_; // last: its thread uses everything above
};

} // namespace waltrail
