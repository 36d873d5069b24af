// Ends what a connection is at when the stop is requested: a VACUUM may take an hour, and nobody should wait for it who wants
// to leave. The server rolls the statement back, and execute() throws.
#pragma once

#include "apply/postgres.hpp"

#include <functional>
#include <memory>
#include <stop_token>

namespace waltrail {

class CancelOnStop {
  public:
    CancelOnStop(PostgresConnection &connection, const std::stop_token &stop)
        : cancel_(PQgetCancel(connection.get()), PQfreeCancel), callback_(stop, [this] {
              char error[256];
              // Without success the statement runs to its end.
              static_cast<void>(PQcancel(cancel_.get(), error, sizeof(error)));
          }) {}

  private:
    std::unique_ptr<PGcancel, decltype(&PQfreeCancel)> cancel_;
    std::stop_callback<std::function<void()>> callback_; // last: it uses cancel_
};

} // namespace waltrail
