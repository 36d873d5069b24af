// The replication slot as the source's server shows it.
#pragma once

#include "apply/lsn.hpp"
#include "apply/postgres.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace waltrail {

struct SlotState {
    bool exists = false;
    std::string plugin;   // empty for a physical slot
    std::string database; // empty for a physical slot
    bool active = false;
    std::string active_pid;
    std::string wal_status;          // "lost" when invalidated
    std::string invalidation_reason; // of PostgreSQL 17 and later; empty before
    Lsn confirmed;
    int64_t retained_bytes = 0;             // WAL that is kept for it
    std::optional<int64_t> safe_bytes_left; // WAL until it may be invalidated; none: no limit
};

// Missing or invalidated: apply cannot go on from it.
[[nodiscard]] inline bool is_lost(const SlotState &slot) {
    return !slot.exists || slot.wal_status == "lost";
}

// Over either kind of connection, by any role.
[[nodiscard]] SlotState read_slot(PostgresConnection &source, const std::string &name);

} // namespace waltrail
