#include "apply/check_report.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace waltrail {
namespace {

std::vector<Finding> found() {
    std::vector<Finding> findings;
    FindingSink destination(findings, End::destination, "clocks", "destination \"d\" at h");
    destination.ok("clocks agree");
    FindingSink source(findings, End::source, "slot", "source \"s\" at h");
    source.ok("one");
    source.warn("two", "mend two");
    source.ok("three");
    source.fail("four", "mend four");
    source.note("five");
    return findings;
}

TEST(CheckReport, SourceComesFirstAndTheWorstOfEachEnd) {
    auto findings = found();
    sort_findings(findings);
    EXPECT_EQ(findings_text(findings), "source       error    four: mend four\n"
                                       "source       warning  two: mend two\n"
                                       "source       note     five\n"
                                       "source       ok       one\n"
                                       "source       ok       three\n"
                                       "destination  ok       clocks agree\n"
                                       "1 error, 1 warning\n");
}

TEST(CheckReport, JsonHoldsTheSameFindings) {
    auto findings = found();
    auto json = nlohmann::json::parse(findings_json(findings));
    EXPECT_EQ(json["errors"], 1);
    EXPECT_EQ(json["warnings"], 1);
    ASSERT_EQ(json["findings"].size(), findings.size());
    EXPECT_EQ(json["findings"][2], nlohmann::json::parse(R"({"end": "source", "severity": "warning",
        "check": "slot", "what": "two", "where": "source \"s\" at h", "mend": "mend two"})"));
    EXPECT_TRUE(json["findings"][1]["mend"].is_null());
}

TEST(CheckReport, BytesThatAreNotUtf8DoNotBreakIt) {
    std::vector<Finding> findings;
    FindingSink(findings, End::source, "patterns", "source").warn("pattern \"\xE9\"", "mend");
    EXPECT_EQ(nlohmann::json::parse(findings_json(findings))["findings"][0]["what"],
              "pattern \"\uFFFD\"");
}

TEST(FindingSink, WhatARoleMayNotSeeAndWhatTakesTooLongAreWarnings) {
    std::vector<Finding> findings;
    FindingSink sink(findings, End::source, "slot", "source \"s\" at h");
    sink.take(Error(Disposition::stop, "source \"s\" at h: permission denied", "", "42501"), "it");
    sink.take(Error(Disposition::reconnect, "source \"s\" at h: canceled", "", "57014"), "it");
    sink.take(Error(Disposition::stop, "source \"s\" at h: it is broken", "mend it", "42P01"),
              "it");
    ASSERT_EQ(findings.size(), 3u);
    EXPECT_EQ(findings[0].severity, Severity::warning);
    EXPECT_EQ(findings[0].what, "could not look at it: permission denied");
    EXPECT_EQ(findings[1].severity, Severity::warning);
    EXPECT_EQ(findings[2].severity, Severity::error);
    EXPECT_EQ(findings[2].what, "it is broken");
    EXPECT_EQ(findings[2].mend, "mend it");
}

TEST(FindingSink, AFindingIsOneLine) {
    std::vector<Finding> findings;
    FindingSink(findings, End::source, "patterns", "source").warn("a\nb", "c\nd");
    EXPECT_EQ(findings[0].what + findings[0].mend, "a bc d");
}

} // namespace
} // namespace waltrail
