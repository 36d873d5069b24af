#include "apply/json_log_formatter.hpp"

#include "apply/json_text.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <spdlog/details/log_msg.h>

#include <chrono>
#include <string_view>

namespace waltrail {

namespace {

// The words of --log-level, where spdlog says "warning".
std::string_view level_name(spdlog::level::level_enum level) {
    if (level == spdlog::level::warn) return "warn";
    auto name = spdlog::level::to_string_view(level);
    return {name.data(), name.size()};
}

std::string rfc3339(spdlog::log_clock::time_point time) {
    auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time - seconds).count();
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z",
                       fmt::gmtime(spdlog::log_clock::to_time_t(seconds)), milliseconds);
}

} // namespace

void JsonLogFormatter::format(const spdlog::details::log_msg &message, spdlog::memory_buf_t &line) {
    nlohmann::ordered_json object{
        {"time", rfc3339(message.time)},
        {"level", level_name(message.level)},
        {"message", std::string_view(message.payload.data(), message.payload.size())}};
    if (!label_.empty()) object["source"] = label_;
    if (!slot_.empty()) object["slot"] = slot_;
    std::string text = json_line(object);
    line.append(text.data(), text.data() + text.size());
}

} // namespace waltrail
