// What is wrong with what the program was given, for the one line on stderr.
#pragma once

#include "apply/command_line.hpp"

#include <string>

namespace waltrail {

// What is wrong, and where it stands if it was not typed. May have several lines.
[[nodiscard]] std::string usage_problem(const CommandLine &line, const CLI::ParseError &error);

// Where to read on.
[[nodiscard]] std::string help_hint(const CLI::App &app);

} // namespace waltrail
