#include "wire/json_render.hpp"

#include "tests/unit/known_values.hpp"

#include <gtest/gtest.h>

namespace waltrail::wire {
namespace {

std::string json_of(const Type &type, std::string_view bytes) {
    OwnedBuffer out;
    (void)append_json_value(out, type, bytes);
    return std::string(out.view());
}

void expect_json(const std::vector<KnownValue> &values) {
    for (const KnownValue &value : values)
        EXPECT_EQ(json_of(value.type, value.bytes), value.json) << value.sql;
}

TEST(JsonRender, scalars_are_what_to_json_gives) { expect_json(known_scalars()); }
TEST(JsonRender, numbers_are_what_to_json_gives) { expect_json(known_numbers()); }
TEST(JsonRender, times_are_what_to_json_gives) { expect_json(known_times()); }
TEST(JsonRender, arrays_are_what_to_json_gives) { expect_json(known_arrays()); }
TEST(JsonRender, composites_are_what_to_json_gives) { expect_json(known_composites()); }

// The known values pass the parser too, so the renderer may rely on it.
TEST(JsonRender, every_known_value_is_one_that_the_parser_takes) {
    for (const auto &values :
         {known_scalars(), known_numbers(), known_times(), known_arrays(), known_composites()})
        for (const KnownValue &value : values) {
            std::string encoded = in_row(value.type, value.bytes);
            OwnedBuffer out;
            encode_value(out, value.type, value.bytes);
            EXPECT_EQ(out.view(), encoded) << value.sql;
            Cursor in(encoded);
            std::string_view bytes;
            EXPECT_STREQ(parse_value(in, value.type, bytes), nullptr) << value.sql;
            EXPECT_TRUE(in.at_end()) << value.sql;
            EXPECT_EQ(bytes, value.bytes) << value.sql;
        }
}

TEST(JsonRender, an_array_with_a_dimension_of_no_elements_is_empty) {
    EXPECT_EQ(json_of(types().ints, array_of(types().int4, {{0, 0}}, {})), "[]");
    EXPECT_EQ(json_of(types().ints, array_of(types().int4, {{uint64_t{1} << 27}, {0}}, {})), "[]");
}

TEST(JsonRender, every_byte_below_a_blank_is_escaped) {
    for (int c = 0; c < 255; c++) { // 255 is the mark of raw text
        OwnedBuffer out;
        std::string text(1, static_cast<char>(c));
        (void)append_json_string(out, text);
        std::string_view json = out.view();
        bool escaped = c < 0x20 || c == '"' || c == '\\';
        EXPECT_EQ(json.size() > 3, escaped) << c;
        if (!escaped) {
            EXPECT_EQ(json, "\"" + text + "\"");
        }
    }
}

TEST(JsonRender, names_are_escaped_members) {
    OwnedArena arena;
    EXPECT_EQ(json_name("plain", arena), "\"plain\":");
    EXPECT_EQ(json_name("q\"\n", arena), "\"q\\\"\\n\":");
    EXPECT_EQ(json_name("", arena), "\"\":");
}

TEST(JsonRender, a_row_leaves_out_what_is_absent_and_keeps_nulls) {
    OwnedArena arena;
    std::vector<Column> columns{column("a", types().int4, arena), column("b", types().text, arena),
                                column("c", types().boolean, arena)};
    Relation relation;
    relation.columns = columns;
    std::string one = zigzag(1), yes = "\1";
    auto row_json = [&](std::vector<Value> row) {
        OwnedBuffer out;
        (void)append_json_row(out, relation, row);
        return std::string(out.view());
    };
    EXPECT_EQ(row_json({present(one), null_value(), present(yes)}), R"({"a":1,"b":null,"c":true})");
    EXPECT_EQ(row_json({absent(), null_value(), absent()}), R"({"b":null})");
    EXPECT_EQ(row_json({absent(), absent(), present(yes)}), R"({"c":true})");
    EXPECT_EQ(row_json({absent(), absent(), absent()}), "{}");
    EXPECT_EQ(row_json({}), "{}");
}

TEST(JsonRender, a_row_for_jsonb_has_its_names_in_the_order_of_jsonb) {
    OwnedArena arena;
    std::vector<Column> columns{
        column("bb", types().int4, arena), column("aaa", types().int4, arena),
        column("c", types().int4, arena), column("ba", types().int4, arena)};
    std::vector<uint16_t> order{2, 3, 0, 1};
    Relation relation;
    relation.columns = columns;
    relation.jsonb_order = order;
    std::string one = zigzag(1);
    OwnedBuffer out;
    (void)append_jsonb_row(out, relation,
                           std::vector<Value>{present(one), null_value(), absent(), present(one)});
    EXPECT_EQ(out.view(), R"({"ba":1,"bb":1,"aaa":null})");
    out.clear();
    (void)append_jsonb_row(out, relation, {});
    EXPECT_EQ(out.view(), "{}");
}

} // namespace
} // namespace waltrail::wire
