// Reads the part of TOML that a file of settings needs: tables, bare and quoted and dotted keys, strings on one line, numbers,
// booleans, and arrays of these. What else TOML knows (dates, inline tables, strings over several lines, arrays of tables) is
// refused by name rather than misread.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace waltrail {

struct TomlSetting {
    std::vector<std::string> path;   // the table's name, then the key's
    std::vector<std::string> values; // the elements of an array, or one; strings without quotes
    size_t line = 0;                 // from 1
};

class TomlProblem : public std::runtime_error {
  public:
    TomlProblem(size_t line, const std::string &problem)
        : std::runtime_error(problem), line(line) {}
    size_t line;
};

// In the order of the text. Throws TomlProblem.
[[nodiscard]] std::vector<TomlSetting> read_toml(std::string_view text);

} // namespace waltrail
