#include "apply/log_format.hpp"

#include "apply/json_log_formatter.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>

namespace waltrail {

namespace {

// Set once, before there is a second thread.
LogFormat chosen = LogFormat::text;

} // namespace

void start_log(const std::string &level, LogFormat format) {
    chosen = format;
    spdlog::set_default_logger(spdlog::stderr_color_mt("waltrail"));
    spdlog::set_level(spdlog::level::from_str(level));
    if (format == LogFormat::json)
        spdlog::set_formatter(std::make_unique<JsonLogFormatter>());
    else
        spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
}

void tell_warning(const std::string &message) {
    if (chosen == LogFormat::json)
        spdlog::warn("{}", message);
    else
        fmt::print(stderr, "waltrail: warning: {}\n", message);
}

void tell_error(const std::string &message) {
    if (chosen == LogFormat::json)
        spdlog::error("{}", message);
    else
        fmt::print(stderr, "waltrail: {}\n", message);
}

void name_source_in_log(const std::string &label, const std::string &slot) {
    if (chosen == LogFormat::json)
        spdlog::default_logger_raw()->set_formatter(
            std::make_unique<JsonLogFormatter>(label, slot));
}

} // namespace waltrail
