#include "apply/pending_cleaner.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

using std::chrono::milliseconds;

constexpr int64_t megabyte = int64_t{1} << 20;

TEST(CleaningInterval, IsShorterWhereListsFill) {
    EXPECT_EQ(next_cleaning_interval(milliseconds(4000), megabyte), milliseconds(2000));
    EXPECT_EQ(next_cleaning_interval(milliseconds(4000), 4 * megabyte), milliseconds(2000));
    EXPECT_EQ(next_cleaning_interval(cleaning_interval_min, INT64_MAX), cleaning_interval_min);
}

TEST(CleaningInterval, IsLongerWhereLittleWasPending) {
    EXPECT_EQ(next_cleaning_interval(milliseconds(4000), 0), milliseconds(8000));
    EXPECT_EQ(next_cleaning_interval(milliseconds(4000), megabyte / 4 - 1), milliseconds(8000));
    EXPECT_EQ(next_cleaning_interval(cleaning_interval_max, 0), cleaning_interval_max);
}

TEST(CleaningInterval, StaysInBetween) {
    EXPECT_EQ(next_cleaning_interval(milliseconds(4000), megabyte / 4), milliseconds(4000));
    EXPECT_EQ(next_cleaning_interval(milliseconds(4000), megabyte - 1), milliseconds(4000));
}

TEST(CleaningInterval, ATrailThatWakesIsCleanedOftenWithinTwoMinutes) {
    milliseconds interval = cleaning_interval_max;
    milliseconds until_shortest{0};
    while (interval > cleaning_interval_min) {
        until_shortest += interval;
        interval = next_cleaning_interval(interval, 4 * megabyte);
    }
    EXPECT_LE(until_shortest, 2 * cleaning_interval_max);
}

} // namespace
} // namespace waltrail
