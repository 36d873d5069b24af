#include "wire/marks.hpp"

#include "wire/json_render.hpp"
#include "wire/raw_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace waltrail::wire {
namespace {

// A table (id text, note text, doc json, list json[]) with one row after, and none before.
class MarksTest : public testing::Test {
  protected:
    void SetUp() override {
        out_.allocator = process_allocator();
        names_.allocator = process_allocator();
        json_.kind = Kind::json;
        list_.kind = Kind::array;
        list_.element = &json_;
        for (std::string_view name : {"id", "note", "doc", "list"}) add_column(name);
        columns_[2].type = json_;
        columns_[3].type = list_;
        relation_.columns = columns_;
        change_.relation = &relation_;
        change_.after = row_;
        for (Value &value : row_) value = {Value::State::present, false, "1"};
        row_[3].state = Value::State::null;
    }
    void TearDown() override {
        out_.release();
        names_.release();
    }

    void add_column(std::string_view name) {
        Column column;
        column.name = name;
        column.json_name = json_name(name, names_);
        columns_.push_back(column);
    }

    std::string context(std::string_view given) {
        out_.clear();
        Marks marks = append_json_row(out_, relation_, change_.before);
        marks |= append_json_row(out_, relation_, change_.after);
        out_.clear();
        append_context_json(out_, given, change_, marks);
        return std::string(out_.view());
    }

    Buffer out_;
    Arena names_;
    Type json_, list_;
    std::vector<Column> columns_;
    Value row_[4];
    Value old_row_[4];
    Relation relation_;
    Change change_;
};

TEST_F(MarksTest, a_row_that_jsonb_holds_leaves_the_context_as_it_is) {
    EXPECT_EQ(context(""), "{}");
    EXPECT_EQ(context(R"({"user": 7})"), R"({"user": 7})");
}

TEST_F(MarksTest, marks_stand_beside_what_the_source_has_put_there) {
    std::string_view given = R"({"_waltrail":{"actor":{"session_user":"a"}},"user": 7})";
    EXPECT_EQ(context(given), given);
    row_[2].bytes = R"("\u0000")";
    EXPECT_EQ(
        context(given),
        R"({"_waltrail":{"after":{"json_as_text":["doc"]},"actor":{"session_user":"a"}},"user": 7})");
}

TEST_F(MarksTest, columns_are_named_by_what_became_of_them) {
    row_[1].bytes = "\xFF\xE9";
    row_[2].bytes = R"("\u0000")";
    EXPECT_EQ(context(""),
              R"({"_waltrail":{"after":{"bytes_escaped":["note"],"json_as_text":["doc"]}}})");
    row_[0].bytes = "\xFF";
    EXPECT_EQ(context(""),
              R"({"_waltrail":{"after":{"bytes_escaped":["id","note"],"json_as_text":["doc"]}}})");
}

TEST_F(MarksTest, json_that_is_not_utf8_is_both) {
    row_[2].bytes = "\xFF\"\xE9\"";
    EXPECT_EQ(context(""),
              R"({"_waltrail":{"after":{"bytes_escaped":["doc"],"json_as_text":["doc"]}}})");
}

TEST_F(MarksTest, the_old_row_counts_and_nested_values_too) {
    for (Value &value : old_row_) value = {Value::State::null, false, {}};
    change_.before = old_row_;
    // one dimension of one element, from 1, no nulls: the string 1e999999
    std::string list("\x01\x01\x02\x00\x08"
                     "1e999999",
                     13);
    old_row_[3] = {Value::State::present, false, list};
    EXPECT_EQ(context(""), R"({"_waltrail":{"before":{"json_as_text":["list"]}}})");
    row_[1].bytes = "\xFF";
    EXPECT_EQ(
        context(""),
        R"({"_waltrail":{"before":{"json_as_text":["list"]},"after":{"bytes_escaped":["note"]}}})");
}

TEST_F(MarksTest, what_becomes_of_a_part_becomes_of_all) {
    Type text, texts;
    texts.kind = Kind::array;
    texts.element = &text;
    columns_[3].type = texts;
    // one dimension of two elements: a\b, and the byte E9
    std::string list("\x01\x02\x02\x00\x03"
                     "a\\b"
                     "\x02\xFF\xE9",
                     12);
    Buffer out;
    out.allocator = process_allocator();
    EXPECT_EQ(append_json_value(out, texts, list), mark_bytes_escaped);
    EXPECT_EQ(out.view(), R"(["a\\\\b","\\351"])");
    out.clear();
    // [1, 1e999999]
    std::string documents("\x01\x02\x02\x00\x01"
                          "1"
                          "\x08"
                          "1e999999",
                          15);
    EXPECT_EQ(append_json_value(out, list_, documents), mark_json_as_text);
    EXPECT_EQ(out.view(), R"(["1","1e999999"])");
    out.release();
}

TEST_F(MarksTest, the_member_is_the_last_of_the_context) {
    row_[2].bytes = "1e999999";
    EXPECT_EQ(context(R"({"user": 7} )"),
              R"({"user": 7,"_waltrail":{"after":{"json_as_text":["doc"]}}})");
    EXPECT_EQ(context(" { } "), R"( { "_waltrail":{"after":{"json_as_text":["doc"]}}})");
}

TEST_F(MarksTest, names_that_are_not_utf8_are_marked) {
    relation_.table = "\xFF\xE9";
    relation_.raw_names = has_raw_names(relation_);
    EXPECT_EQ(context(""), R"({"_waltrail":{"names_escaped":true}})");
}

} // namespace
} // namespace waltrail::wire
