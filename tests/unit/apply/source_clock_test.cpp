#include "apply/source_clock.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

constexpr uint64_t page = 8192;
constexpr uint64_t segment = uint64_t{16} << 20;

TEST(EndOfRecords, is_the_insert_position_within_a_page) {
    EXPECT_EQ(end_of_records({3 * page + 32}, page, segment).value, 3 * page + 32);
    EXPECT_EQ(end_of_records({4 * page}, page, segment).value, 4 * page);
    EXPECT_EQ(end_of_records({segment - 8}, page, segment).value, segment - 8);
}

// A record that fills its page ends where the page does; the server says a header further.
TEST(EndOfRecords, does_not_count_the_header_of_a_page_without_records) {
    EXPECT_EQ(end_of_records({3 * page + 24}, page, segment).value, 3 * page);
    EXPECT_EQ(end_of_records({5 * segment + 40}, page, segment).value, 5 * segment);
}

// The end of a record that began on the page before may lie where a segment's first header would end.
TEST(EndOfRecords, takes_40_bytes_for_a_header_only_at_the_start_of_a_segment) {
    EXPECT_EQ(end_of_records({3 * page + 40}, page, segment).value, 3 * page + 40);
}

TEST(SourceClock, reaches_a_moment_when_everything_before_it_has_been_received) {
    SourceClock clock("", std::chrono::hours(1));
    EXPECT_FALSE(clock.reached({1'000}));
    clock.begin(SourceMoment{{77}, {500}});
    EXPECT_FALSE(clock.reached({499}));
    EXPECT_EQ(clock.reached({500})->microseconds, 77);
    EXPECT_EQ(clock.reached({600})->microseconds, 77) << "and keeps it";
}

TEST(SourceClock, forgets_with_a_new_stream) {
    SourceClock clock("", std::chrono::hours(1));
    clock.begin(SourceMoment{{77}, {500}});
    EXPECT_TRUE(clock.reached({500}));
    clock.begin(SourceMoment{{88}, {900}});
    EXPECT_FALSE(clock.reached({500}));
    EXPECT_EQ(clock.reached({900})->microseconds, 88);
    clock.begin(std::nullopt);
    EXPECT_FALSE(clock.reached({10'000})) << "a standby has no moment";
}

} // namespace
} // namespace waltrail
