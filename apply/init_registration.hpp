// What the two ends already know of each other: the slot on the source, and the source in changes.sources.
#pragma once

#include "apply/postgres.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace waltrail {

// Who the source is, as its server says.
struct SourceIdentity {
    int64_t system_identifier; // the server's unsigned number, its bits kept
    int timeline;
    std::string database_oid;
    std::string database_name;
};

[[nodiscard]] SourceIdentity identify_source(PostgresConnection &source,
                                             PostgresConnection &replication);

struct Registration {
    std::string label;
    // Both ends are prepared already; the label is the one that is registered.
    bool is_prepared;
};

// Whether the source can be prepared with this slot and label (empty: the registered one, else the database's name), or is
// already. Everything that does not fit together is an Error (stop). Nothing here writes.
[[nodiscard]] Registration check_registration(PostgresConnection &source,
                                              PostgresConnection &destination,
                                              const SourceIdentity &identity,
                                              const std::string &slot, const std::string &label);

// A line for each other slot of the source's database that records into the same trail: what both give goes to quarantine
// the second time.
[[nodiscard]] std::vector<std::string> doubled_registrations(PostgresConnection &source,
                                                             PostgresConnection &destination,
                                                             const SourceIdentity &identity,
                                                             const std::string &slot);

} // namespace waltrail
