#include "apply/table_rounds.hpp"

#include "apply/init_interrupt.hpp"

#include <fmt/format.h>

#include <exception>
#include <thread>

namespace waltrail {

namespace {

constexpr std::chrono::milliseconds lock_timeout{2000};
constexpr std::chrono::milliseconds lock_timeout_exhausted{50};
constexpr std::chrono::seconds lock_budget{60}; // waited in vain, all tables together
constexpr int rounds_max = 3;
constexpr std::chrono::milliseconds round_pause{300};
constexpr std::string_view undefined_table = "42P01";

} // namespace

TableRounds::TableRounds(PostgresConnection &source, std::string attempted)
    : source_(source), attempted_(std::move(attempted)) {}

void TableRounds::run(const std::function<void()> &visit) {
    for (int round = 1; round <= rounds_max; round++) {
        locked_.clear();
        visit();
        SignalWatch::check();
        if (locked_.empty()) break;
        if (round < rounds_max) std::this_thread::sleep_for(round_pause);
    }
    source_.execute("SET lock_timeout = 0");
}

bool TableRounds::alter(const std::string &oid, const std::string &name, const std::string &sql) {
    auto start = std::chrono::steady_clock::now();
    auto timeout = lock_waited_ < lock_budget ? lock_timeout : lock_timeout_exhausted;
    source_.execute(fmt::format("SET lock_timeout = {}", timeout.count()));
    try {
        execute_unless_interrupted(source_, sql);
        settle(oid);
        return true;
    } catch (const Error &error) {
        // A signal is for run() to notice, when the caller has put its own list in order.
        if (source_.is_lost()) throw;
        lock_waited_ += std::chrono::steady_clock::now() - start;
        if (error.disposition() == Disposition::retry) {
            locked_.push_back(name);
            return false;
        }
        settle(oid);
        if (error.sqlstate() != undefined_table)
            failures_.push_back(
                fmt::format("could not {} table {}: {}", attempted_, name, error.what()));
        return false;
    }
}

void take_back(const std::string &conninfo, const std::vector<std::string> &statements) {
    if (statements.empty()) return;
    PostgresConnection source(conninfo, "source");
    source.execute(fmt::format("SET lock_timeout = {}", lock_timeout.count()));
    std::exception_ptr first_error;
    for (auto &statement : statements) {
        try {
            source.execute(statement);
        } catch (const Error &error) {
            if (!first_error && error.sqlstate() != undefined_table)
                first_error = std::current_exception();
        }
    }
    if (first_error) std::rethrow_exception(first_error);
}

} // namespace waltrail
