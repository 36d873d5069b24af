// Statements that a signal can end. `waltrail init` must take back what it has made when somebody presses Ctrl-C, so its
// signals only set a flag, and what waits on a server looks at that flag and cancels.
#pragma once

#include "apply/postgres.hpp"

#include <chrono>
#include <functional>

namespace waltrail {

// While one lives, SIGINT, SIGTERM, SIGHUP and SIGPIPE do not end the process. At most one at a time.
class SignalWatch {
  public:
    SignalWatch();
    ~SignalWatch();
    SignalWatch(const SignalWatch &) = delete;
    SignalWatch &operator=(const SignalWatch &) = delete;

    // Whether one came since the watch began.
    [[nodiscard]] static bool has_signal();
    // An Error (stop) when one came.
    static void check();
};

enum class WaitEnd { answered, timed_out, interrupted };

// Waits until the server has answered what was sent. `tick` is called about ten times a second. Fails when the connection
// does; `connection` is otherwise still busy unless the answer came.
WaitEnd wait_for_answer(PostgresConnection &connection, std::chrono::milliseconds timeout,
                        const std::function<void(std::chrono::milliseconds)> &tick = {});

// Asks the server to cancel what runs and waits for its answer, which must still be read. Fails when none comes within some seconds.
void cancel(PostgresConnection &connection);

// Reads all that the server has to say; the last result, which is the error if there was one.
Result read_answer(PostgresConnection &connection);

// As PostgresConnection::execute(), but a signal cancels it and becomes the Error of SignalWatch::check(). What is done when
// the cancel arrives returns as usual; the next call then fails.
Result execute_unless_interrupted(PostgresConnection &connection, const std::string &sql);

} // namespace waltrail
