#include "wire/json_members.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace waltrail::wire {
namespace {

std::vector<std::string> members(std::string_view object) {
    std::vector<std::string> found;
    JsonMembers walk(object);
    for (JsonMember member; walk.next(member);)
        found.push_back(std::string(member.name) + "=" + std::string(member.value) + "=" +
                        std::string(member.text));
    return found;
}

using Members = std::vector<std::string>;

TEST(JsonMembersTest, members_come_in_their_order_as_they_are_written) {
    EXPECT_EQ(members("{}"), Members{});
    EXPECT_EQ(members(" { \n } "), Members{});
    EXPECT_EQ(members(R"({"a":1})"), Members{R"("a"=1="a":1)"});
    EXPECT_EQ(members(R"( { "a" : 1 , "b":[1, {"c": "]"}] ,"a":null})"),
              (Members{R"("a"=1="a" : 1)", R"("b"=[1, {"c": "]"}]="b":[1, {"c": "]"}])",
                       R"("a"=null="a":null)"}));
}

TEST(JsonMembersTest, quotes_and_braces_in_strings_end_nothing) {
    EXPECT_EQ(members(R"({"a\"}": "}\\\"{", "b": {"x": "}"}, "c": -1.5e3})"),
              (Members{R"("a\"}"="}\\\"{"="a\"}": "}\\\"{")", R"("b"={"x": "}"}="b": {"x": "}"})",
                       R"("c"=-1.5e3="c": -1.5e3)"}));
}

TEST(JsonMembersTest, what_is_no_object_is_walked_safely) {
    for (std::string_view text :
         {"", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":\"", "{\"a\":[", "{\"a\":1,", "\\",
          "{\"\\", "[1]", "{]}", "{\"a\":]}", "{\"a\":{]]]"})
        members(text);
}

TEST(MemberNameTest, escapes_are_seen_through) {
    EXPECT_TRUE(is_member_name(R"("_waltrail")", "_waltrail"));
    EXPECT_TRUE(is_member_name(R"("\u005fwaltrail")", "_waltrail"));
    EXPECT_TRUE(is_member_name(R"("\u005Fw\u0061ltrai\u006C")", "_waltrail"));
}

TEST(MemberNameTest, other_names_are_other_names) {
    for (std::string_view written :
         {R"("")", R"("_waltrai")", R"("_waltraill")", R"("_Waltrail")", R"("\\u005fwaltrail")",
          R"("\u015fwaltrail")", R"("\u00dfwaltrail")", R"("_waltrail\u0000")", "\"", ""})
        EXPECT_FALSE(is_member_name(written, "_waltrail")) << written;
}

} // namespace
} // namespace waltrail::wire
