// Whether apply does its work, for who would restart it or raise an alarm: it is well while it advances, and while there is
// nothing that it could do. It is not when it has stood still for longer than the patience, and then says why.
//
// | state                                                 | not well after the patience, counted from                  |
// |-------------------------------------------------------|------------------------------------------------------------|
// | no stream                                             | the moment when the trouble began, or the start            |
// | a batch waits for the destination                     | the last step that a writer has made                       |
// | nothing waits, the source is silent                   | the source's last message (at least source_silence_min)    |
// | a new stream after others have failed                 | the moment when the trouble began                          |
//
// Trouble begins with a stream's end or a failure to open one, and ends when something is recorded: streams that are opened
// and fail, again and again, are no progress. A stream that outlives the patience, or is quiet for a while, is believed too:
// a transaction of an hour records nothing until its end.
//
// How far behind the trail is makes no difference: who catches up is well.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

namespace waltrail {

// What a stream is at just now.
struct StreamActivity {
    using Time = std::chrono::steady_clock::time_point;
    bool waits = false; // something is rendered and not recorded, and it is the destination's turn
    Time moved_at{};    // since when nothing of that has moved
    Time heard_at{};    // of the source's last message
};

struct Verdict {
    bool is_good = true;
    std::string reason; // one line; empty where it is good
};

// Any thread may call anything.
class Health {
  public:
    using Clock = std::chrono::steady_clock;
    using Now = std::function<Clock::time_point()>;

    // A source that has nothing to send is asked for a sign of life only now and then.
    static constexpr std::chrono::milliseconds source_silence_min{60'000};
    // Longer than an idle stream takes to record something.
    static constexpr std::chrono::milliseconds quiet_stream{15'000};

    explicit Health(std::chrono::milliseconds patience, Now now = Clock::now);

    void set_patience(std::chrono::milliseconds patience);

    void stream_begins();
    void stream_ends();
    // No stream could be opened, or it has ended, because of `problem`.
    void fails(const std::string &problem);
    // Something is durable at the destination.
    void records();

    // /healthz: apply advances or has nothing to do. `activity` of the stream, if there is one.
    [[nodiscard]] Verdict alive(const std::optional<StreamActivity> &activity) const;
    // /readyz: that, and it streams.
    [[nodiscard]] Verdict ready(const std::optional<StreamActivity> &activity) const;

  private:
    using Time = Clock::time_point;

    [[nodiscard]] Verdict judge_stream(const StreamActivity &activity, Time now) const;
    [[nodiscard]] Verdict judge_absence(Time now) const;
    [[nodiscard]] std::string trouble() const;

    Now now_;
    mutable std::mutex mutex_; // of what follows
    std::chrono::milliseconds patience_;
    std::optional<Time> streams_since_;
    std::optional<Time> trouble_since_;
    std::string problem_;
};

} // namespace waltrail
