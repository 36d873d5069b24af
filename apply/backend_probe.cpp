#include "apply/backend_probe.hpp"

#include "apply/error.hpp"
#include "apply/postgres.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <chrono>

namespace waltrail {

namespace {

constexpr std::chrono::seconds answer_patience{10};

// False when no answer came in time, or the connection broke. Not PostgresConnection::execute(), which would probe the probe.
bool wait_for_answer(PGconn *connection) {
    auto deadline = std::chrono::steady_clock::now() + answer_patience;
    while (PQisBusy(connection) != 0) {
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
            deadline - std::chrono::steady_clock::now());
        pollfd descriptor{PQsocket(connection), POLLIN, 0};
        if (left.count() <= 0 || poll(&descriptor, 1, static_cast<int>(left.count())) == 0)
            return false;
        if (PQconsumeInput(connection) == 0) return false;
    }
    return true;
}

// A role may end its own sessions.
constexpr const char *activity_sql = R"(
SELECT a.wait_event_type, a.wait_event,
       CASE WHEN a.wait_event_type IN ('Client', 'Activity') THEN pg_catalog.pg_terminate_backend(a.pid) END
  FROM pg_catalog.pg_stat_activity AS a
 WHERE a.pid = {} AND extract(epoch FROM a.backend_start) = {})";

BackendProbe read_activity(const Result &row, const Backend &backend) {
    if (PQresultStatus(row.get()) != PGRES_TUPLES_OK)
        return {false, "the server does not say what it is doing"};
    if (row.rows() == 0)
        return {false, fmt::format("the server has ended process {}", backend.pid)};
    if (row.is_null(0, 0)) return {true, "it is at work"};
    if (row.is_null(0, 2))
        return {true, fmt::format("it waits for {} {}", row.text(0, 0), row.text(0, 1))};
    return {false,
            fmt::format("process {} waits for us as well, so the connection between is dead, and "
                        "is ended",
                        backend.pid)};
}

} // namespace

BackendProbe probe_backend(std::map<std::string, std::string> settings, const Backend &backend) {
    settings.erase("replication"); // the last walsender may be taken
    auto connection = connect(settings);
    if (PQstatus(connection.get()) != CONNECTION_OK)
        return {false, fmt::format("nor does the server take another connection ({})",
                                   one_line(PQerrorMessage(connection.get())))};
    std::string sql = fmt::format(activity_sql, backend.pid, backend.began);
    if (PQsendQuery(connection.get(), sql.c_str()) == 0 || !wait_for_answer(connection.get()))
        return {false, "nor does it answer on another connection"};
    return read_activity(Result(PQgetResult(connection.get())), backend);
}

} // namespace waltrail
