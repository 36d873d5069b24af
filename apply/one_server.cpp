#include "apply/one_server.hpp"

#include <fmt/format.h>

#include <random>

namespace waltrail {

// Advisory locks are of one database, but pg_locks shows those of all, to every role. The lock belongs to a transaction, so
// that it is gone after an error too; it needs no xid and writes no WAL.
bool is_one_server(PostgresConnection &destination, PostgresConnection &source) {
    std::random_device random;
    auto half = [&random] {
        return static_cast<int32_t>(random() >> 1);
    }; // not negative: pg_locks shows OIDs
    int32_t first = half();
    int32_t second = half();
    destination.execute("BEGIN");
    destination.execute(
        fmt::format("SELECT pg_catalog.pg_advisory_xact_lock({}, {})", first, second));
    bool is_seen = source
                       .execute(fmt::format("SELECT FROM pg_catalog.pg_locks WHERE locktype = "
                                            "'advisory' AND classid = {} AND objid = {} AND "
                                            "objsubid = 2 AND granted",
                                            first, second))
                       .rows() > 0;
    destination.execute("COMMIT");
    return is_seen;
}

} // namespace waltrail
