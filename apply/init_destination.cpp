#include "apply/init_destination.hpp"

#include "apply/init_interrupt.hpp"

#include <fmt/format.h>

#include <chrono>
#include <thread>

namespace waltrail {

namespace {

constexpr std::chrono::seconds commit_wait_max{10};
constexpr std::chrono::milliseconds commit_wait_interval{200};

bool has_extension(PostgresConnection &destination, const std::string &name) {
    return destination.execute("SELECT FROM pg_extension WHERE extname = $1", {name}).rows() > 0;
}

// Without the flag, setup() keeps what is there, or begins with its default.
std::string retention_argument(PostgresConnection &destination, const InitSettings &settings) {
    return settings.retention.empty() ? "NULL" : destination.quote_literal(settings.retention);
}

bool is_registered(PostgresConnection &destination, const SourceIdentity &identity,
                   const std::string &slot) {
    if (destination.execute("SELECT to_regclass('changes.sources') IS NOT NULL").text(0, 0) != "t")
        return false;
    return destination
               .execute("SELECT FROM changes.sources WHERE system_identifier = $1 AND database_oid "
                        "= $2 AND slot_name = $3",
                        {std::to_string(identity.system_identifier), identity.database_oid, slot})
               .rows() > 0;
}

// A backend whose client is gone may still be committing (it waits for a synchronous standby, say): its end is waited for.
CommitOutcome look_for_commit(const Ends &ends, const SourceIdentity &identity, int backend_pid) {
    PostgresConnection destination(ends.destination, "destination");
    auto deadline = std::chrono::steady_clock::now() + commit_wait_max;
    for (;;) {
        bool is_running = destination
                              .execute("SELECT FROM pg_stat_activity WHERE pid = $1",
                                       {std::to_string(backend_pid)})
                              .rows() > 0;
        if (is_registered(destination, identity, ends.slot)) return CommitOutcome::committed;
        if (!is_running) return CommitOutcome::rolled_back;
        if (std::chrono::steady_clock::now() > deadline) return CommitOutcome::unknown;
        std::this_thread::sleep_for(commit_wait_interval);
    }
}

} // namespace

void prepare_destination(PostgresConnection &destination, const InitSettings &settings) {
    std::string retention = retention_argument(destination, settings);
    execute_unless_interrupted(destination, "BEGIN");
    if (!has_extension(destination, "pg_partman"))
        execute_unless_interrupted(destination, "CREATE SCHEMA IF NOT EXISTS partman;"
                                                "CREATE EXTENSION pg_partman SCHEMA partman");
    if (!has_extension(destination, "waltrail"))
        execute_unless_interrupted(destination,
                                   "CREATE EXTENSION waltrail VERSION '" WALTRAIL_VERSION "'");
    execute_unless_interrupted(destination,
                               fmt::format("SELECT changes.setup(retention => {})", retention));
}

void register_source(PostgresConnection &destination, const SourceIdentity &identity,
                     const std::string &label, const std::string &slot, const SlotStart &start) {
    Result row = destination.execute(
        "INSERT INTO changes.sources (label, system_identifier, database_oid, database_name, "
        "slot_name, first_transaction_id) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        {label, std::to_string(identity.system_identifier), identity.database_oid,
         identity.database_name, slot, start.first_transaction_id});
    destination.execute(
        "INSERT INTO changes.applied (source_id, start_lsn, end_lsn, timeline) "
        "VALUES ($1, $2, $2, $3)",
        {row.string(0, 0), start.consistent_point, std::to_string(identity.timeline)});
}

CommitOutcome commit_destination(PostgresConnection &destination, const Ends &ends,
                                 const SourceIdentity &identity, std::string &problem) {
    int backend_pid = PQbackendPID(destination.get());
    try {
        destination.execute("COMMIT");
        return CommitOutcome::committed;
    } catch (const Error &error) {
        problem = error.what();
        bool is_told = !error.sqlstate().empty() && !destination.is_lost();
        if (is_told) return CommitOutcome::rolled_back;
    }
    try {
        return look_for_commit(ends, identity, backend_pid);
    } catch (const Error &) {
        return CommitOutcome::unknown;
    }
}

std::string kept_retention(PostgresConnection &destination) {
    return destination.execute("SELECT value FROM changes.settings WHERE name = 'retention'")
        .string(0, 0);
}

std::vector<std::string> maintain_partitions(PostgresConnection &destination) {
    static_cast<void>(destination.take_warnings());
    try {
        destination.execute("CALL changes.maintain()");
    } catch (const Error &error) {
        return {fmt::format("could not make the trail's partitions: {}", error.what())};
    }
    return destination.take_warnings();
}

} // namespace waltrail
