// Whether the writers are behind: rows wait for them, or did a moment ago. Noted by the session that streams, read by whatever
// had better wait with its own work until the rows are written.
#pragma once

#include <atomic>
#include <chrono>

namespace waltrail {

class Backlog {
  public:
    void begin_waiting() { is_waiting_ = true; }
    void end_waiting() {
        ended_at_ = now();
        is_waiting_ = false;
    }
    [[nodiscard]] bool is_there() const {
        return is_waiting_ || now() - ended_at_ < lasting.count();
    }

  private:
    using Clock = std::chrono::steady_clock;

    // Rows that wait again within this are the same backlog.
    static constexpr Clock::duration lasting = std::chrono::seconds(2);

    static Clock::rep now() { return Clock::now().time_since_epoch().count(); }
    std::atomic<bool> is_waiting_{false};
    std::atomic<Clock::rep> ended_at_{now() - lasting.count()};
};

} // namespace waltrail
