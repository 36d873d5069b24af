#include "apply/byte_count.hpp"

#include <fmt/format.h>

#include <cmath>

namespace waltrail {

std::string shown_bytes(int64_t bytes) {
    constexpr const char *units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1024) return bytes == 1 ? "1 byte" : fmt::format("{} bytes", bytes);
    double amount = static_cast<double>(bytes) / 1024;
    size_t unit = 0;
    // What would be rounded to 1024 belongs to the next unit.
    for (; std::round(amount * 10) >= 10240; unit++) amount /= 1024;
    double tenths = std::round(amount * 10);
    bool is_whole = std::fmod(tenths, 10) == 0;
    return fmt::format("{:.{}f} {}", tenths / 10, is_whole ? 0 : 1, units[unit]);
}

} // namespace waltrail
