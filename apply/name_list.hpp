// Names in a message: the first of them, and how many more there are.
#pragma once

#include <string>
#include <vector>

namespace waltrail {

// "a, b, c and 12 more". The names are written as they are.
[[nodiscard]] std::string name_list(const std::vector<std::string> &names);

} // namespace waltrail
