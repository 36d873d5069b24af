// The replication connection to the source: identity of the system, and the stream of messages with its
// feedback. (protocol: PostgreSQL documentation, "Streaming Replication Protocol")
#pragma once

#include "apply/frame_queue.hpp"
#include "apply/postgres.hpp"
#include "apply/slot_state.hpp"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace waltrail {

// A switch to another timeline: `timeline` ended at `end`.
struct TimelineSwitch {
    uint32_t timeline;
    Lsn end;
};

struct SourceSystem {
    uint64_t system_identifier = 0;
    uint32_t timeline = 0;
    Lsn flushed; // end of the WAL that is durable on the source
    std::string database;
    uint32_t database_oid = 0;
    std::chrono::milliseconds sender_timeout{0}; // 0: off
    std::vector<TimelineSwitch> history;         // of the timelines before the current one
};

class ReplicationStream {
  public:
    explicit ReplicationStream(const std::string &conninfo);

    SourceSystem identify();
    // A position behind which lies everything committed until now, also what was committed with synchronous_commit = off and
    // is written to disk only some 100 ms later: waits for that.
    Lsn flushed_now();

    // Starts the stream. Options are those of the plugin.
    void start(const std::string &slot, Lsn from,
               const std::map<std::string, std::string> &options);

    // A message that has arrived already; nullopt when there is none. Throws when the stream has ended.
    std::optional<Delivery> receive();
    // Waits until the connection is readable, `wake_fd` is readable, or the time is over; reads what is there.
    void wait(int wake_fd, std::chrono::milliseconds timeout);

    // received: newest position seen; durable: everything before it is recorded on the destination.
    void send_feedback(Lsn received, Lsn durable, bool request_reply);
    // Ends the stream in order, so that the server's last look at our feedback is not lost. Never throws.
    void finish() noexcept;

    [[nodiscard]] PostgresConnection &connection() { return connection_; }

  private:
    Error ended();
    PostgresConnection connection_;
};

} // namespace waltrail
