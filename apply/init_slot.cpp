// CREATE_REPLICATION_SLOT reserves the slot at once and makes it permanent when it has found a consistent point
// (ReplicationSlotPersist in walsender.c); an error before that drops it. A cancel may come too late and find it made.
#include "apply/init_slot.hpp"

#include "apply/init_interrupt.hpp"
#include "apply/prerequisites.hpp"
#include "apply/slot_failover.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

namespace waltrail {

namespace {

constexpr std::chrono::seconds drop_wait_max{10};
constexpr std::chrono::milliseconds drop_wait_interval{100};
constexpr std::chrono::seconds patience{3}; // before a word is said about waiting
constexpr int blockers_named_max = 3;
constexpr std::string_view duplicate_object = "42710";

// Transactions with an xid, the oldest first: those that slot creation waits for. pg_locks shows them to every role, which
// pg_stat_activity does not; a prepared transaction has no process.
std::string describe_blockers(PostgresConnection &source) {
    Result rows = source.execute(fmt::format(R"(
SELECT CASE WHEN l.pid IS NULL THEN format('prepared transaction "%s"', p.gid) ELSE format('pid %s', l.pid) END
       || format(' (user "%s"%s, open for %s s)', coalesce(a.usename, p.owner, 'unknown'),
                 CASE WHEN a.application_name <> '' THEN format(', application "%s"', a.application_name) END,
                 coalesce(round(extract(epoch FROM clock_timestamp() - coalesce(a.xact_start, p.prepared)))::text,
                          'an unknown number of')),
       count(*) OVER ()
  FROM pg_locks AS l
  LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
  LEFT JOIN pg_prepared_xacts AS p ON l.pid IS NULL AND p.transaction = l.transactionid
 WHERE l.locktype = 'transactionid' AND l.granted AND l.mode = 'ExclusiveLock' AND l.pid IS DISTINCT FROM {}
 ORDER BY coalesce(a.xact_start, p.prepared) LIMIT {})",
                                             PQbackendPID(source.get()), blockers_named_max));
    std::vector<std::string> names;
    for (int row = 0; row < rows.rows(); row++) names.push_back(one_line(rows.text(row, 0)));
    if (names.empty()) return "transactions that ended meanwhile";
    int more = std::atoi(rows.string(0, 1).c_str()) - rows.rows();
    return fmt::format("{}{}", fmt::join(names, ", "),
                       more > 0 ? fmt::format(" and {} more", more) : "");
}

Error creation_error(const PostgresConnection &source, const Error &error,
                     const std::string &slot) {
    std::string what = fmt::format("could not create replication slot \"{}\"", slot);
    if (error.sqlstate() == undefined_file) {
        Problem missing = missing_plugin();
        return {Disposition::stop, fmt::format("{}: {}", source.where(), missing.what),
                missing.mend, error.sqlstate()};
    }
    return {error.disposition(), fmt::format("{}: {}", what, error.what()), "", error.sqlstate()};
}

// Whatever takes its id from now on is decoded: it commits after the consistent point.
std::string next_transaction_id(PostgresConnection &source) {
    return source.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())").string(0, 0);
}

void drop_half_made_slot(const Ends &ends) {
    try {
        drop_slot(ends);
    } catch (const Error &error) {
        throw Error(
            Disposition::stop,
            fmt::format(
                "could not create replication slot \"{}\", nor find out whether it is there: {}",
                ends.slot, error.what()),
            fmt::format(
                "look for it on the source in pg_replication_slots, and drop it with SELECT "
                "pg_drop_replication_slot('{}')",
                ends.slot));
    }
}

[[noreturn]] void give_up(PostgresConnection &source, const InitSettings &settings,
                          const std::string &blockers) {
    SignalWatch::check();
    throw Error(
        Disposition::stop,
        fmt::format(
            "{}: could not create replication slot \"{}\" within {} s, because it waits for open "
            "transactions: {}",
            source.where(), settings.ends.slot,
            std::chrono::duration_cast<std::chrono::seconds>(settings.slot_timeout).count(),
            blockers),
        "end them or let them finish, then run init again");
}

// The answer to CREATE_REPLICATION_SLOT, which is cancelled after the timeout and by a signal. Names the `blockers` then.
Result wait_for_slot(PostgresConnection &source, PostgresConnection &replication,
                     const InitSettings &settings, std::string &blockers) {
    bool has_spoken = false;
    WaitEnd end =
        wait_for_answer(replication, settings.slot_timeout, [&](std::chrono::milliseconds elapsed) {
            if (has_spoken || elapsed < patience) return;
            has_spoken = true;
            // Not fmt::print: it throws when nobody reads.
            std::fputs(fmt::format("waiting for open transactions on the source: {}\n",
                                   describe_blockers(source))
                           .c_str(),
                       stdout);
            std::fflush(stdout);
        });
    if (end == WaitEnd::timed_out) blockers = describe_blockers(source);
    if (end != WaitEnd::answered) cancel(replication);
    return read_answer(replication);
}

} // namespace

// | answer                    | signal or timeout | then                                                       |
// |---------------------------|-------------------|------------------------------------------------------------|
// | made                      | (any)             | good; a signal is noticed by the caller's next step        |
// | the slot exists           | (any)             | somebody else's: not touched                               |
// | another error             | yes               | given up; looked for a half-made slot                      |
// | another error             | no                | told; looked for a half-made slot                          |
// | connection lost           | (any)             | told; the walsender may still be at it: looked for as well |
SlotStart create_slot(PostgresConnection &source, PostgresConnection &replication,
                      const InitSettings &settings) {
    SignalWatch::check();
    const std::string &slot = settings.ends.slot;
    std::string sql = slot_creation_command(replication.quote_identifier(slot),
                                            PQserverVersion(replication.get()));
    if (PQsendQuery(replication.get(), sql.c_str()) == 0) throw replication.error(nullptr, sql);
    std::string blockers;
    try {
        Result result = wait_for_slot(source, replication, settings, blockers);
        if (PQresultStatus(result.get()) == PGRES_TUPLES_OK)
            return {result.string(0, 1), next_transaction_id(source)};
        throw replication.error(result.get(), sql);
    } catch (const Error &error) {
        if (error.sqlstate() != duplicate_object) drop_half_made_slot(settings.ends);
        if (SignalWatch::has_signal() || !blockers.empty()) give_up(source, settings, blockers);
        throw creation_error(source, error, slot);
    }
}

void drop_slot(const Ends &ends) {
    PostgresConnection source(ends.source, "source");
    auto deadline = std::chrono::steady_clock::now() + drop_wait_max;
    for (;;) {
        Result row = source.execute("SELECT active FROM pg_replication_slots WHERE slot_name = $1",
                                    {ends.slot});
        if (row.rows() == 0) return;
        if (row.text(0, 0) == "f" || std::chrono::steady_clock::now() > deadline) {
            source.execute("SELECT pg_drop_replication_slot($1)", {ends.slot});
            return;
        }
        std::this_thread::sleep_for(drop_wait_interval);
    }
}

} // namespace waltrail
