#include "apply/trail_wait.hpp"

#include "apply/source_clock.hpp"

#include <fmt/format.h>

#include <thread>

namespace waltrail {

namespace {

constexpr std::chrono::milliseconds look_interval{200};

} // namespace

// A commit record is in the WAL before other sessions see what it has committed. It may not have been flushed yet, and is sent after that.
Lsn TrailWait::source_end() {
    std::optional<SourceMoment> moment = read_moment(source_);
    if (!moment)
        throw Error(Disposition::stop,
                    fmt::format("{}: the server is in recovery", source_.where()),
                    "give the primary's connection string");
    return moment->position;
}

// Where source and destination are one server, apply records idle WAL every five minutes only (docs/architecture.md). Nothing tells that what it
// has not recorded holds no commit: it may be decoding one, or wait for a lock to write it.
bool TrailWait::has_recorded(Lsn target) {
    Result row = destination_.execute("SELECT changes.horizon($1)", {label_});
    recorded_end_ = parse_lsn(row.text(0, 0)).value_or(Lsn{});
    return recorded_end_ >= target;
}

bool TrailWait::catch_up() {
    using Clock = std::chrono::steady_clock;
    Lsn target = source_end();
    auto begin = Clock::now();
    for (;;) {
        if (has_recorded(target)) return true;
        bool is_stuck = given_up_at_ == recorded_end_ && given_up_at_ != Lsn{};
        if (is_stuck || Clock::now() - begin >= patience_) break;
        std::this_thread::sleep_for(look_interval);
    }
    given_up_at_ = recorded_end_;
    return false;
}

} // namespace waltrail
