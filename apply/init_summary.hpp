// What `waltrail init` tells when it has succeeded: what is there now, and how to go on.
#pragma once

#include "apply/settings.hpp"

#include <string>

namespace waltrail {

// The command that comes next, for a shell. Passwords are left out of the connection strings. A settings file is named again,
// because it may say what is masked; what apply finds there is not repeated.
[[nodiscard]] std::string apply_command_line(const InitSettings &settings);

// A connection string of the same settings without those that are secret.
[[nodiscard]] std::string conninfo_without_secrets(const std::string &conninfo);

} // namespace waltrail
