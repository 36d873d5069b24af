#include "apply/recorded_point.hpp"

#include <algorithm>

namespace waltrail {

// By the source's clock alone, and by what is recorded: an outage makes no difference, whoever looks.
Lag lag_behind(const RecordedPoint &recorded, Lsn wal_end, wire::Timestamp source_time) {
    if (wal_end <= recorded.end) return {};
    Lag lag{wal_end.value - recorded.end.value, std::nullopt};
    std::optional<int64_t> complete_to;
    if (recorded.last_commit) complete_to = recorded.last_commit->committed_at.microseconds;
    if (recorded.source_time)
        complete_to = std::max(complete_to.value_or(INT64_MIN), recorded.source_time->microseconds);
    if (complete_to)
        lag.seconds =
            std::max(0.0, static_cast<double>(source_time.microseconds - *complete_to) / 1e6);
    return lag;
}

} // namespace waltrail
