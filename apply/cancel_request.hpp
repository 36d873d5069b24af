// Asks a server to end what a connection is at. PQcancel() waits for ever for a server that takes its connection and says nothing, so each request has a thread
// of its own, which is left to itself.
#pragma once

#include "apply/postgres.hpp"

#include <future>
#include <memory>

namespace waltrail {

class CancelRequest {
  public:
    explicit CancelRequest(PostgresConnection &connection)
        : handle_(PQgetCancel(connection.get()), PQfreeCancel) {}
    CancelRequest(const CancelRequest &) = delete;
    CancelRequest &operator=(const CancelRequest &) = delete;

    // Returns at once, and does nothing while an earlier request is under way. Without success the statement runs to its end.
    void send();
    // Whether the server has answered the last one: until then it may end the next statement.
    [[nodiscard]] bool is_answered() const;

  private:
    std::shared_ptr<PGcancel> handle_;
    std::future<void> answer_;
};

} // namespace waltrail
