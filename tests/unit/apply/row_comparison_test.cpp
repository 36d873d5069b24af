#include "apply/row_comparison.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

using Names = std::vector<std::string>;

RecordedShape full_shape() {
    RecordedShape shape;
    shape.is_full = true;
    shape.types = {{"id", "integer"}, {"name", "text"}, {"price", "numeric"}};
    return shape;
}

struct RowComparison : testing::Test {
    RecordedShape shape = full_shape();
    std::vector<ComparedColumn> columns{{"id", "integer"}, {"name", "text"}, {"price", "numeric"}};
    TrailChange change{.id = "c", .operation = "UPDATE", .position = 5};

    RowDifference compare(std::string_view source, const std::string &trail) {
        change.after = trail;
        return compare_row(source, change, columns, {&shape});
    }
};

TEST_F(RowComparison, TheSameTextIsTheSame) {
    std::string row = R"({"id": 1, "name": "a", "price": 1.50})";
    EXPECT_TRUE(compare(row, row).columns.empty());
}

TEST_F(RowComparison, ColumnsThatDifferAreNamedInTheirOrder) {
    auto difference = compare(R"({"id": 1, "name": "a", "price": 1.50})",
                              R"({"id": 1, "name": "b", "price": 1.5})");
    EXPECT_EQ(difference.columns, (Names{"name", "price"}));
}

TEST_F(RowComparison, NestedValuesAreComparedWhole) {
    EXPECT_EQ(compare(R"({"name": {"a": ["}", "\""], "b": 1}})",
                      R"({"name": {"a": ["}", "\""], "b": 2}})")
                  .columns,
              Names{"name"});
}

TEST_F(RowComparison, ANameIsFoundAsTheServerWritesIt) {
    columns = {{"odd \"name\"\n", "text"}};
    EXPECT_EQ(compare(R"({"odd \"name\"\n": 1})", R"({"odd \"name\"\n": 2})").columns.size(), 1u);
}

TEST_F(RowComparison, AMaskedColumnIsNullOrIsNot) {
    columns[1].by_presence = true;
    EXPECT_TRUE(compare(R"({"name": true})", R"({"name": "hmac-sha256:9f"})").columns.empty());
    EXPECT_TRUE(compare(R"({"name": null})", R"({"name": null})").columns.empty());
    EXPECT_EQ(compare(R"({"name": true})", R"({"name": null})").columns, Names{"name"});
}

TEST_F(RowComparison, WhatAlterTableMayHaveRewrittenSaysNothing) {
    columns[0].type = "bigint";
    auto difference = compare(R"({"id": 10, "name": "a"})", R"({"id": 1, "name": "a"})");
    EXPECT_TRUE(difference.columns.empty());
    EXPECT_EQ(difference.skipped, Names{"id"});
}

TEST_F(RowComparison, WhatIsMarkedSaysNothing) {
    change.unreadable = {"name"};
    auto difference = compare(R"({"name": "a"})", R"({"name": "\\x61"})");
    EXPECT_TRUE(difference.columns.empty());
    EXPECT_EQ(difference.skipped, Names{"name"});
}

// | the change | identity | lacks a column that its shape has |
TEST_F(RowComparison, AColumnThatTheChangeMustHaveIsMissed) {
    EXPECT_EQ(compare(R"({"id": 1, "name": "a"})", R"({"id": 1})").columns, Names{"name"});
    shape.is_full = false;
    EXPECT_EQ(compare(R"({"id": 1, "name": "a"})", R"({"id": 1})").skipped, Names{"name"});
    change.operation = "CREATE";
    EXPECT_EQ(compare(R"({"id": 1, "name": "a"})", R"({"id": 1})").columns, Names{"name"});
}

TEST_F(RowComparison, AColumnThatWasAddedOrDroppedSaysNothing) {
    columns.push_back({"added", "text"});
    auto difference = compare(R"({"id": 1, "added": "x"})", R"({"id": 1, "dropped": "y"})");
    EXPECT_TRUE(difference.columns.empty());
    EXPECT_EQ(difference.skipped, Names{"added"});
}

TEST_F(RowComparison, WithoutAKnownShapeOnlyCommonColumnsCount) {
    change.after = R"({"id": 2})";
    auto difference = compare_row(R"({"id": 1, "name": "a"})", change, columns, {});
    EXPECT_EQ(difference.columns, Names{"id"});
    EXPECT_EQ(difference.skipped, Names{"name"});
}

} // namespace
} // namespace waltrail
