// Whether both connections lead to one running server, so that what is written to the destination is WAL of the source. Host
// names do not tell, and system identifier, names and OIDs are those of any physical copy too: one session takes a lock, and
// the other looks for it.
#pragma once

#include "apply/postgres.hpp"

namespace waltrail {

[[nodiscard]] bool is_one_server(PostgresConnection &destination, PostgresConnection &source);

// For one server: throws Error(stop) when synchronous_standby_names has this connection for a standby. The server would let a
// COMMIT of ours wait for an answer of ours, which comes after that COMMIT; and everybody else's would wait with it.
void refuse_to_be_awaited(PostgresConnection &source);

} // namespace waltrail
