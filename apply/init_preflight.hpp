// What must be true before `waltrail init` writes anything. What does not hold is an Error (stop) that says what, where, and
// how to mend it. Nothing here writes.
#pragma once

#include "apply/postgres.hpp"
#include "apply/settings.hpp"

namespace waltrail {

// The settings that need no server. Patterns are checked with the command line.
void check_init_settings(const InitSettings &settings);

// Version, recovery, the role's rights, wal_level, the plugin's permission, a free walsender.
void check_source(PostgresConnection &source);

// Version, recovery, encoding, the extensions and the right to create them.
void check_destination(PostgresConnection &destination);

// A slot is still to be made: is there room for one?
void check_free_slot(PostgresConnection &source);

} // namespace waltrail
