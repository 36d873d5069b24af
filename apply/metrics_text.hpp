// What /metrics says, in Prometheus' text format. docs/monitoring.md lists the metrics; a test compares.
#pragma once

#include "apply/apply_metrics.hpp"
#include "apply/server_watch.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace waltrail {

// What is so at the moment of the question. None: not known, and then nothing is said of it.
struct Gauges {
    std::string label; // of the source
    std::string slot;
    std::string source_version;
    std::string destination_version;
    bool is_streaming = false;
    bool is_healthy = false;
    size_t frame_bytes = 0;              // waiting
    size_t row_bytes = 0;                // waiting
    size_t batches = 0;                  // under way
    std::optional<double> last_record_s; // since 1970
    std::optional<double> last_commit_s; // since 1970
    std::optional<int64_t> pending_bytes;
    WatchedFigures figures;
};

[[nodiscard]] std::string metrics_text(const ApplyMetrics &counted, const Gauges &gauges);
// What its Content-Type must say.
inline constexpr const char *metrics_type = "text/plain; version=0.0.4; charset=utf-8";

} // namespace waltrail
