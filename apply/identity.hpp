// Whether the stream may go on from the recorded progress: the same source, on a history that contains what was recorded,
// and a slot that has not moved past it. A physical copy has the same system identifier, so that alone proves nothing.
#pragma once

#include "apply/progress.hpp"
#include "apply/replication_stream.hpp"

namespace waltrail {

// The slot alone: it is there, of this plugin and of `database`, and holds its WAL. Throws as check_identity() does.
void check_slot(const SlotState &slot, const std::string &database, const std::string &name);

// Throws Error(stop) with what happened and what to do. Does not look at whether the slot is active.
void check_identity(const SourceSystem &system, const SlotState &slot, const std::string &slot_name,
                    const Progress &progress);

// Where to start the stream. When the slot still holds the last recorded commit, the stream starts at that commit: it comes
// again, is compared (check_repeated_commit) and skipped. Otherwise it starts at the recorded end.
struct StartPoint {
    Lsn lsn;
    bool repeats_last_commit = false;
};
[[nodiscard]] StartPoint start_point(const SlotState &slot, const Progress &progress);

// The first transaction of a stream that repeats the last commit: throws Error(stop) when it is not the recorded one.
void check_repeated_commit(const wire::Transaction &received, const Progress &progress);

} // namespace waltrail
