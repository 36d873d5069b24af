#include "wire/cursor.hpp"

#include "tests/unit/encoded_value.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace waltrail::wire {
namespace {

TEST(Cursor, reads_varints_that_a_buffer_wrote) {
    for (unsigned bits = 0; bits < 64; bits++)
        for (uint64_t value :
             {(uint64_t{1} << bits) - 1, uint64_t{1} << bits, ~uint64_t{0} >> bits}) {
            OwnedBuffer buffer;
            buffer.append_varint(value);
            EXPECT_EQ(buffer.view(), varint(value));
            Cursor in(buffer.view());
            EXPECT_EQ(in.varint(), value);
            EXPECT_TRUE(in.at_end() && !in.failed);
        }
}

TEST(Cursor, reads_zigzag_that_a_buffer_wrote) {
    for (unsigned bits = 0; bits < 63; bits++)
        for (int64_t value : {int64_t{1} << bits, -(int64_t{1} << bits),
                              std::numeric_limits<int64_t>::min() >> bits,
                              std::numeric_limits<int64_t>::max() >> bits}) {
            OwnedBuffer buffer;
            buffer.append_zigzag(value);
            EXPECT_EQ(buffer.view(), zigzag(value));
            Cursor in(buffer.view());
            EXPECT_EQ(in.zigzag(), value);
            EXPECT_TRUE(in.at_end() && !in.failed);
        }
}

TEST(Cursor, refuses_varints_past_64_bits) {
    Cursor eleven_bytes("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1");
    EXPECT_EQ(eleven_bytes.varint(), 0u);
    EXPECT_TRUE(eleven_bytes.failed);
    Cursor bit_64("\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\2");
    EXPECT_EQ(bit_64.varint(), 0u);
    EXPECT_TRUE(bit_64.failed);
}

TEST(Cursor, a_read_past_the_end_fails_and_gives_zero) {
    const std::string three = "\1\2\3";
    Cursor fixed(three);
    EXPECT_EQ(fixed.little_endian<uint32_t>(), 0u);
    EXPECT_TRUE(fixed.failed && fixed.at_end());

    Cursor bytes(three);
    EXPECT_EQ(bytes.bytes(4), "");
    EXPECT_TRUE(bytes.failed);

    Cursor huge(three);
    EXPECT_EQ(huge.bytes(~uint64_t{0}), "");
    EXPECT_TRUE(huge.failed);

    Cursor empty(std::string_view{});
    EXPECT_EQ(empty.byte(), 0u);
    EXPECT_TRUE(empty.failed);

    Cursor unfinished("\x80\x80");
    EXPECT_EQ(unfinished.varint(), 0u);
    EXPECT_TRUE(unfinished.failed);

    Cursor string("\5four");
    EXPECT_EQ(string.string(), "");
    EXPECT_TRUE(string.failed);
}

TEST(Cursor, stays_failed) {
    Cursor in("\1\2");
    in.bytes(3);
    EXPECT_EQ(in.byte(), 0u);
    EXPECT_EQ(in.varint(), 0u);
    EXPECT_EQ(in.bytes(0), "");
    EXPECT_TRUE(in.failed);
}

TEST(Cursor, reading_exactly_to_the_end_does_not_fail) {
    Cursor in("\3abc\1");
    EXPECT_EQ(in.string(), "abc");
    EXPECT_EQ(in.left(), 1u);
    EXPECT_EQ(in.byte(), 1u);
    EXPECT_EQ(in.bytes(0), "");
    EXPECT_TRUE(in.at_end() && !in.failed);
}

TEST(Bitmap, bit_of_column_i_is_bit_i_mod_8_of_byte_i_div_8) {
    EXPECT_EQ(bitmap_bytes(0), 0u);
    EXPECT_EQ(bitmap_bytes(1), 1u);
    EXPECT_EQ(bitmap_bytes(8), 1u);
    EXPECT_EQ(bitmap_bytes(9), 2u);
    char bitmap[2] = {};
    set_bit(bitmap, 0);
    set_bit(bitmap, 7);
    set_bit(bitmap, 9);
    EXPECT_EQ(std::string(bitmap, 2), "\x81\x02");
    for (size_t i = 0; i < 16; i++) EXPECT_EQ(bit(bitmap, i), i == 0 || i == 7 || i == 9) << i;
}

} // namespace
} // namespace waltrail::wire
