// Ends what a connection is at when the stop is requested: a VACUUM may take an hour, and nobody should wait for it who wants
// to leave. The server rolls the statement back, and execute() throws.
#pragma once

#include "apply/cancel_request.hpp"

#include <functional>
#include <stop_token>

namespace waltrail {

class CancelOnStop {
  public:
    CancelOnStop(PostgresConnection &connection, const std::stop_token &stop)
        : request_(connection), callback_(stop, [this] { request_.send(); }) {}

  private:
    CancelRequest request_;
    std::stop_callback<std::function<void()>> callback_; // last: it uses request_
};

} // namespace waltrail
