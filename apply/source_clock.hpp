// The time of the source, for changes.applied.source_time: up to which moment the trail is complete. Commits say so while
// there are any. On an idle source nothing in the stream does: a keepalive carries the time at which the server sent it and the
// position that it has decoded up to, but a walsender that is in the middle of something answers with them as well
// (WalSndKeepalive() in ProcessStandbyReplyMessage() and WalSndUpdateProgress()), and commits of before that time may lie
// behind that position. So the source is asked, on a connection of its own: first for the time, then for the end of its WAL. When
// everything before that end has been received, everything committed before that time has been.
//
// On a standby no moment can be had: the clock of the primary is not here.
#pragma once

#include "apply/lsn.hpp"
#include "apply/postgres.hpp"
#include "wire/types.hpp"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace waltrail {

// What was committed before `time`, by the source's clock, has its commit record before `position`.
struct SourceMoment {
    wire::Timestamp time;
    Lsn position;
};

// The present moment; nullopt on a standby. Simple query protocol, so that a replication connection can be asked.
[[nodiscard]] std::optional<SourceMoment> read_moment(PostgresConnection &source);

// The end of the last record before a position where the next one may be inserted: at the start of a page, the server counts
// the page's header as inserted already, which no record ever reaches.
[[nodiscard]] Lsn end_of_records(Lsn inserted, uint64_t page_bytes, uint64_t segment_bytes);

// Reads moments in a thread of its own, one at a time and only when asked, so that the writer never waits for the source. Lives as
// long as the process: a source that does not answer must not hold up a session's end.
class SourceClock {
  public:
    SourceClock(std::string source_conninfo, std::chrono::milliseconds interval_min)
        : conninfo_(std::move(source_conninfo)), interval_min_(interval_min),
          thread_([this](const std::stop_token &stop) { run(stop); }) {}

    // A new stream, perhaps of a server that was promoted: what was read before is void.
    void begin(std::optional<SourceMoment> first);
    // Wants another moment. Nothing happens while one is still to be reached, or soon after the last.
    void ask();
    // The newest moment of which everything has been received, given that everything before `received` has.
    [[nodiscard]] std::optional<wire::Timestamp> reached(Lsn received);

  private:
    using Clock = std::chrono::steady_clock;

    void run(const std::stop_token &stop);
    std::optional<SourceMoment> read(const std::stop_token &stop) noexcept;
    void connect(const std::stop_token &stop);
    void disconnect();
    void shut_down();

    std::string conninfo_;
    std::chrono::milliseconds interval_min_;
    std::optional<PostgresConnection> source_; // the thread's alone
    bool is_told_ = false;                     // that the source cannot be asked
    std::mutex socket_mutex_; // of the socket, so that it is not closed while it is shut down
    int socket_ = -1;

    std::mutex mutex_; // of what follows
    std::condition_variable_any asked_;
    bool is_asked_ = false;
    uint64_t stream_ = 0; // counts begin()
    Clock::time_point asked_at_{};
    std::optional<SourceMoment> ahead_;
    std::optional<wire::Timestamp> reached_;
    std::jthread thread_; // last: it uses everything above
};

} // namespace waltrail
