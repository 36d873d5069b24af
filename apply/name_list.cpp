#include "apply/name_list.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace waltrail {

namespace {

constexpr size_t names_max = 10;

} // namespace

std::string name_list(const std::vector<std::string> &names) {
    size_t shown = std::min(names.size(), names_max);
    return fmt::format(
        "{}{}", fmt::join(names.begin(), names.begin() + static_cast<long>(shown), ", "),
        names.size() > shown ? fmt::format(" and {} more", names.size() - shown) : "");
}

} // namespace waltrail
