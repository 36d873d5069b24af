// The replication slot: where the trail begins.
#pragma once

#include "apply/postgres.hpp"
#include "apply/settings.hpp"

#include <string>

namespace waltrail {

// As text.
struct SlotStart {
    std::string consistent_point;     // an LSN: transactions that commit after it are in the trail
    std::string first_transaction_id; // transactions with this id or a later one are
};

// Creates the slot. On PostgreSQL 17 and later it fails over to standbys. The server first waits for transactions that are open;
// after settings.slot_timeout this fails and names them. Whatever it fails with, a signal too, no slot is left.
SlotStart create_slot(PostgresConnection &source, PostgresConnection &replication,
                      const InitSettings &settings);

// Drops the slot over a connection of its own; waits for a walsender that is about to leave it. No error without a slot.
void drop_slot(const Ends &ends);

} // namespace waltrail
