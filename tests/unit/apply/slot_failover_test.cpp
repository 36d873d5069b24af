#include "apply/slot_failover.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

std::vector<Finding> judged(const SlotFailover &failover) {
    std::vector<Finding> findings;
    FindingSink sink(findings, End::source, "slot_failover", "source");
    judge_failover(failover, sink);
    return findings;
}

TEST(SlotFailover, IsAskedForWhereTheServerHasIt) {
    EXPECT_EQ(slot_creation_command("\"s\"", 150020),
              "CREATE_REPLICATION_SLOT \"s\" LOGICAL \"waltrail\" (SNAPSHOT 'nothing')");
    EXPECT_EQ(slot_creation_command("\"s\"", 169999), slot_creation_command("\"s\"", 150020));
    EXPECT_EQ(
        slot_creation_command("\"s\"", 170000),
        "CREATE_REPLICATION_SLOT \"s\" LOGICAL \"waltrail\" (SNAPSHOT 'nothing', FAILOVER true)");
}

TEST(SlotFailover, WithoutStandbysThereIsNothingToSay) {
    EXPECT_TRUE(judged({.slot = "s"}).empty());
    EXPECT_TRUE(judged({.slot = "s", .is_enabled = true}).empty());
}

TEST(SlotFailover, ASlotThatStaysBehindIsAWarning) {
    auto findings =
        judged({.slot = "s", .standby_slots = {"standby1"}, .waits_for_standbys = true});
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].severity, Severity::warning);
    EXPECT_NE(findings[0].mend.find("FAILOVER true"), std::string::npos);
}

TEST(SlotFailover, StandbysMustNotBeBehindTheTrail) {
    auto findings = judged({.slot = "s", .is_enabled = true, .standby_slots = {"standby1"}});
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].severity, Severity::warning);
    EXPECT_NE(findings[0].mend.find("standby1"), std::string::npos);
    findings = judged({.slot = "s",
                       .is_enabled = true,
                       .standby_slots = {"standby1"},
                       .waits_for_standbys = true});
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].severity, Severity::ok);
}

TEST(SlotFailover, AStandbyThatIsAwayKeepsChangesFromApply) {
    auto findings = judged({.slot = "s",
                            .is_enabled = true,
                            .standby_slots = {"standby1", "standby2"},
                            .waits_for_standbys = true,
                            .absent_standbys = {"standby2"}});
    ASSERT_EQ(findings.size(), 1u);
    EXPECT_EQ(findings[0].severity, Severity::warning);
    EXPECT_NE(findings[0].what.find("standby2"), std::string::npos);
    EXPECT_EQ(findings[0].what.find("standby1"), std::string::npos);
}

} // namespace
} // namespace waltrail
