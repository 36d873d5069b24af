#include "apply/slot_state.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace waltrail {

namespace {

// A standby has no insert position, and what it has replayed takes its place.
constexpr const char *slot_sql = R"(
SELECT coalesce(plugin, ''), coalesce(database, ''), active, active_pid, coalesce(wal_status, ''), confirmed_flush_lsn,
       pg_catalog.pg_wal_lsn_diff(CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn()
                                       ELSE pg_catalog.pg_current_wal_lsn() END, restart_lsn), safe_wal_size,
       coalesce(pg_catalog.to_jsonb(s) ->> 'invalidation_reason', '')
  FROM pg_catalog.pg_replication_slots AS s WHERE slot_name = {})";

} // namespace

SlotState read_slot(PostgresConnection &source, const std::string &name) {
    // A replication connection takes no parameters.
    Result rows = source.execute(fmt::format(slot_sql, source.quote_literal(name)));
    SlotState state;
    if (rows.rows() == 0) return state;
    state.exists = true;
    state.plugin = rows.string(0, 0);
    state.database = rows.string(0, 1);
    state.active = rows.text(0, 2) == "t";
    state.active_pid = rows.string(0, 3);
    state.wal_status = rows.string(0, 4);
    state.confirmed = parse_lsn(rows.text(0, 5)).value_or(Lsn{});
    state.retained_bytes = std::atoll(rows.string(0, 6).c_str());
    state.invalidation_reason = rows.string(0, 8);
    if (!rows.is_null(0, 7)) state.safe_bytes_left = std::atoll(rows.string(0, 7).c_str());
    return state;
}

} // namespace waltrail
