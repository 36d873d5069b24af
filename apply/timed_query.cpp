#include "apply/timed_query.hpp"

#include <fmt/format.h>

#include <poll.h>

#include <optional>
#include <utility>

namespace waltrail {

namespace {

constexpr int stop_poll_ms = 100;

} // namespace

Result execute_within(PostgresConnection &connection, const std::string &sql,
                      std::chrono::milliseconds patience, const std::stop_token &stop) {
    PGconn *raw = connection.get();
    auto deadline = std::chrono::steady_clock::now() + patience;
    if (PQsendQuery(raw, sql.c_str()) != 1) throw connection.error(nullptr, sql);
    Result last(nullptr);
    std::optional<Error> failure; // thrown when all is read: the connection is of use then
    while (true) {
        while (PQisBusy(raw) != 0) {
            if (stop.stop_requested() || std::chrono::steady_clock::now() >= deadline)
                throw Error(Disposition::reconnect,
                            fmt::format("{} did not answer within {} ms", connection.where(),
                                        patience.count()),
                            "", "", connection.end());
            bool is_sent = PQflush(raw) == 0;
            pollfd ready{PQsocket(raw), static_cast<short>(is_sent ? POLLIN : POLLIN | POLLOUT), 0};
            poll(&ready, 1, stop_poll_ms);
            if (PQconsumeInput(raw) != 1) throw connection.error(nullptr, sql);
        }
        Result next(PQgetResult(raw));
        if (next.get() == nullptr) break;
        ExecStatusType status = PQresultStatus(next.get());
        if (!failure && status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
            failure = connection.error(next.get(), sql);
        last = std::move(next);
    }
    if (failure) throw *failure;
    return last;
}

} // namespace waltrail
