#include "apply/column_layout.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

using Names = std::vector<std::string>;

constexpr uint64_t changed_by = 100;
constexpr uint64_t before = 50, after = 150;

bool is_same(const Names &recorded, const ColumnLayout &layout, const std::string &name) {
    return is_same_column(recorded, layout, name, changed_by);
}

TEST(ColumnLayout, ThePlaceTellsWhereNothingWasDropped) {
    ColumnLayout layout{{"id", after}, {"a", after}, {"b", after}};
    EXPECT_TRUE(is_same({"id", "a", "b"}, layout, "a"));
    EXPECT_TRUE(is_same({"id", "a"}, layout, "a"));
    EXPECT_FALSE(is_same({"id", "b", "a"}, layout, "a"));
    EXPECT_FALSE(is_same({"id", "b", "a"}, layout, "b"));
}

TEST(ColumnLayout, AColumnThatWasDroppedBeforeTheChangeIsNotCounted) {
    ColumnLayout layout{{"id", before}, {"", before}, {"a", after}};
    EXPECT_TRUE(is_same({"id", "a"}, layout, "a"));
    EXPECT_FALSE(is_same({"id", "x", "a"}, layout, "a"));
}

TEST(ColumnLayout, WhereThePlaceDoesNotTellTheTransactionDoes) {
    EXPECT_TRUE(is_same({"id", "x", "a"}, {{"id", before}, {"", after}, {"a", before}}, "a"));
    EXPECT_FALSE(is_same({"id", "a"}, {{"id", before}, {"", after}, {"a", after}}, "a"));
    // One that is not recorded, or had another name.
    EXPECT_TRUE(is_same({"id", "a"}, {{"id", before}, {"secret", before}, {"a", before}}, "a"));
    EXPECT_FALSE(is_same({"id", "a"}, {{"id", before}, {"a_old", after}, {"a", after}}, "a"));
}

TEST(ColumnLayout, WhatTheChangeItselfHasAlteredDoesNotTell) {
    EXPECT_FALSE(is_same({"id", "a"}, {{"id", 1}, {"", changed_by}, {"a", changed_by}}, "a"));
}

TEST(ColumnLayout, AColumnThatIsNotThereIsNone) { EXPECT_FALSE(is_same({"id"}, {{"id", 1}}, "a")); }

} // namespace
} // namespace waltrail
