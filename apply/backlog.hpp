// Whether the writers are behind: much waits to be recorded, or did a moment ago. Noted by the queue of batches, read by
// whatever had better wait with its own work until the rows are written.
#pragma once

#include <atomic>
#include <chrono>

namespace waltrail {

class Backlog {
  public:
    // As long as one of these exists, and a moment longer, there is a backlog.
    class Burden {
      public:
        explicit Burden(Backlog &backlog) : backlog_(backlog) { backlog_.burdens_++; }
        ~Burden() {
            backlog_.ended_at_ = now();
            backlog_.burdens_--;
        }
        Burden(const Burden &) = delete;
        Burden &operator=(const Burden &) = delete;

      private:
        Backlog &backlog_;
    };

    [[nodiscard]] bool is_there() const {
        return burdens_ > 0 || now() - ended_at_ < lasting.count();
    }

    // What comes again within this is the same backlog.
    static constexpr std::chrono::steady_clock::duration lasting = std::chrono::seconds(2);

  private:
    using Clock = std::chrono::steady_clock;

    static Clock::rep now() { return Clock::now().time_since_epoch().count(); }
    std::atomic<int> burdens_{0};
    std::atomic<Clock::rep> ended_at_{now() - lasting.count()};
};

} // namespace waltrail
