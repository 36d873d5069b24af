#include "apply/recorded_point.hpp"

#include <algorithm>

namespace waltrail {

// | the recorded end is                      | everything committed before … is in the trail |
// |------------------------------------------|-----------------------------------------------|
// | the end of the last recorded transaction | its commit                                    |
// | past it: an idle source's position       | the moment when that position was recorded    |
Lag lag_behind(const RecordedPoint &recorded, Lsn wal_end, wire::Timestamp source_time,
               std::chrono::steady_clock::time_point now) {
    if (wal_end <= recorded.end) return {};
    double since_record_s = std::chrono::duration<double>(now - recorded.at).count();
    double seconds = since_record_s;
    if (recorded.last_commit && recorded.last_commit->end_lsn == recorded.end)
        seconds = static_cast<double>(source_time.microseconds -
                                      recorded.last_commit->committed_at.microseconds) /
                  1e6;
    return {wal_end.value - recorded.end.value, std::max(0.0, seconds)};
}

} // namespace waltrail
