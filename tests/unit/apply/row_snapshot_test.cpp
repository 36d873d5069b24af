#include "apply/row_snapshot.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

constexpr uint64_t epoch = uint64_t{1} << 32;

TEST(RowSnapshot, WithoutRunningTransactionsTheEndDecides) {
    auto snapshot = parse_snapshot("20:20:");
    ASSERT_TRUE(snapshot);
    EXPECT_EQ(seen_condition(*snapshot), "c.transaction_id < 20");
    EXPECT_TRUE(has_seen(*snapshot, 19));
    EXPECT_FALSE(has_seen(*snapshot, 20));
}

TEST(RowSnapshot, RunningTransactionsAreNotSeen) {
    auto snapshot = parse_snapshot("10:20:10,14");
    ASSERT_TRUE(snapshot);
    EXPECT_EQ(seen_condition(*snapshot), "(c.transaction_id < 10 OR c.transaction_id < 20 AND "
                                         "c.transaction_id NOT IN (10,14))");
    for (uint64_t seen : {9, 11, 13, 15, 19}) EXPECT_TRUE(has_seen(*snapshot, seen)) << seen;
    for (uint64_t running : {10, 14, 20, 21}) EXPECT_FALSE(has_seen(*snapshot, running)) << running;
}

TEST(RowSnapshot, OtherTextIsNoSnapshot) {
    for (const char *text : {"", "10", "10:20", "a:20:", "10:20:x", "10:20:1;DROP"})
        EXPECT_FALSE(parse_snapshot(text)) << text;
}

TEST(WholeXid, OfTheFirstEpochIsTheRowsOwn) {
    RowSnapshot snapshot{.xmin = 900, .xmax = 1000};
    EXPECT_EQ(whole_xid(999, snapshot), 999u);
    EXPECT_EQ(whole_xid(3, snapshot), 3u);
}

TEST(WholeXid, NoTransactionsAreNone) {
    RowSnapshot snapshot{.xmin = 900, .xmax = 1000};
    EXPECT_EQ(whole_xid(2, snapshot), std::nullopt);    // frozen long ago
    EXPECT_EQ(whole_xid(1000, snapshot), std::nullopt); // in the future: not of this server
}

// A row that was frozen may be a whole epoch older than it looks.
TEST(WholeXid, WhereAnEpochIsOverOnlyItsOwnNumbersAreSure) {
    RowSnapshot snapshot{.xmin = epoch + 90, .xmax = epoch + 100};
    EXPECT_EQ(whole_xid(50, snapshot), std::nullopt);
    EXPECT_EQ(whole_xid(4'000'000'000u, snapshot), 4'000'000'000u);
}

TEST(NewestXid, IsOfTheLastEpochThatIsPossible) {
    EXPECT_EQ(newest_xid(2, 1000), 0u);
    EXPECT_EQ(newest_xid(999, 1000), 999u);
    EXPECT_EQ(newest_xid(1000, 1000), UINT64_MAX);
    EXPECT_EQ(newest_xid(50, epoch + 100), epoch + 50);
    EXPECT_EQ(newest_xid(150, epoch + 100), 150u);
}

} // namespace
} // namespace waltrail
