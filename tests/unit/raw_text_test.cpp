#include "wire/raw_text.hpp"

#include "wire/json_render.hpp"
#include "wire/text_render.hpp"

#include <gtest/gtest.h>

#include <string>

namespace waltrail::wire {
namespace {

struct Shown {
    std::string text;
    bool escaped;
};

Shown shown(std::string_view text) {
    Buffer out;
    out.allocator = process_allocator();
    bool escaped = append_shown_text(out, text);
    Shown result{std::string(out.view()), escaped};
    out.release();
    return result;
}

TEST(RawText, text_is_shown_as_it_is) {
    for (std::string text : {"", "a\\b", "größe \xF0\x9F\x98\x80"}) {
        EXPECT_EQ(shown(text).text, text);
        EXPECT_FALSE(shown(text).escaped);
    }
}

// The expected texts are what encode(…, 'escape') gives.
TEST(RawText, raw_text_is_shown_in_the_escape_format_of_bytea) {
    EXPECT_EQ(shown("\xFF"
                    "caf\xE9")
                  .text,
              "caf\\351");
    EXPECT_EQ(shown("\xFF\\ \xFF\x80\n").text, "\\\\ \\377\\200\n");
    EXPECT_EQ(shown(std::string_view("\xFF\0a", 3)).text, "\\000a");
    EXPECT_EQ(shown("\xFF").text, "");
    EXPECT_TRUE(shown("\xFF").escaped);
}

TEST(RawText, becomes_a_json_string_of_what_is_shown) {
    Buffer out;
    out.allocator = process_allocator();
    EXPECT_EQ(append_json_string(out, "\xFF\"\xE9\\"), mark_bytes_escaped);
    EXPECT_EQ(out.view(), R"("\"\\351\\\\")");
    out.clear();
    EXPECT_EQ(append_json_string(out, "plain"), 0);
    out.release();
}

TEST(RawText, of_a_name_is_found_in_the_types_of_columns_too) {
    Type composite{.kind = Kind::composite};
    Field field{"\xFF\xE9", "", {}};
    composite.fields = {&field, 1};
    Type array{.kind = Kind::array, .element = &composite};
    Field outer{"plain", "", array};
    Column column{.name = "plain", .type = {.kind = Kind::composite, .fields = {&outer, 1}}};
    Relation relation;
    relation.columns = {&column, 1};
    EXPECT_TRUE(has_raw_names(relation));
    field.name = "plain";
    EXPECT_FALSE(has_raw_names(relation));
    relation.root_schema = "\xFF\xE9";
    EXPECT_TRUE(has_raw_names(relation));
}

TEST(RawText, is_escaped_in_keys) {
    Type text;
    Buffer out;
    out.allocator = process_allocator();
    append_cast_text(out, text, "\xFF\xE9");
    EXPECT_EQ(out.view(), "\\351");
    out.release();
}

} // namespace
} // namespace waltrail::wire
