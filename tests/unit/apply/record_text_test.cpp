#include "apply/record_text.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

using Fields = std::vector<std::optional<std::string>>;

TEST(RecordText, FieldsAreWhatRecordOutHasPutTogether) {
    EXPECT_EQ(record_fields("(7,x)"), (Fields{"7", "x"}));
    EXPECT_EQ(record_fields("(1)"), (Fields{"1"}));
    EXPECT_EQ(record_fields(R"x((7,"a, ""b"" \\ (c)"))x"), (Fields{"7", R"x(a, "b" \ (c))x"}));
}

TEST(RecordText, AnEmptyTextIsNoNull) {
    EXPECT_EQ(record_fields(R"x(("",,x))x"), (Fields{"", std::nullopt, "x"}));
}

TEST(RecordText, OtherTextIsNoRecord) {
    for (const char *text : {"", "(", "7", "(7", "7)", "(7,x)y", "(\"7,x)"})
        EXPECT_EQ(record_fields(text), std::nullopt) << text;
}

TEST(RecordText, ArraysQuoteEveryElement) {
    EXPECT_EQ(text_array({"a", "", "NULL", std::nullopt, R"x(q" b\ ,{})x"}),
              R"x({"a","","NULL",NULL,"q\" b\\ ,{}"})x");
    EXPECT_EQ(text_array({}), "{}");
}

} // namespace
} // namespace waltrail
