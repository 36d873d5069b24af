#include "apply/idle_record.hpp"

namespace waltrail {

namespace {

auto age(const Recorded &recorded) { return std::chrono::steady_clock::now() - recorded.at; }

} // namespace

bool IdleRecord::is_position_due(const Recorded &recorded) const {
    uint64_t bytes_min = expects_echo_ ? settings_.echo_bytes_max : 1;
    return renderer_.received_end().value - recorded.end.value >= bytes_min &&
           age(recorded) >= settings_.idle_record_interval;
}

// A time alone is seldom a reason to write where what is written comes back as WAL: the server would never be quiet.
std::chrono::milliseconds IdleRecord::time_interval() const {
    return expects_echo_ ? settings_.echo_record_interval : settings_.idle_record_interval;
}

bool IdleRecord::has_time(const Recorded &recorded) const {
    auto time = renderer_.source_time();
    return time &&
           (!recorded.source_time || time->microseconds > recorded.source_time->microseconds);
}

// A source that tells no time (a standby) is recorded as well: recorded_at says that it was there.
bool IdleRecord::is_time_due(const Recorded &recorded) const {
    return (has_time(recorded) || !renderer_.source_time()) && age(recorded) >= time_interval();
}

bool IdleRecord::wants_source_time() const {
    return batches_.is_idle() &&
           age(batches_.recorded()) >= time_interval() - settings_.idle_record_interval / 2;
}

void IdleRecord::record_if_due(bool asked) {
    asked_ |= asked;
    if (!batches_.is_idle() || renderer_.in_transaction()) return;
    Recorded recorded = batches_.recorded();
    bool has_news =
        renderer_.received_end() > recorded.end || (has_time(recorded) && !expects_echo_);
    bool is_wanted = asked_ && has_news;
    asked_ = false;
    if (is_wanted || is_position_due(recorded) || is_time_due(recorded))
        renderer_.record_position();
}

} // namespace waltrail
