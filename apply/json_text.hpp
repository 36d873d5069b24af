// JSON as it is printed: by `--json`, and in logs. Names of an SQL_ASCII source may be no UTF-8: such bytes become U+FFFD.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace waltrail {

// Indented, with a newline at its end.
[[nodiscard]] inline std::string json_text(const nlohmann::ordered_json &value) {
    return value.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

// The same on one line.
[[nodiscard]] inline std::string json_line(const nlohmann::ordered_json &value) {
    return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

} // namespace waltrail
