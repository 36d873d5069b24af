// libpq's blocking calls go on after a signal: statements are therefore sent, and their answers waited for with poll().
#include "apply/init_interrupt.hpp"

#include "apply/cancel_request.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <poll.h>

namespace waltrail {

namespace {

constexpr std::chrono::milliseconds poll_interval{100};
constexpr std::chrono::seconds cancel_wait_max{10};
constexpr std::array watched_signals{SIGINT, SIGTERM, SIGHUP, SIGPIPE};

volatile std::sig_atomic_t signal_received = 0;
std::array<struct sigaction, watched_signals.size()> previous_actions;

// Nobody reading what init prints is no reason to give up.
void remember_signal(int number) {
    if (number != SIGPIPE) signal_received = number;
}

// What has arrived, or nothing after the poll interval.
void receive_some(PostgresConnection &connection) {
    pollfd descriptor{PQsocket(connection.get()), POLLIN, 0};
    int ready = poll(&descriptor, 1, static_cast<int>(poll_interval.count()));
    if (ready < 0 && errno != EINTR)
        throw Error(Disposition::stop, "could not wait for the " + connection.end());
    if (ready > 0 && PQconsumeInput(connection.get()) == 0)
        throw connection.error(nullptr, "waiting for an answer");
}

// Until the next result of several is there, however long the server is at work for it.
void wait_or_cancel(PostgresConnection &connection) {
    auto patience = connection.silence_max();
    if (patience.count() == 0) patience = std::chrono::milliseconds::max();
    for (;;) {
        WaitEnd end = wait_for_answer(connection, patience);
        if (end == WaitEnd::interrupted) cancel(connection);
        if (end != WaitEnd::timed_out) return;
        connection.require_peer();
    }
}

} // namespace

SignalWatch::SignalWatch() {
    signal_received = 0;
    struct sigaction action {};
    action.sa_handler = remember_signal; // without SA_RESTART: poll() returns at once
    for (size_t i = 0; i < watched_signals.size(); i++)
        sigaction(watched_signals[i], &action, &previous_actions[i]);
}

SignalWatch::~SignalWatch() {
    for (size_t i = 0; i < watched_signals.size(); i++)
        sigaction(watched_signals[i], &previous_actions[i], nullptr);
}

bool SignalWatch::has_signal() { return signal_received != 0; }

void SignalWatch::check() {
    if (has_signal())
        throw Error(Disposition::stop, "interrupted by a signal before both ends were prepared",
                    "what was made has been taken back; run init again");
}

WaitEnd wait_for_answer(PostgresConnection &connection, std::chrono::milliseconds timeout,
                        const std::function<void(std::chrono::milliseconds)> &tick) {
    auto start = std::chrono::steady_clock::now();
    while (PQisBusy(connection.get()) != 0) {
        if (SignalWatch::has_signal()) return WaitEnd::interrupted;
        auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
            std::chrono::steady_clock::now() - start);
        if (elapsed >= timeout) return WaitEnd::timed_out;
        if (tick) tick(elapsed);
        receive_some(connection);
    }
    return WaitEnd::answered;
}

// Where a request is still under way when the answer is there, it might end the next statement: it is waited for too.
void cancel(PostgresConnection &connection) {
    CancelRequest request(connection);
    request.send();
    auto deadline = std::chrono::steady_clock::now() + cancel_wait_max;
    while (PQisBusy(connection.get()) != 0 || !request.is_answered()) {
        if (std::chrono::steady_clock::now() > deadline)
            throw Error(Disposition::stop,
                        fmt::format("{}: the server does not react to a cancel request",
                                    connection.where()));
        receive_some(connection);
    }
}

Result read_answer(PostgresConnection &connection) {
    Result last(nullptr);
    for (Result next = connection.next_result(); next.get() != nullptr;
         next = connection.next_result())
        last = std::move(next);
    return last;
}

Result execute_unless_interrupted(PostgresConnection &connection, const std::string &sql) {
    SignalWatch::check();
    if (PQsendQuery(connection.get(), sql.c_str()) == 0) throw connection.error(nullptr, sql);
    connection.flush();
    Result result(nullptr);
    for (;;) {
        wait_or_cancel(connection);
        Result next = connection.next_result();
        if (next.get() == nullptr) break;
        result = std::move(next);
    }
    ExecStatusType status = PQresultStatus(result.get());
    // A cancel that came too late has not undone anything: the caller must learn that it is done.
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
    SignalWatch::check();
    throw connection.error(result.get(), sql);
}

} // namespace waltrail
