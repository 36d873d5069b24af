#include "apply/toml_reader.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

using Strings = std::vector<std::string>;

// The line and what is said of it.
std::string problem_of(std::string_view text) {
    try {
        static_cast<void>(read_toml(text));
    } catch (const TomlProblem &problem) {
        return std::to_string(problem.line) + ": " + problem.what();
    }
    return "";
}

Strings values_of(std::string_view value) {
    return read_toml("key = " + std::string(value)).at(0).values;
}

TEST(TomlReader, TablesAndKeysMakeThePath) {
    auto settings = read_toml("top = 1\n\n[ apply ] # of apply\n\"quoted key\" = 2\na.b = 3\r\n");
    ASSERT_EQ(settings.size(), 3u);
    EXPECT_EQ(settings[0].path, (Strings{"top"}));
    EXPECT_EQ(settings[1].path, (Strings{"apply", "quoted key"}));
    EXPECT_EQ(settings[2].path, (Strings{"apply", "a", "b"}));
    EXPECT_EQ(settings[1].line, 4u);
    EXPECT_TRUE(read_toml("").empty());
    EXPECT_TRUE(read_toml("# nothing\n\n").empty());
}

TEST(TomlReader, StringsKeepWhatStandsInThem) {
    EXPECT_EQ(values_of(R"("host=db1 password='a#b,c'" # comment)"),
              (Strings{"host=db1 password='a#b,c'"}));
    EXPECT_EQ(values_of(R"('"Odd"."a,b"')"), (Strings{R"("Odd"."a,b")"}));
    EXPECT_EQ(values_of(R"("\"Odd\".\t\u00e9\U0001F600\\")"),
              (Strings{"\"Odd\".\t\u00e9\U0001F600\\"}));
    EXPECT_EQ(values_of(R"('C:\new')"), (Strings{R"(C:\new)"}));
    EXPECT_EQ(values_of(R"("")"), (Strings{""}));
}

TEST(TomlReader, NumbersAndBooleansAreTheirText) {
    EXPECT_EQ(values_of("true"), (Strings{"true"}));
    EXPECT_EQ(values_of("1_000_000"), (Strings{"1000000"}));
    EXPECT_EQ(values_of("-2.5"), (Strings{"-2.5"}));
}

TEST(TomlReader, ArraysMayRunOverLinesWithComments) {
    EXPECT_EQ(values_of("[]"), (Strings{}));
    EXPECT_EQ(values_of("['a', \"b,c\"]"), (Strings{"a", "b,c"}));
    auto settings = read_toml("key = [\n  'a', # first ]\n\n  'b',\n]\nnext = 1\n");
    EXPECT_EQ(settings.at(0).values, (Strings{"a", "b"}));
    EXPECT_EQ(settings.at(1).line, 6u);
}

TEST(TomlReader, WhatIsNotUnderstoodIsRefusedWithItsLine) {
    EXPECT_EQ(problem_of("a = 1\nb\n"), "2: a setting is written name = value");
    EXPECT_EQ(problem_of("\n= 1"), "2: a name was expected");
    EXPECT_EQ(problem_of("a = 'b"), "1: a string is not closed");
    EXPECT_EQ(problem_of("a = 'b\n'"), "1: a string is not closed");
    EXPECT_EQ(problem_of("a = 1 2"), "1: something follows the value");
    EXPECT_EQ(problem_of("a = ['b'\n'c']"), "2: the elements of an array are separated by commas");
    EXPECT_EQ(problem_of("a = ['b',"), "1: an array is not closed");
    EXPECT_EQ(problem_of("[apply\na = 1"), "1: a table is written [name]");
    EXPECT_EQ(problem_of("[[apply]]"), "1: arrays of tables are not known here");
    EXPECT_EQ(problem_of("a = 1\na = 2"), "2: \"a\" is set twice");
    EXPECT_EQ(problem_of(R"(a = "\q")"),
              "1: an unknown escape stands in a string; in '…' a backslash is only that");
    EXPECT_EQ(problem_of(R"(a = "\ud800")"), "1: an escape names no character");
    EXPECT_EQ(problem_of(R"(a = "\u12)"), "1: an escape names no character");
    for (const char *value : {"waltrail", "{b = 1}", "[['c']]", "", "+"})
        EXPECT_EQ(problem_of("a = " + std::string(value)),
                  "1: a value is a string in quotes, a number, true, false, or an array of these");
    EXPECT_EQ(problem_of("a = '''b'''"), "1: strings over several lines are not known here");
}

} // namespace
} // namespace waltrail
