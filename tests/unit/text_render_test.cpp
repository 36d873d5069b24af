#include "wire/text_render.hpp"

#include "tests/unit/known_values.hpp"

#include <gtest/gtest.h>

#include <deque>

namespace waltrail::wire {
namespace {

std::string cast_text(const Type &type, std::string_view bytes) {
    OwnedBuffer out;
    append_cast_text(out, type, bytes);
    return std::string(out.view());
}

std::string output_text(const Type &type, std::string_view bytes) {
    OwnedBuffer out;
    append_output_text(out, type, bytes);
    return std::string(out.view());
}

void expect_text(const std::vector<KnownValue> &values) {
    for (const KnownValue &value : values)
        EXPECT_EQ(cast_text(value.type, value.bytes), value.text) << value.sql;
}

TEST(TextRender, scalars_read_as_the_server_writes_them) { expect_text(known_scalars()); }
TEST(TextRender, numbers_read_as_the_server_writes_them) { expect_text(known_numbers()); }
TEST(TextRender, times_read_as_the_server_writes_them) { expect_text(known_times()); }
TEST(TextRender, arrays_read_as_the_server_writes_them) { expect_text(known_arrays()); }
TEST(TextRender, composites_read_as_the_server_writes_them) { expect_text(known_composites()); }

TEST(TextRender, output_text_differs_from_the_cast_where_the_server_does) {
    EXPECT_EQ(output_text(scalar(Kind::boolean, 16), "\1"), "t");
    EXPECT_EQ(output_text(scalar(Kind::boolean, 16), "\0"_bytes), "f");
    EXPECT_EQ(output_text(scalar(Kind::text, 1042), "ab   "), "ab   ");
    EXPECT_EQ(output_text(scalar(Kind::text, 869), "10.0.0.1"), "10.0.0.1");
}

TEST(TextRender, an_array_with_a_dimension_of_no_elements_is_empty) {
    EXPECT_EQ(cast_text(types().ints, array_of(types().int4, {{0, 0}}, {})), "{}");
    EXPECT_EQ(cast_text(types().ints, array_of(types().int4, {{uint64_t{1} << 27}, {0}}, {})),
              "{}");
}

TEST(TextRender, times_out_of_every_range_are_rendered_somehow) {
    constexpr int64_t least = std::numeric_limits<int64_t>::min(),
                      most = std::numeric_limits<int64_t>::max();
    for (int64_t time : {least + 1, most - 1}) {
        EXPECT_NE(cast_text(scalar(Kind::timestamptz), fixed(time)), "");
        EXPECT_NE(cast_text(scalar(Kind::time), zigzag(time)), "");
    }
    EXPECT_EQ(cast_text(scalar(Kind::date), zigzag(-2'147'483'647)), "5877612-06-23 BC");
}

// A table of one row whose columns are all part of its key.
struct KeyedRow {
    OwnedArena arena;
    std::deque<std::string> bytes;
    std::vector<Column> columns;
    std::vector<Value> row;
    std::vector<uint16_t> key;

    KeyedRow &with(const Type &type, const std::string &value) {
        row.push_back(present(bytes.emplace_back(value)));
        return add(type);
    }
    KeyedRow &with(const Type &type, Value value) {
        row.push_back(value);
        return add(type);
    }
    KeyedRow &add(const Type &type) {
        key.push_back(static_cast<uint16_t>(columns.size()));
        columns.push_back(column("c", type, arena));
        return *this;
    }
    // The text; "unknown" when there is none.
    std::string text() {
        Relation relation;
        relation.columns = columns;
        relation.key = key;
        OwnedBuffer out;
        out.append("before ");
        bool known = append_primary_key(out, relation, row);
        EXPECT_TRUE(known || out.view() == "before ") << "nothing is appended when there is no key";
        return known ? std::string(out.view_from(7)) : "unknown";
    }
};

TEST(PrimaryKey, of_one_column_is_its_cast_to_text) {
    EXPECT_EQ(KeyedRow().with(types().int4, zigzag(42)).text(), "42");
    EXPECT_EQ(KeyedRow().with(types().boolean, "\1").text(), "true");
    EXPECT_EQ(KeyedRow().with(scalar(Kind::text, 1042), "ab   ").text(), "ab");
    EXPECT_EQ(KeyedRow().with(types().text, "a, \"b\"").text(), "a, \"b\"");
    EXPECT_EQ(KeyedRow().with(types().text, "").text(), "");
    EXPECT_EQ(KeyedRow().with(types().ints, array_of(types().int4, {{1, 0}}, {zigzag(1)})).text(),
              "[0:0]={1}");
}

// SELECT ROW(42, true, 'ab'::char(5), '', 'x y', E'q"\\', 'plain')::text
TEST(PrimaryKey, of_several_columns_is_the_text_of_their_row) {
    KeyedRow row;
    row.with(types().int4, zigzag(42))
        .with(types().boolean, "\1")
        .with(scalar(Kind::text, 1042), "ab   ");
    row.with(types().text, "")
        .with(types().text, "x y")
        .with(types().text, "q\"\\")
        .with(types().text, "plain");
    EXPECT_EQ(row.text(), R"((42,t,"ab   ","","x y","q""\\",plain))");
}

TEST(PrimaryKey, columns_come_in_the_order_of_the_key) {
    KeyedRow row;
    row.with(types().int4, zigzag(1)).with(types().int4, zigzag(2)).with(types().int4, zigzag(3));
    row.key = {2, 0};
    EXPECT_EQ(row.text(), "(3,1)");
}

TEST(PrimaryKey, is_unknown_without_a_key_or_with_an_absent_or_null_part) {
    KeyedRow keyless;
    keyless.with(types().int4, zigzag(1));
    keyless.key.clear();
    EXPECT_EQ(keyless.text(), "unknown");
    EXPECT_EQ(KeyedRow().with(types().int4, null_value()).text(), "unknown");
    EXPECT_EQ(KeyedRow().with(types().int4, zigzag(1)).with(types().int4, absent()).text(),
              "unknown");
    KeyedRow rowless;
    rowless.with(types().int4, zigzag(1));
    rowless.row.clear();
    EXPECT_EQ(rowless.text(), "unknown");
}

TEST(PrimaryKey, may_have_255_characters_however_many_bytes_they_take) {
    auto text_key = [](const std::string &text) {
        return KeyedRow().with(types().text, text).text();
    };
    std::string ascii(255, 'k'), emoji;
    for (int i = 0; i < 255; i++) emoji += "\xF0\x9F\x98\x80";
    EXPECT_EQ(text_key(ascii), ascii);
    EXPECT_EQ(text_key(ascii + "k"), "unknown");
    EXPECT_EQ(text_key(emoji), emoji);
    EXPECT_EQ(text_key(emoji + "k"), "unknown");
    EXPECT_EQ(text_key(std::string(1 << 20, 'k')), "unknown");

    std::string padded = "ab" + std::string(2000, ' ');
    EXPECT_EQ(KeyedRow().with(scalar(Kind::text, 1042), padded).text(), "ab");

    KeyedRow fits, over;
    fits.with(types().text, std::string(126, 'a')).with(types().text, std::string(126, 'b'));
    EXPECT_EQ(fits.text().size(), 255u);
    over.with(types().text, std::string(126, 'a')).with(types().text, std::string(127, 'b'));
    EXPECT_EQ(over.text(), "unknown");
}

// Each level of nesting doubles the quotes of the one inside it: 2^60 of them, were the text not given up early.
TEST(PrimaryKey, of_deeply_nested_rows_is_given_up_before_it_grows) {
    std::deque<std::array<Field, 1>> levels;
    Type type = types().text;
    std::string bytes = "\"";
    for (int depth = 0; depth < 60; depth++) {
        levels.push_back({{{"f", "\"f\":", type}}});
        bytes = composite_of(levels.back(), {bytes});
        type = composite_type(levels.back());
    }
    EXPECT_EQ(KeyedRow().with(type, bytes).text(), "unknown");
    EXPECT_EQ(KeyedRow().with(types().int4, zigzag(1)).with(type, bytes).text(), "unknown");
}

} // namespace
} // namespace waltrail::wire
