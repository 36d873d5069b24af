// The replication slot: where the trail begins.
#pragma once

#include "apply/postgres.hpp"
#include "apply/settings.hpp"

#include <string>

namespace waltrail {

// Creates the slot and returns its consistent point, as text. The server first waits for transactions that are open;
// after settings.slot_timeout this fails and names them. Whatever it fails with, a signal too, no slot is left.
std::string create_slot(PostgresConnection &source, PostgresConnection &replication,
                        const InitSettings &settings);

// Drops the slot over a connection of its own; waits for a walsender that is about to leave it. No error without a slot.
void drop_slot(const Ends &ends);

} // namespace waltrail
