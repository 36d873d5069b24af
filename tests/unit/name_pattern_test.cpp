#include "wire/name_pattern.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace waltrail::wire {
namespace {

std::vector<NamePattern> read_all(std::string_view list) {
    std::vector<NamePattern> patterns;
    while (!list.empty()) {
        NamePattern pattern;
        const char *problem = read_name_pattern(list, pattern);
        EXPECT_EQ(problem, nullptr) << problem;
        if (problem != nullptr) break;
        patterns.push_back(pattern);
    }
    return patterns;
}

std::string problem_of(std::string_view list) {
    while (!list.empty()) {
        NamePattern pattern;
        std::string_view before = list;
        if (const char *problem = read_name_pattern(list, pattern)) {
            EXPECT_EQ(list, before);
            return problem;
        }
    }
    return "";
}

bool table_matches(std::string_view pattern, std::string_view schema, std::string_view table) {
    return matches_table(read_all(pattern).at(0), schema, table);
}

bool column_matches(std::string_view pattern, std::string_view column) {
    return matches_column(read_all(pattern).at(0), "public", "users", column);
}

TEST(NamePattern, lists_are_split_at_commas_outside_quotes) {
    auto patterns = read_all(R"( public.*, "a,b"."c.d" ,x . y)");
    ASSERT_EQ(patterns.size(), 3u);
    EXPECT_EQ(patterns[0].text, "public.*");
    EXPECT_EQ(patterns[1].text, R"("a,b"."c.d")");
    EXPECT_EQ(patterns[2].text, "x . y");
    EXPECT_TRUE(matches_table(patterns[1], "a,b", "c.d"));
    EXPECT_TRUE(matches_table(patterns[2], "x", "y"));
}

TEST(NamePattern, stars_stand_for_any_characters) {
    EXPECT_TRUE(table_matches("*.*", "public", "users"));
    EXPECT_TRUE(table_matches("*.*", "", ""));
    EXPECT_TRUE(table_matches("pub*.u*r*", "public", "users"));
    EXPECT_TRUE(table_matches("p*.*s*s", "p", "ssis"));
    EXPECT_TRUE(table_matches("a.**b**", "a", "b"));
    EXPECT_FALSE(table_matches("a.*b", "a", "bc"));
    EXPECT_FALSE(table_matches("pub.*", "public", "users"));
    EXPECT_FALSE(table_matches("a.user", "a", "users"));
    EXPECT_FALSE(table_matches("a.users", "a", "user"));
}

TEST(NamePattern, case_percent_and_underscore_are_themselves) {
    EXPECT_FALSE(table_matches("public.users", "public", "Users"));
    EXPECT_FALSE(table_matches("public.a_b", "public", "axb"));
    EXPECT_FALSE(table_matches("public.%", "public", "users"));
    EXPECT_TRUE(table_matches("public.%", "public", "%"));
}

TEST(NamePattern, bytes_of_any_encoding_are_compared_as_they_are) {
    EXPECT_TRUE(table_matches("a.stra\xDF\x65", "a", "stra\xDF\x65"));
    EXPECT_TRUE(table_matches("a.stra*", "a", "stra\xDF\x65"));
    EXPECT_TRUE(table_matches("a.\"\xFF\"", "a", "\xFF"));
    EXPECT_FALSE(table_matches("a.stra\xDF\x65", "a", "straße"));
}

TEST(NamePattern, a_star_takes_whole_characters) {
    auto two_bytes = [](std::string_view) { return size_t{2}; };
    auto patterns = read_all("*.*bc*, *.*cd*, *.*ef");
    EXPECT_TRUE(matches_table(patterns[0], "ab", "abcdef"));
    EXPECT_FALSE(matches_table(patterns[0], "ab", "abcdef", two_bytes));
    EXPECT_TRUE(matches_table(patterns[1], "ab", "abcdef", two_bytes));
    EXPECT_TRUE(matches_table(patterns[2], "ab", "abcdef", two_bytes));
}

TEST(NamePattern, quoted_names_stand_for_themselves) {
    EXPECT_TRUE(table_matches(R"("a""b"."*")", "a\"b", "*"));
    EXPECT_FALSE(table_matches(R"("a"."*")", "a", "b"));
    EXPECT_TRUE(table_matches(R"(" x"."ü 😀")", " x", "ü 😀"));
    EXPECT_FALSE(table_matches(R"("a""b".*)", "a\"", "x"));
    EXPECT_TRUE(table_matches(R"("""".x)", "\"", "x"));
}

TEST(NamePattern, a_column_has_three_names_or_a_star_before_it) {
    EXPECT_TRUE(column_matches("public.users.mail", "mail"));
    EXPECT_FALSE(column_matches("public.users.mail", "email"));
    EXPECT_TRUE(column_matches("*.*.*mail", "email"));
    EXPECT_TRUE(column_matches("*.updated_at", "updated_at"));
    EXPECT_EQ(check_column_pattern(read_all("a.b.c").at(0)), nullptr);
    EXPECT_EQ(check_column_pattern(read_all("*.c").at(0)), nullptr);
    EXPECT_NE(check_column_pattern(read_all("b.c").at(0)), nullptr);
    EXPECT_NE(check_column_pattern(read_all("\"*\".c").at(0)), nullptr);
    EXPECT_NE(check_column_pattern(read_all("c").at(0)), nullptr);
}

TEST(NamePattern, a_table_has_two_names) {
    EXPECT_EQ(check_table_pattern(read_all("a.b").at(0)), nullptr);
    EXPECT_NE(check_table_pattern(read_all("b").at(0)), nullptr);
    EXPECT_NE(check_table_pattern(read_all("a.b.c").at(0)), nullptr);
}

TEST(NamePattern, what_is_no_pattern_is_refused) {
    EXPECT_EQ(problem_of("a.b,"), "nothing follows the last comma");
    EXPECT_EQ(problem_of("a.b, "), "nothing follows the last comma");
    EXPECT_EQ(problem_of("a.b,,c.d"), "a name is empty");
    EXPECT_EQ(problem_of("a."), "a name is empty");
    EXPECT_EQ(problem_of(".a"), "a name is empty");
    EXPECT_EQ(problem_of(" "), "a name is empty");
    EXPECT_EQ(problem_of("a.\"\""), "a name is empty");
    EXPECT_EQ(problem_of("a.\"b"), "a quote is not closed");
    EXPECT_EQ(problem_of("a.b\"c\""), "a quote stands in the middle of a name");
    EXPECT_EQ(problem_of("\"a\"b.c"), "something follows a quoted name");
    EXPECT_EQ(problem_of("a.b.c.d"), "there are more than three names");
}

} // namespace
} // namespace waltrail::wire
