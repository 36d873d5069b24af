#include "wire/decimal.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace waltrail::wire {
namespace {

std::string digits(uint64_t value) {
    char text[decimal_bytes_max];
    char *limit = text + sizeof text;
    return {write_decimal_before(limit, value), limit};
}

TEST(Decimal, writes_the_digits_of_any_number) {
    for (uint64_t power = 1; power != 0;
         power = power > std::numeric_limits<uint64_t>::max() / 10 ? 0 : power * 10)
        for (uint64_t value : {power - 1, power, power + 1})
            EXPECT_EQ(digits(value), std::to_string(value));
    EXPECT_EQ(digits(std::numeric_limits<uint64_t>::max()), "18446744073709551615");
}

} // namespace
} // namespace waltrail::wire
