#include "apply/verify_report.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace waltrail {
namespace {

RowFinding found() {
    return {.verdict = Verdict::missing_in_trail,
            .schema = "public",
            .table = "users",
            .key = "a\n\"b\""};
}

TEST(VerifyReport, ADifferenceIsOneLineWithoutValues) {
    EXPECT_EQ(finding_line(found()), "missing in trail   \"public.users\" key \"a\\n\\\"b\\\"\"");
    RowFinding different{.schema = "s", .table = "t", .key = "7", .columns = {"a", "b"}};
    different.change_id = "c1";
    different.cause = "may come from gap 3";
    EXPECT_EQ(finding_line(different), "different          \"s.t\" key \"7\": columns \"a\", \"b\" "
                                       "(change c1); may come from gap 3");
}

TEST(VerifyReport, ValuesStandThereWhereTheyWereAskedFor) {
    RowFinding different{.schema = "s", .table = "t", .key = "7", .columns = {"a"}};
    different.values = {{"a", "1.50", std::nullopt}};
    EXPECT_EQ(
        finding_line(different),
        "different          \"s.t\" key \"7\": column \"a\"; \"a\" is 1.50 and was not there");
}

TEST(VerifyReport, ATableHasALineOfFiguresAndLinesOfWhatIsMissing) {
    TableReport table{.schema = "public", .table = "log", .problem = "it has no primary key"};
    table.counts.not_comparable = 12;
    table.notes = {"one"};
    EXPECT_EQ(table_lines(table), "table              \"public.log\": 0 rows, 0 equal, 0 "
                                  "different, 0 missing in trail, 0 missing in "
                                  "source, 0 not seen, 0 undecided, 12 not comparable\n"
                                  "note               \"public.log\": it has no primary key\n"
                                  "note               \"public.log\": one\n");
    table.is_failure = true;
    EXPECT_NE(table_lines(table).find("error  "), std::string::npos);
}

TEST(VerifyReport, TheLastLineCountsWhatIsNotListed) {
    VerifyReport report;
    report.tables.resize(2);
    report.tables[0].counts.rows = 10;
    report.differences = 3;
    report.findings = {found()};
    EXPECT_EQ(total_line(report), "3 differences in 10 rows of 2 tables, 2 not listed\n");
}

TEST(VerifyReport, ARunWithoutATableSaysSo) {
    EXPECT_EQ(total_line({}), "there is no table to compare\n");
    EXPECT_EQ(note_line("pattern\n\"x\""), "note               pattern \"x\"\n");
}

TEST(VerifyReport, ARunThatHasEndedEarlySaysSo) {
    VerifyReport report;
    report.error = "source is gone";
    EXPECT_EQ(total_line(report), "");
    EXPECT_EQ(nlohmann::json::parse(verify_json(report))["error"], "source is gone");
    report.tables.resize(1);
    report.tables[0].is_failure = true;
    EXPECT_EQ(
        total_line(report),
        "0 differences in 0 rows of 1 table, 1 table not compared, and no table after that\n");
}

TEST(VerifyReport, JsonHoldsTheSame) {
    VerifyReport report;
    report.notes = {"one"};
    report.tables.push_back({.schema = "public", .table = "users"});
    report.tables[0].counts.missing_in_trail = 1;
    report.differences = 1;
    report.findings = {found()};
    auto json = nlohmann::json::parse(verify_json(report));
    EXPECT_EQ(json["differences"], 1);
    EXPECT_EQ(json["notes"], nlohmann::json::array({"one"}));
    EXPECT_EQ(json["tables"][0]["missing_in_trail"], 1);
    EXPECT_TRUE(json["tables"][0]["problem"].is_null());
    EXPECT_EQ(json["findings"][0]["kind"], "missing_in_trail");
    EXPECT_EQ(json["findings"][0]["key"], "a\n\"b\"");
    EXPECT_TRUE(json["findings"][0]["change"].is_null());
    EXPECT_TRUE(json["error"].is_null());
}

} // namespace
} // namespace waltrail
