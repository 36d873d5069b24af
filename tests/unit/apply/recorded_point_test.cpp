#include "apply/recorded_point.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

constexpr wire::Timestamp source_now{100'000'000};

RecordedPoint recorded_after_commit() {
    wire::Transaction commit{{7}, {90}, {100}, {source_now.microseconds - 2'500'000}};
    return {.end = {100}, .last_commit = commit, .source_time = std::nullopt};
}

TEST(Lag, is_none_where_all_wal_is_recorded) {
    Lag lag = lag_behind(recorded_after_commit(), {100}, source_now);
    EXPECT_EQ(lag.bytes, 0u);
    EXPECT_EQ(lag.seconds, 0);
}

TEST(Lag, counts_from_the_last_recorded_commit) {
    Lag lag = lag_behind(recorded_after_commit(), {150}, source_now);
    EXPECT_EQ(lag.bytes, 50u);
    EXPECT_EQ(lag.seconds, 2.5);
}

TEST(Lag, counts_from_the_time_of_an_idle_source) {
    RecordedPoint recorded = recorded_after_commit();
    recorded.end = {120};
    recorded.source_time = {source_now.microseconds - 2'000'000};
    EXPECT_EQ(lag_behind(recorded, {150}, source_now).seconds, 2);
    recorded.last_commit.reset();
    EXPECT_EQ(lag_behind(recorded, {150}, source_now).seconds, 2);
}

TEST(Lag, counts_from_the_commit_that_came_after_the_source_was_idle) {
    RecordedPoint recorded = recorded_after_commit();
    recorded.source_time = {source_now.microseconds - 60'000'000};
    EXPECT_EQ(lag_behind(recorded, {150}, source_now).seconds, 2.5);
}

TEST(Lag, has_no_seconds_where_no_time_is_recorded) {
    Lag lag = lag_behind({.end = {100}, .last_commit = {}, .source_time = {}}, {150}, source_now);
    EXPECT_EQ(lag.bytes, 50u);
    EXPECT_EQ(lag.seconds, std::nullopt);
}

TEST(Lag, is_not_negative_where_the_clock_of_the_source_was_set_back) {
    EXPECT_EQ(lag_behind(recorded_after_commit(), {150}, {0}).seconds, 0);
}

} // namespace
} // namespace waltrail
