#include "apply/trail_wait.hpp"

#include "apply/one_server.hpp"
#include "apply/settings.hpp"
#include "apply/slot_state.hpp"
#include "apply/source_clock.hpp"

#include <fmt/format.h>

#include <thread>

namespace waltrail {

namespace {

constexpr std::chrono::milliseconds look_interval{200};
// After which what lies between is no commit that apply is still at.
constexpr std::chrono::seconds echo_patience{5};

} // namespace

TrailWait::TrailWait(PostgresConnection &source, PostgresConnection &destination, std::string label,
                     std::string slot, std::chrono::seconds patience)
    : source_(source), destination_(destination), label_(std::move(label)), slot_(std::move(slot)),
      patience_(patience), is_one_server_(is_one_server(destination, source)) {}

// A commit record is in the WAL before other sessions see what it has committed. It may not have been flushed yet, and is sent after that.
Lsn TrailWait::source_end() {
    std::optional<SourceMoment> moment = read_moment(source_);
    if (!moment)
        throw Error(Disposition::stop,
                    fmt::format("{}: the server is in recovery", source_.where()),
                    "give the primary's connection string");
    return moment->position;
}

// On one server apply leaves up to 64 KiB of idle WAL unrecorded (docs/architecture.md); a commit of a table's change it records at once.
bool TrailWait::has_recorded(Lsn target, std::chrono::steady_clock::duration waited) {
    Result row = destination_.execute("SELECT changes.horizon($1)", {label_});
    recorded_end_ = parse_lsn(row.text(0, 0)).value_or(Lsn{});
    if (recorded_end_ >= target) return true;
    return is_one_server_ && waited >= echo_patience &&
           target.value - recorded_end_.value < ApplySettings{}.echo_bytes_max &&
           read_slot(source_, slot_).active;
}

bool TrailWait::catch_up() {
    using Clock = std::chrono::steady_clock;
    Lsn target = source_end();
    auto begin = Clock::now();
    for (;;) {
        auto waited = Clock::now() - begin;
        if (has_recorded(target, waited)) return true;
        bool is_stuck = given_up_at_ == recorded_end_ && given_up_at_ != Lsn{};
        if (is_stuck || waited >= patience_) break;
        std::this_thread::sleep_for(look_interval);
    }
    given_up_at_ = recorded_end_;
    return false;
}

} // namespace waltrail
