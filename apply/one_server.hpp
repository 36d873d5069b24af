// Whether both connections lead to one running server, so that what is written to the destination is WAL of the source. Host
// names do not tell, and system identifier, names and OIDs are those of any physical copy too: one session takes a lock, and
// the other looks for it.
#pragma once

#include "apply/postgres.hpp"

namespace waltrail {

[[nodiscard]] bool is_one_server(PostgresConnection &destination, PostgresConnection &source);

} // namespace waltrail
