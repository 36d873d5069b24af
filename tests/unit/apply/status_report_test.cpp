#include "apply/status_report.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace waltrail {
namespace {

SourceStatus shop() {
    SourceStatus status;
    status.label = "shop";
    status.database = "shopdb";
    status.slot = "waltrail";
    status.recorded_end = Lsn{0x100000010};
    status.recorded_at = "2026-01-31T12:00:01.500000Z";
    status.recorded_age_s = 2.25;
    status.changes = 7;
    return status;
}

SourceLag behind() {
    SourceLag lag;
    lag.wal_end = Lsn{0x100100010};
    lag.lag_bytes = 1 << 20;
    lag.lag_s = 2.25;
    lag.slot.exists = true;
    lag.slot.wal_status = "extended";
    lag.slot.retained_bytes = 3 << 20;
    return lag;
}

TEST(StatusReport, WithoutTheSourceNothingIsSaidOfIt) {
    EXPECT_EQ(status_text({{shop(), std::nullopt}}),
              "source \"shop\" (database \"shopdb\", slot \"waltrail\")\n"
              "  recorded     up to 1/10, 2.2 s ago\n"
              "  last commit  none yet\n"
              "  changes      7 written, 0 marked, 0 in quarantine\n"
              "  gaps         none\n");
    auto json = nlohmann::json::parse(status_json({{shop(), std::nullopt}}))["sources"][0];
    for (const char *key : {"source_lsn", "lag_bytes", "lag_seconds", "slot_exists",
                            "slot_wal_status", "slot_retained_bytes", "apply_connected"})
        EXPECT_TRUE(json.at(key).is_null()) << key;
}

TEST(StatusReport, LagAndSlotOfTheSource) {
    SourceStatus status = shop();
    status.last_committed_at = "2026-01-31T12:00:00.123456Z";
    status.gaps = 2;
    EXPECT_EQ(status_text({{status, behind()}}),
              "source \"shop\" (database \"shopdb\", slot \"waltrail\")\n"
              "  recorded     up to 1/10, 2.2 s ago\n"
              "  last commit  2026-01-31 12:00:00 UTC\n"
              "  lag          1 MB of WAL, at most 2.2 s\n"
              "  slot         extended, keeps 3 MB of WAL\n"
              "  apply        not connected\n"
              "  changes      7 written, 0 marked, 0 in quarantine\n"
              "  gaps         2\n");
    auto json = nlohmann::json::parse(status_json({{status, behind()}}))["sources"][0];
    EXPECT_EQ(json["recorded_end_lsn"], "1/10");
    EXPECT_EQ(json["lag_bytes"], 1 << 20);
    EXPECT_EQ(json["lag_seconds"], 2.25);
    EXPECT_EQ(json["apply_connected"], false);
}

TEST(StatusReport, InvalidatedAndMissingSlots) {
    SourceLag lag = behind();
    lag.slot.wal_status = "lost";
    EXPECT_NE(status_text({{shop(), lag}}).find("slot         invalidated"), std::string::npos);
    lag.slot = {};
    EXPECT_NE(status_text({{shop(), lag}}).find("slot         missing on the source"),
              std::string::npos);
}

TEST(StatusReport, OneLineForEachLook) {
    std::string line = status_line("2026-01-31T12:00:00Z", {{shop(), behind()}});
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    auto json = nlohmann::json::parse(line);
    EXPECT_EQ(json["at"], "2026-01-31T12:00:00Z");
    EXPECT_EQ(json["sources"], nlohmann::json::parse(status_json({{shop(), behind()}}))["sources"]);
    EXPECT_EQ(problem_line("t", "a\n\"b\""), "{\"at\":\"t\",\"error\":\"a\\n\\\"b\\\"\"}\n");
}

TEST(StatusReport, NoSource) {
    EXPECT_EQ(status_text({}), "no source is registered\n");
    EXPECT_EQ(nlohmann::json::parse(status_json({})), nlohmann::json::parse(R"({"sources": []})"));
}

} // namespace
} // namespace waltrail
