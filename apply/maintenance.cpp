#include "apply/maintenance.hpp"

#include "apply/cancel_on_stop.hpp"
#include "apply/postgres.hpp"
#include "apply/stop_wait.hpp"

#include <spdlog/spdlog.h>

namespace waltrail {

namespace {

// VACUUM is its owner's alone; a role that was granted changes.grant_writer() leaves sealing to him.
bool owns_trail(PostgresConnection &destination) {
    return destination
               .execute("SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE') FROM "
                        "pg_catalog.pg_class AS c "
                        "JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace "
                        "WHERE (n.nspname, c.relname) = ('public', 'changes')")
               .text(0, 0) == "t";
}

} // namespace

void Maintenance::start(const std::stop_token &stop) {
    if (thread_.joinable()) return;
    maintain(stop);
    if (stop.stop_requested()) return;
    cleaner_.start();
    thread_ = std::jthread([this](std::stop_token stop) { run(stop); });
}

void Maintenance::run(std::stop_token stop) {
    while (true) {
        seal(stop);
        auto passed =
            std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - maintained_at_);
        if (passed < interval_) wait_for(interval_ - passed, stop);
        if (stop.stop_requested()) return;
        maintain(stop);
    }
}

void Maintenance::maintain(const std::stop_token &stop) noexcept {
    maintained_at_ = Clock::now();
    try {
        PostgresConnection destination(conninfo_, "destination");
        CancelOnStop cancel(destination, stop);
        destination.execute("CALL changes.maintain()");
        for (const std::string &warning : destination.take_warnings())
            spdlog::warn("changes.maintain(): {}", warning);
    } catch (const std::exception &error) {
        if (!stop.stop_requested())
            spdlog::warn("could not maintain the partitions of \"changes\": {}", error.what());
    }
}

// Each command on its own, for VACUUM wants no transaction around it. One that fails keeps no other partition from its turn:
// what was not vacuumed is not recorded as sealed.
void Maintenance::seal(const std::stop_token &stop) noexcept {
    try {
        PostgresConnection destination(conninfo_, "destination");
        if (!owns_trail(destination)) return;
        pin_session(destination);
        // As gentle as autovacuum: the first run on an old trail has all of its partitions to do.
        destination.execute("SET vacuum_cost_delay = 2");
        // A partition that somebody else is at has its turn the next time.
        destination.execute("SET lock_timeout = '1min'");
        CancelOnStop cancel(destination, stop);
        // Held to the end of the session. Of several apply processes one does it.
        if (destination
                .execute("SELECT pg_catalog.pg_try_advisory_lock(pg_catalog.hashtextextended("
                         "'waltrail: sealing of public.changes', 0))")
                .text(0, 0) != "t")
            return;
        Result commands = destination.execute("SELECT c FROM changes.vacuum_commands() AS c");
        for (const std::string &command : first_column(commands)) {
            if (stop.stop_requested()) return;
            // The first run on an old trail may take days, and partitions are wanted every one of them.
            if (command.starts_with("VACUUM") && is_due()) return;
            try {
                destination.execute(command);
            } catch (const Error &error) {
                if (stop.stop_requested() || error.disposition() == Disposition::reconnect) throw;
                spdlog::warn("could not seal a partition of \"changes\": {}", error.what());
            }
        }
    } catch (const std::exception &error) {
        if (!stop.stop_requested())
            spdlog::warn("could not seal partitions of \"changes\": {}", error.what());
    }
}

} // namespace waltrail
