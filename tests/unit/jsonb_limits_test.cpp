#include "wire/jsonb_limits.hpp"

#include "wire/json_render.hpp"

#include <gtest/gtest.h>

#include <string>

namespace waltrail::wire {
namespace {

TEST(JsonbLimits, accepts_what_jsonb_holds) {
    for (auto json :
         {"{}", "[]", "null", "\"\"", "0", "-1.5e-7", "1e9999", R"({"a":"\ud83d\ude00"})",
          R"("\u0001")", R"("\\u0000")", R"("\"\\")", R"([1,2,{"x":[true,null]}])",
          R"("\uD83D\uDE00\uD83D\uDE00")", R"("\\ud83d")"})
        EXPECT_TRUE(jsonb_can_hold(json)) << json;
}

// Each tried with SELECT '…'::jsonb on PostgreSQL 15.
TEST(JsonbLimits, numbers_have_the_limits_of_numeric) {
    std::string zeros(200'000, '0');
    for (auto &json :
         {std::string(131'072, '9'), "-" + std::string(131'072, '9'),
          "0." + std::string(16'383, '1'), std::string("1e131071"), std::string("1e-16383"),
          std::string("0.001e131074"), std::string("0e1073741822"), std::string("123e-16383"),
          "1" + std::string(130'000, '0') + "e-16000", std::string("1.5E+131071"),
          "0.5" + std::string(16'382, '0'), std::string("0e-16383")})
        EXPECT_TRUE(jsonb_can_hold(json)) << json.substr(0, 30);
    for (auto &json :
         {std::string(131'073, '9'), "0." + std::string(16'384, '1'), std::string("1e131072"),
          std::string("1e-16384"), std::string("0.001e131075"), std::string("0e1073741823"),
          std::string("1.5e-16383"), "1" + zeros, "1" + zeros + "e-100000", std::string("0e-16384"),
          std::string("1e-99999999999")})
        EXPECT_FALSE(jsonb_can_hold(json)) << json.substr(0, 30);
}

TEST(JsonbLimits, refuses_what_jsonb_refuses) {
    for (auto json : {R"("\u0000")", R"({"\u0000":1})", R"("a\u0000b")", R"("\ud83d")",
                      R"("\ud83dx")", R"("\ud83d\n")", R"("\ude00")", R"("\ud83d\ud83d\ude00")",
                      R"("\\\u0000")", "1e1000000", "-1E+131072", "[1, 1e99999999999]"})
        EXPECT_FALSE(jsonb_can_hold(json)) << json;
    EXPECT_FALSE(jsonb_can_hold(std::string(131073, '9')));
    EXPECT_FALSE(jsonb_can_hold(std::string(100000, '[') + std::string(100000, ']')));
}

TEST(JsonbLimits, json_that_jsonb_cannot_hold_becomes_a_string_of_its_text) {
    Buffer out;
    out.allocator = process_allocator();
    Type type;
    type.kind = Kind::json;
    (void)append_json_value(out, type, R"({"a":"\u0000"})");
    EXPECT_EQ(out.view(), R"("{\"a\":\"\\u0000\"}")");
    out.clear();
    (void)append_json_value(out, type, R"({"a": "\ud83d\ude00"})");
    EXPECT_EQ(out.view(), R"({"a": "\ud83d\ude00"})");
    out.release();
}

} // namespace
} // namespace waltrail::wire
