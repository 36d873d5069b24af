#include "apply/byte_count.hpp"

#include <gtest/gtest.h>

namespace waltrail {
namespace {

TEST(ByteCount, UnitsAreThoseOfPostgres) {
    EXPECT_EQ(shown_bytes(0), "0 bytes");
    EXPECT_EQ(shown_bytes(1), "1 byte");
    EXPECT_EQ(shown_bytes(1023), "1023 bytes");
    EXPECT_EQ(shown_bytes(1024), "1 kB");
    EXPECT_EQ(shown_bytes(1536), "1.5 kB");
    EXPECT_EQ(shown_bytes(int64_t{16} << 20), "16 MB");
    EXPECT_EQ(shown_bytes(INT64_MAX), "8 EB");
}

TEST(ByteCount, WhatRoundsUpToAUnitIsShownInIt) {
    EXPECT_EQ(shown_bytes((int64_t{1} << 20) - 1), "1 MB");
    EXPECT_EQ(shown_bytes((int64_t{1} << 30) - 1), "1 GB");
    EXPECT_EQ(shown_bytes((int64_t{1} << 20) - 100 * 1024), "924 kB");
}

} // namespace
} // namespace waltrail
