// What only the two servers can tell of a stream: how much WAL there is and is kept, what is pending, in quarantine or missing.
#pragma once

#include "apply/lsn.hpp"
#include "apply/postgres.hpp"
#include "apply/timed_query.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace waltrail {

struct SourceFigures {
    std::string version; // of PostgreSQL
    wire::Timestamp time;
    Lsn wal_end;
    bool slot_is_lost = false;             // missing or invalidated
    std::optional<int64_t> retained_bytes; // WAL that is kept for the slot; none: it is lost
    std::optional<int64_t> safe_wal_bytes; // none: no limit, or it is lost
    std::optional<int64_t> catalog_xmin_age;
};

// None: the role may not look.
struct DestinationFigures {
    std::string version;
    std::optional<int64_t> quarantined; // changes
    std::optional<int64_t> gaps;
    std::optional<int64_t> pending_bytes; // of the longest list; only with extension pgstattuple
};

// How long an answer is waited for, and until when.
struct Asking {
    std::chrono::milliseconds patience;
    const std::stop_token &stop;
};

// What a session needs that is asked for figures. Throws as execute_within(), as all of these.
void prepare_for_figures(PostgresConnection &connection, const Asking &asking);

[[nodiscard]] SourceFigures read_source_figures(PostgresConnection &source, const std::string &slot,
                                                const Asking &asking);
[[nodiscard]] DestinationFigures read_destination_figures(PostgresConnection &destination,
                                                          int source_id, const Asking &asking);

} // namespace waltrail
