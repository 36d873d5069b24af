#include "wire/change_json.hpp"

#include "tests/unit/frame_recorder.hpp"
#include "tests/unit/known_values.hpp"

#include <gtest/gtest.h>

namespace waltrail::wire {
namespace {

class ChangeJsonTest : public testing::Test {
  protected:
    OwnedArena arena;
    std::vector<Column> columns{column("id", types().int4, arena),
                                column("na\"me", types().text, arena)};
    std::vector<uint16_t> key{0};
    Relation relation;
    Source source = test_source();
    Transaction transaction = test_transaction();
    ChangeSetting setting{&source, &transaction, "", "la\"bel", {-1}};
    std::string one = zigzag(1), two = zigzag(2);
    std::vector<Value> before{present(one), null_value()},
        after{present(two), present("it's \"new\"")};

    ChangeJsonTest() {
        relation.schema = "parts";
        relation.table = "p1";
        relation.root_schema = "public";
        relation.root_table = "orders";
        relation.columns = columns;
        relation.key = key;
    }

    Change change(Operation operation) {
        Change change;
        change.operation = operation;
        change.relation = &relation;
        change.position = {0x1'0000'0010u};
        change.before = before;
        change.after = after;
        return change;
    }

    std::string json(const Change &change) {
        OwnedBuffer out;
        append_change_json(out, setting, change);
        return std::string(out.view());
    }
};

TEST_F(ChangeJsonTest, has_every_column_of_the_trail) {
    EXPECT_EQ(
        json(change(Operation::update)),
        R"({"id":"018fb263-407b-774b-adf1-675b64448b03","database":"la\"bel","schema":"public","table":"orders",)"
        R"("primary_key":"2","operation":"UPDATE","before":{"id":1,"na\"me":null},)"
        R"("after":{"id":2,"na\"me":"it's \"new\""},"context":{},)"
        R"("committed_at":"2024-05-26T00:53:20+00:00","queued_at":"1999-12-31T23:59:59+00:00",)"
        R"("created_at":null,"transaction_id":4294967313,"position":4294967312})");
}

TEST_F(ChangeJsonTest, the_key_of_a_delete_is_that_of_the_row_before) {
    Change change = this->change(Operation::remove);
    std::vector<Value> nothing(2);
    change.after = nothing;
    std::string text = json(change);
    EXPECT_NE(
        text.find(
            R"("primary_key":"1","operation":"DELETE","before":{"id":1,"na\"me":null},"after":{})"),
        std::string::npos)
        << text;
}

TEST_F(ChangeJsonTest, a_truncate_has_empty_rows_and_no_key) {
    Change change = this->change(Operation::truncate);
    change.before = change.after = {};
    std::string text = json(change);
    EXPECT_NE(text.find(R"("primary_key":null,"operation":"TRUNCATE","before":{},"after":{})"),
              std::string::npos)
        << text;
}

TEST_F(ChangeJsonTest, a_truncate_stands_under_the_tables_own_name_and_a_row_under_its_roots) {
    Change truncate = change(Operation::truncate), insert = change(Operation::insert);
    EXPECT_EQ(schema_name(truncate), "parts");
    EXPECT_EQ(table_name(truncate), "p1");
    EXPECT_EQ(schema_name(insert), "public");
    EXPECT_EQ(table_name(insert), "orders");
    truncate.before = truncate.after = {};
    std::string text = json(truncate);
    EXPECT_NE(text.find(R"("schema":"parts","table":"p1")"), std::string::npos) << text;
}

TEST_F(ChangeJsonTest, the_context_is_nested_as_it_is) {
    setting.context = R"({"user":{"id":7}})";
    std::string text = json(change(Operation::insert));
    EXPECT_NE(text.find(R"("context":{"user":{"id":7}},"committed_at")"), std::string::npos)
        << text;
    EXPECT_NE(text.find(R"("operation":"CREATE")"), std::string::npos) << text;
}

TEST(TruncateToSecond, goes_down_also_before_2000) {
    constexpr int64_t least = std::numeric_limits<int64_t>::min(),
                      most = std::numeric_limits<int64_t>::max();
    const std::pair<int64_t, int64_t> known[] = {
        {0, 0},
        {999'999, 0},
        {1'000'000, 1'000'000},
        {-1, -1'000'000},
        {-999'999, -1'000'000},
        {-1'000'000, -1'000'000},
        {least, least},
        {most, most - most % 1'000'000},
    };
    for (auto [time, second] : known)
        EXPECT_EQ(truncate_to_second({time}), Timestamp{second}) << time;
}

} // namespace
} // namespace waltrail::wire
