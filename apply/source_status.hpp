// How far the trail of a source is, as the destination has recorded it, and how far that is behind the source itself.
#pragma once

#include "apply/lsn.hpp"
#include "apply/postgres.hpp"
#include "apply/slot_state.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace waltrail {

// Times are text in UTC, as 2026-01-31T12:00:00.000000Z.
struct SourceStatus {
    std::string label;
    std::string database;
    std::string slot;
    std::optional<Lsn> recorded_end;
    std::optional<std::string> last_committed_at; // of the last transaction before the recorded end
    std::optional<std::string> recorded_at;       // when the recorded end was written
    double recorded_age_s = 0;
    std::optional<std::string>
        complete_to;         // by the source's clock: everything committed before is recorded
    int64_t changes = 0;     // written in total
    int64_t marked = 0;      // of these
    int64_t quarantined = 0; // changes that are in quarantine
    int64_t gaps = 0;
};

// What only the source can tell.
struct SourceLag {
    Lsn wal_end;
    int64_t lag_bytes = 0;
    // At most: the true one is not known where the source has written nothing that is recorded. 0 where lag_bytes is.
    double lag_s = 0;
    SlotState slot;
};

// Which sources: empty members do not narrow.
struct SourceFilter {
    std::string slot;
    std::string system_identifier; // with database_oid
    std::string database_oid;
};

// In the order of their registration. Needs SELECT on the tables in schema "changes" and the right to call changes.horizon().
[[nodiscard]] std::vector<SourceStatus> read_status(PostgresConnection &destination,
                                                    const SourceFilter &filter);

// Narrows to the database that `source` is connected to.
void narrow_to(PostgresConnection &source, SourceFilter &filter);

[[nodiscard]] SourceLag read_lag(PostgresConnection &source, const SourceStatus &status);

} // namespace waltrail
