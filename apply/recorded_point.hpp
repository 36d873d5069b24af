// Up to where the trail is, as this process knows it without asking the destination, and how far that is behind a source that
// has just told where it is. The same lag as `waltrail status` says (source_status.hpp).
#pragma once

#include "apply/lsn.hpp"
#include "apply/progress.hpp"

#include <chrono>
#include <cstdint>
#include <optional>

namespace waltrail {

struct RecordedPoint {
    Lsn end;
    std::optional<wire::Transaction> last_commit; // recorded before it
    std::chrono::steady_clock::time_point at{};   // when it was recorded
};

struct Lag {
    uint64_t bytes = 0;
    double seconds = 0; // at most
};

// `source_time` is the source's clock when its WAL had come to `wal_end`; `now` the same moment here.
[[nodiscard]] Lag lag_behind(const RecordedPoint &recorded, Lsn wal_end,
                             wire::Timestamp source_time,
                             std::chrono::steady_clock::time_point now);

} // namespace waltrail
