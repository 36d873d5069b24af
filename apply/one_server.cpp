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

// By name and not by pg_stat_replication: the first COMMIT comes before the stream. Names are compared as syncrep.c does,
// without regard to case; "first", "any" and the number among them are names too, where they are quoted, and else match nothing
// that anybody is called.
void refuse_to_be_awaited(PostgresConnection &source) {
    Result row = source.execute(R"sql(
SELECT pg_catalog.current_setting('synchronous_standby_names'), pg_catalog.current_setting('application_name')
  FROM pg_catalog.regexp_matches(pg_catalog.current_setting('synchronous_standby_names'), '"[^"]+"|[^\s,()"]+', 'g') AS m (word)
 WHERE pg_catalog.lower(pg_catalog.btrim(m.word[1], '"'))
       IN ('*', pg_catalog.lower(pg_catalog.current_setting('application_name')))
 LIMIT 1)sql");
    if (row.rows() == 0) return;
    throw Error(
        Disposition::stop,
        fmt::format("{}: synchronous_standby_names = \"{}\" takes waltrail for a standby of the "
                    "server that it writes to, so that each would wait for the other for ever",
                    source.where(), row.text(0, 0)),
        fmt::format("name the true standbys there, without * and \"{}\", and reload the server",
                    row.text(0, 1)));
}

} // namespace waltrail
