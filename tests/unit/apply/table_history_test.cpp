#include "apply/table_history.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

const std::map<std::string, std::string> columns{{"id", "integer"}, {"name", "text"}};

RecordedShape shape(uint32_t oid, uint64_t from, const std::string &table,
                    std::vector<std::string> key = {"id"}) {
    RecordedShape shape{
        .relation_oid = oid, .from_position = from, .schema = "public", .table = table};
    shape.leaf_schema = "public";
    shape.leaf_table = table;
    shape.is_full = true;
    shape.types = columns;
    shape.identity = {"id", "name"};
    shape.key = std::move(key);
    return shape;
}

RecordedShape leaf(uint32_t oid, uint64_t from, const std::string &root, const std::string &name) {
    RecordedShape of_leaf = shape(oid, from, root);
    of_leaf.leaf_table = name;
    return of_leaf;
}

PresentTable people() {
    return {.oid = 1,
            .schema = "public",
            .table = "people",
            .members = {1},
            .types = columns,
            .key = {"id"}};
}

using Stretches = std::vector<NamedStretch>;

TEST(TableHistory, ATableThatIsNotKnownHasNoStretch) {
    TableHistory history(people(), {});
    EXPECT_TRUE(history.stretches().empty());
    EXPECT_TRUE(history.shapes_at(100).empty());
}

TEST(TableHistory, ANameCountsFromTheTablesFirstChangeOn) {
    TableHistory history(people(), {shape(1, 10, "people"), shape(1, 20, "people")});
    EXPECT_EQ(history.stretches(), (Stretches{{"public", "people", 10, no_end}}));
}

TEST(TableHistory, WhatATableOfBeforeWroteIsNotIts) {
    TableHistory history(people(), {shape(7, 10, "people"), shape(1, 20, "people")});
    EXPECT_EQ(history.stretches(), (Stretches{{"public", "people", 20, no_end}}));
    TableHistory untouched(people(), {shape(7, 10, "people")});
    EXPECT_TRUE(untouched.stretches().empty());
}

TEST(TableHistory, ARenamedTableHasItsOldNameUntilItHasChangedUnderTheNewOne) {
    TableHistory history(people(), {shape(1, 10, "users"), shape(1, 20, "people")});
    EXPECT_EQ(history.stretches(),
              (Stretches{{"public", "people", 20, no_end}, {"public", "users", 10, 20}}));
}

TEST(TableHistory, ANewTableTakesTheOldNameAway) {
    TableHistory history(people(), {shape(1, 10, "users"), shape(9, 30, "users")});
    EXPECT_EQ(history.stretches(), (Stretches{{"public", "users", 10, 30}}));
}

TEST(TableHistory, ChangesUnderAnotherKeyAreNotLookedUp) {
    TableHistory history(people(), {shape(1, 10, "people", {"name"}), shape(1, 20, "people")});
    EXPECT_EQ(history.stretches(), (Stretches{{"public", "people", 20, no_end}}));
    EXPECT_TRUE(history.has_other_keys());
}

TEST(TableHistory, AKeyColumnMayHaveHadAnotherName) {
    RecordedShape before = shape(1, 10, "people", {"number"});
    before.types = {{"number", "bigint"}, {"name", "text"}};
    before.identity = {"number"};
    TableHistory history(people(), {before, shape(1, 20, "people")});
    EXPECT_EQ(history.stretches(), (Stretches{{"public", "people", 10, no_end}}));
    EXPECT_FALSE(history.has_other_keys());
}

TEST(TableHistory, KeyTypesAreTheSameWhereTheirTextsAre) {
    EXPECT_TRUE(is_same_key_type("integer", "bigint"));
    EXPECT_TRUE(is_same_key_type("character varying(20)", "text"));
    EXPECT_TRUE(is_same_key_type("numeric(10,2)", "numeric(12,2)"));
    EXPECT_FALSE(is_same_key_type("integer", "text"));
    EXPECT_FALSE(is_same_key_type("timestamp without time zone", "timestamp with time zone"));
}

TEST(TableHistory, PartitionsShareTheNameAndOneThatIsGoneIsTold) {
    PresentTable parts{.oid = 1,
                       .schema = "public",
                       .table = "people",
                       .is_partitioned = true,
                       .members = {1, 2, 3},
                       .types = columns,
                       .key = {"id"}};
    TableHistory history(parts, {leaf(2, 10, "people", "p1"), leaf(8, 20, "people", "gone"),
                                 leaf(3, 30, "people", "p2")});
    EXPECT_EQ(history.stretches(), (Stretches{{"public", "people", 10, no_end}}));
    EXPECT_EQ(history.lost_partitions(), (std::set<std::string>{"public.gone"}));
    EXPECT_EQ(history.partitions(),
              (std::set<std::pair<std::string, std::string>>{{"public", "p1"}, {"public", "p2"}}));
    EXPECT_EQ(history.shapes_at(15).size(), 1u);
    EXPECT_EQ(history.shapes_at(35).size(), 2u);
}

TEST(TableHistory, AnAttachedPartitionBringsTheNameThatItHad) {
    PresentTable parts{.oid = 1,
                       .schema = "public",
                       .table = "people",
                       .is_partitioned = true,
                       .members = {1, 2},
                       .types = columns,
                       .key = {"id"}};
    TableHistory history(parts, {shape(2, 10, "alone"), leaf(2, 20, "people", "alone")});
    EXPECT_EQ(history.stretches(),
              (Stretches{{"public", "alone", 10, no_end}, {"public", "people", 20, no_end}}));
}

TEST(TableHistory, AnIdentityWithoutTheKeyDoesNotTellWhichRowWent) {
    RecordedShape other = shape(1, 10, "people");
    other.identity = {"name"};
    EXPECT_FALSE(TableHistory(people(), {other}).identity_tells_key());
    EXPECT_TRUE(TableHistory(people(), {shape(1, 10, "people")}).identity_tells_key());
}

} // namespace
} // namespace waltrail
