// A log line is one JSON object whatever the message holds.
#include "apply/json_log_formatter.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <spdlog/details/log_msg.h>

namespace waltrail {
namespace {

std::string line_of(std::string_view message, JsonLogFormatter formatter = JsonLogFormatter()) {
    spdlog::details::log_msg entry("waltrail", spdlog::level::warn,
                                   {message.data(), message.size()});
    entry.time = spdlog::log_clock::time_point(std::chrono::milliseconds(1'769'860'800'007));
    spdlog::memory_buf_t line;
    formatter.format(entry, line);
    return {line.data(), line.size()};
}

TEST(JsonLog, has_time_level_and_message) {
    EXPECT_EQ(line_of("the table \"shop\".\"a\nb\""),
              "{\"time\":\"2026-01-31T12:00:00.007Z\",\"level\":\"warn\",\"message\":\"the table "
              "\\\"shop\\\".\\\"a\\nb\\\"\"}\n");
}

TEST(JsonLog, says_whose_it_is_where_that_is_known) {
    auto json = nlohmann::json::parse(line_of("x", JsonLogFormatter("a \"shop\"", "waltrail")));
    EXPECT_EQ(json["source"], "a \"shop\"");
    EXPECT_EQ(json["slot"], "waltrail");
}

TEST(JsonLog, any_byte_is_escaped_or_replaced) {
    std::string all;
    for (int byte = 0; byte < 256; byte++) all += static_cast<char>(byte);
    std::string line = line_of(all);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    auto message = nlohmann::json::parse(line)["message"].get<std::string>();
    EXPECT_EQ(message.substr(0, 128), all.substr(0, 128));
    EXPECT_EQ(message.substr(128, 3), "\xEF\xBF\xBD");
}

TEST(JsonLog, a_copy_says_the_same) {
    auto copy = JsonLogFormatter("shop", "s").clone();
    spdlog::details::log_msg entry("waltrail", spdlog::level::info, "x");
    spdlog::memory_buf_t line;
    copy->format(entry, line);
    EXPECT_EQ(nlohmann::json::parse(std::string(line.data(), line.size()))["source"], "shop");
}

} // namespace
} // namespace waltrail
