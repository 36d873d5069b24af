// The recorded progress of one source in changes.sources and changes.applied: reading it at the start, and extending it
// inside the transaction that writes a batch. docs/architecture.md specifies the tables.
#pragma once

#include "apply/lsn.hpp"
#include "apply/postgres.hpp"
#include "wire/types.hpp"

#include <optional>
#include <string>
#include <vector>

namespace waltrail {

struct Range {
    Lsn start;
    Lsn end;
};

struct Progress {
    int source_id = 0;
    std::string label;
    uint64_t system_identifier = 0;
    uint32_t database_oid = 0;
    uint32_t timeline = 0;
    Lsn recorded_end;          // end of the contiguous ranges
    std::vector<Range> beyond; // ranges recorded past the contiguous end, in order
    std::optional<wire::Transaction> last_commit;
    // As Advance::source_time; before there is one, and a commit, when the source was registered.
    std::optional<wire::Timestamp> source_time;
};

// Refuses (Disposition::stop) when the extension is missing or of another version, or the trail is missing or was not completed
// after an upgrade. Needs no right.
void require_trail(PostgresConnection &destination);

// Which source it is, without its ranges. The trail is there. Refuses (Disposition::stop) when the destination does not know a
// source with this database and slot.
[[nodiscard]] Progress find_source(PostgresConnection &destination, const std::string &database,
                                   const std::string &slot);

// Fills in what is recorded of a source that find_source() has found.
void read_progress(PostgresConnection &destination, Progress &progress);

// What a batch adds to the recorded end.
struct Advance {
    Lsn from; // the recorded end so far
    Lsn to;
    uint32_t timeline = 0;
    std::optional<wire::Transaction> last_commit; // none: an idle source's position
    uint64_t changes = 0;
    uint64_t marked = 0; // of these changes
    std::optional<wire::Timestamp>
        source_time{}; // everything committed before it lies before `to`; none: no news
};

// Extends the range that ends at advance.from, inside the caller's transaction. Stops when there is none: another process
// has moved it. Answers the destination's clock.
wire::Timestamp record_advance(PostgresConnection &destination, const Progress &progress,
                               const Advance &advance);

// Rewrites the recorded row in a transaction of its own, so that everything recorded so far is proven durable (and
// replicated, where the destination replicates synchronously) before anything is acknowledged. Answers the destination's clock.
wire::Timestamp confirm_progress(PostgresConnection &destination, const Progress &progress);

// COMMIT, and proof that it is durable: a warning that the wait for synchronous replication was cancelled counts as failure.
void commit_durably(PostgresConnection &destination);

} // namespace waltrail
