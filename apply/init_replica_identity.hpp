// REPLICA IDENTITY FULL for the tables that are there: without it, `before` of an UPDATE or DELETE holds the key alone.
#pragma once

#include "apply/init_undo.hpp"
#include "apply/postgres.hpp"
#include "apply/settings.hpp"

#include <string>
#include <vector>

namespace waltrail {

struct IdentityReport {
    int changed = 0; // tables that were given FULL now
    int full = 0;    // tables that had it
    std::string
        price; // what FULL adds to the WAL, as a clause; empty where the statistics are silent
    std::vector<std::string> warnings; // one line for each reason why tables were left as they are
};

// `condition` is tracked_table_condition(). Each table is altered in a transaction of its own with a lock timeout; what
// cannot be locked, is not the role's or holds rows too large to be logged twice is left as it is, with a warning. Fails when
// the connection is lost or a signal comes.
IdentityReport set_replica_identities(PostgresConnection &source, const Ends &ends,
                                      const std::string &condition, UndoList &undo);

} // namespace waltrail
