#include "apply/backend_probe.hpp"

#include "apply/error.hpp"
#include "apply/postgres.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <utility>
#include <vector>

namespace waltrail {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience_usual{10};

// False when nothing came in time. Not PostgresConnection's wait, which would probe the probe.
bool wait_for(PGconn *connection, short events, Clock::time_point deadline) {
    pollfd descriptor{PQsocket(connection), events, 0};
    for (;;) {
        auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) return false;
        int ready = poll(&descriptor, 1, static_cast<int>(left.count()));
        if (ready >= 0 || errno != EINTR) return ready > 0;
    }
}

std::chrono::seconds connect_patience(std::map<std::string, std::string> &settings) {
    std::chrono::seconds given(std::atol(settings["connect_timeout"].c_str()));
    return given.count() > 0 ? given : patience_usual;
}

// libpq has the SQLSTATE of a refused connection in the message only, and there only for who asks before it comes.
Connection connect_verbosely(std::map<std::string, std::string> settings) {
    auto deadline = Clock::now() + connect_patience(settings);
    std::vector<const char *> keywords, values;
    for (auto &[keyword, value] : settings) {
        keywords.push_back(keyword.c_str());
        values.push_back(value.c_str());
    }
    keywords.push_back(nullptr);
    values.push_back(nullptr);
    Connection connection(PQconnectStartParams(keywords.data(), values.data(), 0), PQfinish);
    if (connection == nullptr || PQstatus(connection.get()) == CONNECTION_BAD) return connection;
    PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
    PostgresPollingStatusType step = PGRES_POLLING_WRITING;
    while (step == PGRES_POLLING_READING || step == PGRES_POLLING_WRITING) {
        if (!wait_for(connection.get(), step == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
            break;
        step = PQconnectPoll(connection.get());
    }
    return connection;
}

// Null when no answer came in time, or the connection broke.
Result ask(PGconn *connection, const std::string &sql) {
    auto deadline = Clock::now() + patience_usual;
    if (PQsendQuery(connection, sql.c_str()) == 0) return Result(nullptr);
    Result first(nullptr);
    while (true) {
        while (PQisBusy(connection) != 0)
            if (!wait_for(connection, POLLIN, deadline) || PQconsumeInput(connection) == 0)
                return Result(nullptr);
        Result next(PQgetResult(connection));
        if (next.get() == nullptr) return first;
        if (first.get() == nullptr) first = std::move(next);
    }
}

// It is there, and has no room for one more or nothing to say to this role.
bool is_refusal_of_one_that_works(std::string_view sqlstate) {
    return sqlstate.starts_with("53") || sqlstate == insufficient_privilege;
}

// {0}: what is read, {1} and {2}: the process.
constexpr const char *activity_sql = R"(
SELECT {0} FROM pg_catalog.pg_stat_activity AS a
 WHERE a.pid = {1} AND extract(epoch FROM a.backend_start) = {2})";

constexpr std::string_view waits_for_us = "a.wait_event_type IN ('Client', 'Activity')";

// A role may end its own sessions, unless that right was taken from all.
BackendProbe end_dead(PGconn *connection, const Backend &backend) {
    Result ended =
        ask(connection, fmt::format(activity_sql, "pg_catalog.pg_terminate_backend(a.pid)",
                                    backend.pid, backend.began) +
                            fmt::format(" AND {}", waits_for_us));
    bool is_ended = PQresultStatus(ended.get()) == PGRES_TUPLES_OK;
    if (is_ended && ended.rows() == 0) return {true, "it is at work"}; // since it was asked
    return {false,
            fmt::format("process {} waits for us as well, so the connection between is dead{}",
                        backend.pid, is_ended ? ", and is ended" : "; it could not be ended")};
}

BackendProbe read_activity(PGconn *connection, const Backend &backend,
                           const std::function<bool()> &has_spoken) {
    Result row = ask(connection,
                     fmt::format(activity_sql,
                                 fmt::format("a.wait_event_type, a.wait_event, {}", waits_for_us),
                                 backend.pid, backend.began));
    if (row.get() == nullptr) return {false, "nor does it answer on another connection"};
    const char *sqlstate = PQresultErrorField(row.get(), PG_DIAG_SQLSTATE);
    if (PQresultStatus(row.get()) != PGRES_TUPLES_OK)
        return {sqlstate != nullptr && is_refusal_of_one_that_works(sqlstate),
                "the server does not say what it is doing"};
    if (row.rows() == 0)
        return {false, fmt::format("the server has ended process {}", backend.pid)};
    if (row.is_null(0, 0)) return {true, "it is at work"};
    if (row.text(0, 2) == "t") {
        if (has_spoken()) return {true, "it has answered now"};
        return end_dead(connection, backend);
    }
    return {true, fmt::format("it waits for {} {}", row.text(0, 0), row.text(0, 1))};
}

} // namespace

std::string sqlstate_of_refusal(std::string_view verbose_message) {
    constexpr std::string_view before = ":  "; // behind the severity, whatever its language
    constexpr size_t length = 5;
    for (size_t at = verbose_message.find(before); at != verbose_message.npos;
         at = verbose_message.find(before, at + 1)) {
        std::string_view rest = verbose_message.substr(at + before.size());
        bool is_code = std::all_of(
            rest.begin(), rest.begin() + static_cast<long>(std::min(length, rest.size())),
            [](unsigned char c) { return std::isupper(c) != 0 || std::isdigit(c) != 0; });
        if (is_code && rest.substr(length < rest.size() ? length : rest.size(), 2) == ": ")
            return std::string(rest.substr(0, length));
    }
    return "";
}

BackendProbe probe_backend(std::map<std::string, std::string> settings, const Backend &backend,
                           const std::function<bool()> &has_spoken) {
    settings.erase("replication"); // the last walsender may be taken
    Connection connection = connect_verbosely(std::move(settings));
    ConnStatusType status = PQstatus(connection.get());
    if (status == CONNECTION_OK) return read_activity(connection.get(), backend, has_spoken);
    std::string message = PQerrorMessage(connection.get());
    std::string reason =
        status == CONNECTION_BAD ? message.substr(0, message.find('\n')) : "timeout expired";
    if (is_refusal_of_one_that_works(sqlstate_of_refusal(message)))
        return {true, fmt::format("it takes no other connection to say what it is doing ({})",
                                  one_line(reason))};
    return {false,
            fmt::format("nor does the server take another connection ({})", one_line(reason))};
}

} // namespace waltrail
