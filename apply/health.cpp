#include "apply/health.hpp"

#include "apply/error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace waltrail {

namespace {

auto seconds(Health::Clock::duration time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

} // namespace

Health::Health(std::chrono::milliseconds patience, Now now)
    : now_(std::move(now)), patience_(patience), trouble_since_(now_()) {}

void Health::set_patience(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    patience_ = patience;
}

void Health::stream_begins() {
    std::unique_lock lock(mutex_);
    streams_since_ = now_();
}

// What failed after it had worked for longer than the patience is a new trouble.
void Health::stream_ends() {
    std::unique_lock lock(mutex_);
    Time now = now_();
    bool has_worked = streams_since_ && now - *streams_since_ >= patience_;
    if (!trouble_since_ || has_worked) {
        trouble_since_ = now;
        problem_.clear();
    }
    streams_since_.reset();
}

void Health::fails(const std::string &problem) {
    std::unique_lock lock(mutex_);
    if (!trouble_since_) trouble_since_ = now_();
    problem_ = one_line(problem);
}

void Health::records() {
    std::unique_lock lock(mutex_);
    trouble_since_.reset();
    problem_.clear();
}

Verdict Health::alive(const std::optional<StreamActivity> &activity) const {
    std::unique_lock lock(mutex_);
    Time now = now_();
    if (streams_since_ && activity) return judge_stream(*activity, now);
    return judge_absence(now);
}

Verdict Health::ready(const std::optional<StreamActivity> &activity) const {
    Verdict verdict = alive(activity);
    if (!verdict.is_good) return verdict;
    std::unique_lock lock(mutex_);
    if (streams_since_ && activity) return {};
    return {false, "not streaming: " + trouble()};
}

Verdict Health::judge_stream(const StreamActivity &activity, Time now) const {
    auto streamed = now - *streams_since_;
    auto stood = now - std::max(activity.moved_at, *streams_since_);
    auto silent = now - std::max(activity.heard_at, *streams_since_);
    if (activity.waits && stood >= patience_)
        return {false, fmt::format("the destination has taken nothing for {} s, and changes wait",
                                   seconds(stood))};
    if (!activity.waits && silent >= std::max(patience_, source_silence_min))
        return {false, fmt::format("the source has said nothing for {} s", seconds(silent))};
    auto is_believed_after = activity.waits ? patience_ : std::min(patience_, quiet_stream);
    bool has_failed =
        trouble_since_ && !problem_.empty(); // and not only begun, or read its settings
    if (has_failed && now - *trouble_since_ >= patience_ && streamed < is_believed_after)
        return {false, fmt::format("nothing recorded for {} s: {}", seconds(now - *trouble_since_),
                                   trouble())};
    return {};
}

Verdict Health::judge_absence(Time now) const {
    auto absent = trouble_since_ ? now - *trouble_since_ : Clock::duration::zero();
    if (absent < patience_) return {};
    return {false, fmt::format("not streaming for {} s: {}", seconds(absent), trouble())};
}

std::string Health::trouble() const {
    return problem_.empty() ? "the stream is being opened" : problem_;
}

} // namespace waltrail
