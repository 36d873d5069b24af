// One apply process at a time writes for a source: a session-level advisory lock in the destination.
//
// It also closes a race after a kill -9: the destination may still be committing the killed process's last batch, so the
// recorded position may only be read once that session has ended, which is when its lock is free.
#pragma once

#include "apply/postgres.hpp"
#include "apply/progress.hpp"

#include <stop_token>

namespace waltrail {

// Waits until the session that holds the lock has ended, for as long as the destination may take to notice that its
// client is gone; then fails (Disposition::reconnect), because another apply process is alive. Held until the connection closes. Returns
// without the lock when `stop` is requested.
void lock_source(PostgresConnection &destination, const Progress &source, std::stop_token stop);

// For a further session of the process that has locked the source: another process waits for its end too.
void share_source_lock(PostgresConnection &destination, const Progress &source);

} // namespace waltrail
