// Statements of which each locks one table, over many tables of a database in use. Whoever comes after a lock that is waited
// for queues behind it: a table is therefore waited for briefly, let go, and tried again when the others are done.
#pragma once

#include "apply/postgres.hpp"

#include <chrono>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace waltrail {

class TableRounds {
  public:
    // `attempted` completes "could not … table public.x" in failures().
    TableRounds(PostgresConnection &source, std::string attempted);

    // Calls `visit` again until a round has met no locked table, or often enough. `visit` lists the tables anew, passes over
    // those that are settled, and settles or alters the others. Fails when the connection is lost or a signal comes.
    void run(const std::function<void()> &visit);

    [[nodiscard]] bool is_settled(const std::string &oid) const { return settled_.contains(oid); }
    // Not to be visited again.
    void settle(const std::string &oid) { settled_.insert(oid); }

    // Runs the statement in a transaction of its own; false when it was not done. Where a lock is the reason the table is in
    // locked() and not settled; else it is in failures(), or has been dropped meanwhile.
    bool alter(const std::string &oid, const std::string &name, const std::string &sql);

    // Names of the tables that the last round could not lock.
    [[nodiscard]] const std::vector<std::string> &locked() const { return locked_; }
    [[nodiscard]] const std::vector<std::string> &failures() const { return failures_; }

  private:
    PostgresConnection &source_;
    std::string attempted_;
    std::set<std::string> settled_;
    std::vector<std::string> locked_, failures_;
    std::chrono::steady_clock::duration lock_waited_{};
};

// For UndoList: runs statements over tables by a connection of its own, with a lock timeout. A table that is gone is none of
// them any more. All are tried; throws the first error.
void take_back(const std::string &conninfo, const std::vector<std::string> &statements);

} // namespace waltrail
