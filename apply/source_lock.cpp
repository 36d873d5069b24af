#include "apply/source_lock.hpp"

#include "apply/stop_wait.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>

namespace waltrail {

namespace {

using std::chrono::milliseconds;

// The advisory lock's first key; the second is the source's id. "WALT" in ASCII.
constexpr int lock_class = 0x57414C54;
constexpr milliseconds poll_interval{100};
// With a client whose machine is gone, TCP gives up after this long; see the settings below.
constexpr int keepalive_idle_s = 15;
constexpr int keepalive_interval_s = 5;
constexpr int keepalive_count = 3;
constexpr int loss_s = keepalive_idle_s + keepalive_interval_s * keepalive_count;
constexpr milliseconds patience{1000 * (loss_s + keepalive_interval_s)};

// Alone while the lock is taken, so that nobody else has it; then shared between the sessions of the process.
bool take_lock(PostgresConnection &destination, const std::string &source_id) {
    Result taken = destination.execute(
        fmt::format("SELECT pg_catalog.pg_try_advisory_lock({}, $1)", lock_class), {source_id});
    if (taken.text(0, 0) != "t") return false;
    destination.execute(fmt::format("SELECT pg_catalog.pg_advisory_lock_shared({0}, $1), "
                                    "pg_catalog.pg_advisory_unlock({0}, $1)",
                                    lock_class),
                        {source_id});
    return true;
}

// Keepalives where the server has nothing to say; the timeout where it has said something that does not arrive.
void notice_loss_of_client(PostgresConnection &destination) {
    destination.execute(
        fmt::format("SET tcp_keepalives_idle = {}; SET tcp_keepalives_interval = {}; "
                    "SET tcp_keepalives_count = {}; SET tcp_user_timeout = '{}s'",
                    keepalive_idle_s, keepalive_interval_s, keepalive_count, loss_s));
}

// The process ids of who holds the lock; empty when it has just been given back.
std::string holder(PostgresConnection &destination, const std::string &source_id) {
    Result rows = destination.execute(
        fmt::format(
            "SELECT coalesce(pg_catalog.string_agg(pid::pg_catalog.text, ', '), '') "
            "FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_database d ON d.oid = l.database "
            "WHERE locktype = 'advisory' AND granted AND classid = {} AND objid = "
            "$1::pg_catalog.oid AND d.datname = pg_catalog.current_database()",
            lock_class),
        {source_id});
    return rows.string(0, 0);
}

} // namespace

void lock_source(PostgresConnection &destination, const Progress &source, std::stop_token stop) {
    notice_loss_of_client(destination);
    std::string source_id = std::to_string(source.source_id);
    auto deadline = std::chrono::steady_clock::now() + patience;
    for (bool told = false; !take_lock(destination, source_id); told = true) {
        std::string pid = holder(destination, source_id);
        if (std::chrono::steady_clock::now() >= deadline)
            throw Error(Disposition::reconnect,
                        fmt::format("source \"{}\" is being written by process {} of {}",
                                    source.label, pid, destination.where()),
                        "run only one apply process for a source; if none runs, end that session "
                        "with pg_terminate_backend",
                        "", destination.end());
        if (!told)
            spdlog::info("process {} of {} still writes for source \"{}\": waiting up to {} s", pid,
                         destination.where(), source.label, patience.count() / 1000);
        wait_for(poll_interval, stop);
        if (stop.stop_requested()) return;
    }
}

void share_source_lock(PostgresConnection &destination, const Progress &source) {
    notice_loss_of_client(destination);
    Result taken = destination.execute(
        fmt::format("SELECT pg_catalog.pg_try_advisory_lock_shared({}, $1)", lock_class),
        {std::to_string(source.source_id)});
    if (taken.text(0, 0) == "t") return;
    throw Error(Disposition::reconnect,
                fmt::format("{}: the lock of source \"{}\" was lost to another apply process",
                            destination.where(), source.label),
                "run only one", "", destination.end());
}

} // namespace waltrail
