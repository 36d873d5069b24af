// How a PostgresConnection waits for its server. libpq's blocking calls wait for ever where a server, or a proxy before it, keeps the
// connection and says nothing. So the connection does not block, and what waits is here.
#include "apply/postgres.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstdlib>

namespace waltrail {

namespace {

bool is_begun_copy(ExecStatusType status) {
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

// A connection that is being made may take connect_timeout, and so may its first answers: nobody can be asked about it yet.
std::chrono::milliseconds first_answer_max(std::map<std::string, std::string> &settings) {
    constexpr std::chrono::seconds usual{10};
    std::chrono::seconds given(std::atol(settings["connect_timeout"].c_str()));
    return given.count() > 0 ? given : usual;
}

} // namespace

// Of several hosts in the connection string, the one that was reached. The server's own number of the process, because a pooler between
// gives another.
void PostgresConnection::remember_peer(std::map<std::string, std::string> settings) {
    PGconn *connection = connection_.get();
    PQsetnonblocking(connection, 1);
    silence_max_ = first_answer_max(settings);
    settings["host"] = PQhost(connection);
    settings["port"] = PQport(connection);
    settings["hostaddr"] = PQhostaddr(connection);
    settings_ = std::move(settings);
    Result own = execute(own_backend_sql);
    accept_bytes_of_no_encoding();
    backend_ = {own.string(0, 0), own.string(0, 1)};
    silence_max_ = std::chrono::milliseconds(std::atol(settings_["tcp_user_timeout"].c_str()));
}

Result PostgresConnection::run(const std::string &sql) {
    return last_result(PQsendQuery(connection_.get(), sql.c_str()), sql);
}

// As PQexec() has it.
Result PostgresConnection::last_result(int is_sent, const std::string &sql) {
    if (is_sent == 0) throw error(nullptr, sql);
    Result last(nullptr);
    while (true) {
        Result next = next_result();
        if (next.get() == nullptr) return last;
        last = std::move(next);
        if (is_begun_copy(PQresultStatus(last.get())) ||
            PQstatus(connection_.get()) == CONNECTION_BAD)
            return last;
    }
}

Result PostgresConnection::next_result() {
    flush();
    while (PQisBusy(connection_.get()) != 0) {
        wait(POLLIN);
        if (PQconsumeInput(connection_.get()) == 0) break; // PQgetResult() makes an error of it
    }
    return Result(PQgetResult(connection_.get()));
}

// Reads as well: a server that has much to say takes nothing meanwhile.
void PostgresConnection::flush() {
    while (true) {
        int left = PQflush(connection_.get());
        if (left == 0) return;
        if (left < 0) throw error(nullptr, "sending");
        wait(POLLIN | POLLOUT);
        if (PQconsumeInput(connection_.get()) == 0) throw error(nullptr, "sending");
    }
}

void PostgresConnection::wait(short events) {
    int timeout_ms = silence_max_.count() > 0 ? static_cast<int>(silence_max_.count()) : -1;
    pollfd descriptor{PQsocket(connection_.get()), events, 0};
    while (true) {
        int ready = poll(&descriptor, 1, timeout_ms);
        if (ready > 0) return;
        if (ready < 0 && errno != EINTR) {
            is_silent_ = true;
            throw Error(Disposition::reconnect, fmt::format("could not wait for the {}", end_), "",
                        "", end_);
        }
        if (ready == 0) require_peer();
    }
}

void PostgresConnection::require_peer() {
    if (backend_.pid.empty()) lose("it has not answered yet");
    // What it said while it was asked about may be the answer.
    auto has_spoken = [this](int patience_ms) {
        pollfd descriptor{PQsocket(connection_.get()), POLLIN, 0};
        return poll(&descriptor, 1, patience_ms) > 0;
    };
    constexpr int transit_ms = 1000;
    BackendProbe probe = probe_backend(settings_, backend_, [&] { return has_spoken(transit_ms); });
    if (probe.is_at_work) {
        spdlog::info("{} has been silent for {} s: {}", where(), silence_max_.count() / 1000,
                     probe.finding);
        return;
    }
    if (has_spoken(0)) return;
    lose(probe.finding);
}

void PostgresConnection::lose(const std::string &finding) {
    is_silent_ = true;
    throw Error(Disposition::reconnect,
                fmt::format("{} has been silent for {} s: {}", where(), silence_max_.count() / 1000,
                            finding),
                "", "", end_);
}

} // namespace waltrail
