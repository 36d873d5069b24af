// A statement whose answer is not waited for for ever: a server that is stopped, or behind a network that is gone, says nothing.
#pragma once

#include "apply/postgres.hpp"

#include <chrono>
#include <stop_token>
#include <string>

namespace waltrail {

// As PostgresConnection::execute(), but gives up after `patience`, or soon when the stop is requested: then it throws
// Error(reconnect), and the connection is of no use any more. After an error that the server said it is.
[[nodiscard]] Result execute_within(PostgresConnection &connection, const std::string &sql,
                                    std::chrono::milliseconds patience,
                                    const std::stop_token &stop);

} // namespace waltrail
