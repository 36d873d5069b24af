// Whole numbers as digits. Not std::to_chars: its table of digits would be a unique symbol, exported by waltrail.so.
#pragma once

#include <cstddef>
#include <cstdint>

namespace waltrail::wire {

inline constexpr size_t decimal_bytes_max = 20;

// Writes the digits so that they end before `limit`; returns where they begin. There must be room for decimal_bytes_max.
inline char *write_decimal_before(char *limit, uint64_t value) {
    do {
        *--limit = static_cast<char>('0' + value % 10);
        value /= 10;
    } while (value != 0);
    return limit;
}

} // namespace waltrail::wire
