#include "apply/selection.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

using Options = std::map<std::string, std::string>;

TEST(Selection, OnlyWhatIsGivenBecomesAnOption) {
    EXPECT_EQ(plugin_options({}), (Options{{"truncate", "on"}}));
    Selection selection;
    selection.truncate = false;
    selection.mask_columns = {"*.email"};
    EXPECT_EQ(plugin_options(selection),
              (Options{{"truncate", "off"}, {"mask_columns", "*.email"}}));
}

TEST(Selection, ListsAreJoinedByCommas) {
    Selection selection;
    selection.tables = {"public.*, audit.log", R"("A,b".c)"};
    EXPECT_EQ(plugin_options(selection).at("tables"), R"(public.*, audit.log,"A,b".c)");
    auto patterns = read_patterns(selection.tables);
    ASSERT_EQ(patterns.size(), 3u);
    EXPECT_EQ(patterns[1].text, "audit.log");
    EXPECT_EQ(patterns[2].parts[0].text, "A,b");
}

TEST(Selection, ABadPatternIsNamedWithTheGrammar) {
    EXPECT_EQ(pattern_problem(PatternKind::table, "public.*, audit.log"), "");
    EXPECT_EQ(pattern_problem(PatternKind::column, "public.users.email,*.password"), "");
    auto problem = pattern_problem(PatternKind::table, "public.a, users");
    EXPECT_EQ(problem.find("invalid pattern \"users\", a table is written schema.table: write "),
              0u)
        << problem;
    problem = pattern_problem(PatternKind::column, "public.users");
    EXPECT_NE(problem.find("invalid pattern \"public.users\", a column is written "),
              std::string::npos)
        << problem;
    EXPECT_NE(pattern_problem(PatternKind::table, ""), "");
    EXPECT_NE(pattern_problem(PatternKind::table, "a.b,"), "");
    EXPECT_NE(pattern_problem(PatternKind::table, "a.\"b"), "");
}

TEST(Selection, EveryListOfTheStructIsASetting) {
    Selection selection;
    for (const PatternSetting &setting : pattern_settings())
        (selection.*setting.lists).push_back("a.b.c");
    EXPECT_EQ(plugin_options(selection).size(), pattern_settings().size() + 1);
    EXPECT_EQ(pattern_settings().size(), 5u);
}

} // namespace
} // namespace waltrail
