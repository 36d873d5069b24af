// Up to where the trail is, as this process knows it without asking the destination, and how far that is behind a source that
// has just told where it is. The same lag as `waltrail status` says (source_status.hpp).
#pragma once

#include "apply/lsn.hpp"
#include "apply/progress.hpp"

#include <cstdint>
#include <optional>

namespace waltrail {

struct RecordedPoint {
    Lsn end;
    std::optional<wire::Transaction> last_commit; // recorded before it
    std::optional<wire::Timestamp> source_time;   // everything committed before it is, too
};

struct Lag {
    uint64_t bytes = 0;
    std::optional<double> seconds = 0; // at most; none: nothing is known of the time yet
};

// `source_time` is the source's clock when its WAL had come to `wal_end`.
[[nodiscard]] Lag lag_behind(const RecordedPoint &recorded, Lsn wal_end,
                             wire::Timestamp source_time);

} // namespace waltrail
