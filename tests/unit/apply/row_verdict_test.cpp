#include "apply/row_verdict.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

TrailChange change(const std::string &operation, uint64_t position,
                   const std::string &after = "{}") {
    return {.id = operation, .operation = operation, .position = position, .after = after};
}

RowCase there(std::vector<TrailChange> newest) {
    return {.is_in_source = true, .row = R"({"id": 1})", .newest = std::move(newest)};
}

RowCase away(std::vector<TrailChange> newest) { return {.newest = std::move(newest)}; }

Verdict verdict(const RowCase &row) {
    return judge_row(row, {{"id", "integer"}}, TableHistory()).verdict;
}

const std::string same = R"({"id": 1})", other = R"({"id": 2})";

TEST(RowVerdict, ARowIsComparedWithItsNewestChange) {
    EXPECT_EQ(verdict(there({change("CREATE", 5, same)})), Verdict::equal);
    EXPECT_EQ(verdict(there({change("UPDATE", 5, other)})), Verdict::different);
}

TEST(RowVerdict, ARowWithoutAChangeIsOlderThanTheTrailOrMissing) {
    RowCase row = there({});
    EXPECT_EQ(verdict(row), Verdict::not_seen);
    row.must_be_in_trail = true;
    EXPECT_EQ(verdict(row), Verdict::missing_in_trail);
}

TEST(RowVerdict, ARowThatIsDeletedInTheTrailIsMissingThere) {
    EXPECT_EQ(verdict(there({change("DELETE", 5)})), Verdict::missing_in_trail);
    RowCase truncated = there({change("CREATE", 5, same)});
    truncated.truncated_at = 6;
    EXPECT_EQ(verdict(truncated), Verdict::missing_in_trail);
    truncated.truncated_at = 4;
    EXPECT_EQ(verdict(truncated), Verdict::equal);
}

TEST(RowVerdict, ARowThatOnlyTheTrailHasIsMissingInTheSource) {
    EXPECT_EQ(verdict(away({change("UPDATE", 5, same)})), Verdict::missing_in_source);
    EXPECT_EQ(verdict(away({change("DELETE", 5)})), Verdict::gone);
    EXPECT_EQ(verdict(away({})), Verdict::gone);
}

TEST(RowVerdict, ARowMayHaveGoneInOtherWays) {
    RowCase row = away({change("CREATE", 5, same)});
    row.has_left = true;
    EXPECT_EQ(verdict(row), Verdict::gone);
    row = away({change("CREATE", 5, same)});
    row.truncated_at = 6;
    EXPECT_EQ(verdict(row), Verdict::gone);
    row.truncated_at = 0;
    row.partition_truncated_at = 6;
    EXPECT_EQ(verdict(row), Verdict::gone);
    row.partition_truncated_at = 0;
    row.losses_are_told = false;
    EXPECT_EQ(verdict(row), Verdict::not_comparable);
}

TEST(RowVerdict, ARowThatCannotBeWrittenIsNotComparable) {
    RowCase row = there({change("CREATE", 5, same)});
    row.row.reset();
    EXPECT_EQ(verdict(row), Verdict::not_comparable);
}

TEST(RowVerdict, WhatTheRetentionHasLeftOfARowIsNoDifference) {
    TrailChange left = change("CREATE", 5, other);
    left.is_left = true;
    EXPECT_EQ(verdict(there({left})), Verdict::not_comparable);
    EXPECT_EQ(verdict(away({left})), Verdict::not_comparable);
    EXPECT_EQ(verdict(there({left, change("UPDATE", 4, other)})), Verdict::different);
    left.after = same;
    EXPECT_EQ(verdict(there({left})), Verdict::equal);
    left.operation = "DELETE";
    EXPECT_EQ(verdict(there({left})), Verdict::not_comparable);
    EXPECT_EQ(verdict(away({left})), Verdict::gone);
}

// A row that came to a key in a transaction that was committed last may have been written first.
TEST(RowVerdict, TheLastCommitIsAsGoodAsTheHighestPosition) {
    EXPECT_EQ(verdict(there({change("DELETE", 9), change("CREATE", 5, same)})), Verdict::equal);
    RowCase row =
        there({change("DELETE", 9), change("CREATE", 5, other)}); // the judgement refers to it
    auto judgement = judge_row(row, {{"id", "integer"}}, TableHistory());
    EXPECT_EQ(judgement.verdict, Verdict::missing_in_trail);
    EXPECT_EQ(judgement.change->id, "DELETE");
}

} // namespace
} // namespace waltrail
