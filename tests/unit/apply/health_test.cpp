// When apply is well and when it is not, on a clock that the test moves.
#include "apply/health.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

using std::chrono::seconds;

class HealthTest : public testing::Test {
  protected:
    using Time = Health::Clock::time_point;

    void pass(seconds time) { now_ += time; }
    void begin_stream() {
        health_.stream_begins();
        activity_ = {.waits = false, .moved_at = now_, .heard_at = now_};
    }
    void end_stream() {
        health_.stream_ends();
        activity_.reset();
    }
    // A stream that is opened and ends before anything is recorded.
    void fail_once(const std::string &problem) {
        begin_stream();
        activity_->waits = true;
        end_stream();
        health_.fails(problem);
    }
    std::string alive() const { return said(health_.alive(activity_)); }
    std::string ready() const { return said(health_.ready(activity_)); }

    Time now_ = Time{} + seconds(1'000);
    Health health_{seconds(60), [this] { return now_; }};
    std::optional<StreamActivity> activity_;

  private:
    static std::string said(const Verdict &verdict) {
        return verdict.is_good ? "ok" : verdict.reason;
    }
};

TEST_F(HealthTest, a_start_has_the_patience_and_is_not_ready) {
    EXPECT_EQ(alive(), "ok");
    EXPECT_EQ(ready(), "not streaming: the stream is being opened");
    pass(seconds(59));
    EXPECT_EQ(alive(), "ok");
    pass(seconds(1));
    EXPECT_EQ(alive(), "not streaming for 60 s: the stream is being opened");
    EXPECT_EQ(ready(), alive());
}

TEST_F(HealthTest, a_stream_with_nothing_to_do_is_well_for_ever) {
    begin_stream();
    EXPECT_EQ(ready(), "ok");
    for (int minute = 0; minute < 600; minute++) {
        pass(seconds(60));
        activity_->heard_at = now_ - seconds(20);
        ASSERT_EQ(alive(), "ok");
        ASSERT_EQ(ready(), "ok");
    }
}

TEST_F(HealthTest, a_destination_that_takes_nothing_is_told_after_the_patience) {
    begin_stream();
    health_.records();
    pass(seconds(600));
    activity_ = {.waits = true, .moved_at = now_, .heard_at = now_};
    pass(seconds(59));
    EXPECT_EQ(alive(), "ok");
    pass(seconds(1));
    EXPECT_EQ(alive(), "the destination has taken nothing for 60 s, and changes wait");
    EXPECT_EQ(ready(), alive());
    activity_->moved_at = now_; // a piece of a long transaction
    EXPECT_EQ(alive(), "ok");
}

TEST_F(HealthTest, a_transaction_of_hours_is_well_while_it_moves) {
    begin_stream();
    for (int minute = 0; minute < 300; minute++) {
        pass(seconds(60));
        activity_ = {.waits = true, .moved_at = now_ - seconds(30), .heard_at = {}};
        ASSERT_EQ(alive(), "ok");
    }
}

TEST_F(HealthTest, a_source_that_is_silent_is_told) {
    begin_stream();
    health_.records();
    pass(seconds(60));
    EXPECT_EQ(alive(), "the source has said nothing for 60 s");
    activity_->heard_at = now_;
    EXPECT_EQ(alive(), "ok");
}

TEST_F(HealthTest, a_short_patience_is_not_for_a_source_that_has_nothing_to_say) {
    Health hasty(seconds(2), [this] { return now_; });
    hasty.stream_begins();
    StreamActivity activity{.waits = false, .moved_at = now_, .heard_at = now_};
    pass(seconds(59));
    EXPECT_TRUE(hasty.alive(activity).is_good);
    pass(seconds(1));
    EXPECT_EQ(hasty.alive(activity).reason, "the source has said nothing for 60 s");
}

TEST_F(HealthTest, a_lost_connection_is_told_after_the_patience_with_the_reason) {
    begin_stream();
    health_.records();
    pass(seconds(3'600));
    activity_->heard_at = now_;
    end_stream();
    health_.fails("destination \"trail\" at db2: the server\nclosed the connection");
    EXPECT_EQ(alive(), "ok");
    EXPECT_EQ(ready(),
              "not streaming: destination \"trail\" at db2: the server closed the connection");
    pass(seconds(30));
    health_.fails("could not connect to the destination");
    pass(seconds(30));
    EXPECT_EQ(alive(), "not streaming for 60 s: could not connect to the destination");
}

TEST_F(HealthTest, streams_that_fail_again_and_again_are_no_progress) {
    begin_stream();
    health_.records();
    end_stream();
    health_.fails("disk full");
    for (int attempt = 0; attempt < 10; attempt++) {
        pass(seconds(6));
        fail_once("disk full");
    }
    EXPECT_EQ(alive(), "not streaming for 60 s: disk full");
    begin_stream(); // as long as it has shown nothing, it is one of them
    activity_->waits = true;
    EXPECT_EQ(alive(), "nothing recorded for 60 s: disk full");
    EXPECT_EQ(ready(), alive());
    health_.records();
    EXPECT_EQ(alive(), "ok");
    EXPECT_EQ(ready(), "ok");
}

// As after a reload of an idle source, and at the start: nothing has failed.
TEST_F(HealthTest, a_stream_that_is_opened_anew_is_well) {
    health_.set_patience(seconds(5));
    begin_stream();
    pass(seconds(30));
    end_stream();
    pass(seconds(1));
    begin_stream();
    for (int second = 0; second < 600; second++) {
        pass(seconds(1));
        activity_->heard_at = now_;
        ASSERT_EQ(alive(), "ok") << second;
    }
}

TEST_F(HealthTest, after_failures_a_quiet_stream_is_believed_after_a_while) {
    pass(seconds(100));
    fail_once("the server is starting");
    begin_stream();
    pass(seconds(14));
    EXPECT_EQ(alive(), "nothing recorded for 114 s: the server is starting");
    pass(seconds(1));
    EXPECT_EQ(alive(), "ok");
}

TEST_F(HealthTest, after_failures_a_long_transaction_is_believed_after_the_patience) {
    pass(seconds(100));
    fail_once("the server is starting");
    begin_stream();
    pass(seconds(59));
    activity_ = {.waits = true, .moved_at = now_, .heard_at = now_};
    EXPECT_EQ(alive(), "nothing recorded for 159 s: the server is starting");
    pass(seconds(1));
    EXPECT_EQ(alive(), "ok");
    end_stream(); // it had worked: a new trouble, with a patience of its own
    health_.fails("disk full");
    pass(seconds(59));
    EXPECT_EQ(alive(), "ok");
    pass(seconds(1));
    EXPECT_EQ(alive(), "not streaming for 60 s: disk full");
}

} // namespace
} // namespace waltrail
