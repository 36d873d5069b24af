#include "tests/unit/encoded_value.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

namespace waltrail::wire {
namespace {

// Counts the blocks that are not freed.
struct CountedMemory {
    std::set<void *> blocks;
    size_t largest = 0;

    Allocator allocator() {
        return {[](void *owner, void *old, size_t size) -> void * {
                    auto *self = static_cast<CountedMemory *>(owner);
                    self->blocks.erase(old);
                    if (size == 0) {
                        std::free(old);
                        return nullptr;
                    }
                    self->largest = std::max(self->largest, size);
                    void *block = std::realloc(old, size);
                    self->blocks.insert(block);
                    return block;
                },
                this};
    }
};

TEST(Buffer, grows_and_keeps_what_was_appended) {
    OwnedBuffer buffer;
    std::string expected;
    for (int i = 0; i < 5000; i++) {
        std::string piece(static_cast<size_t>(i % 37), static_cast<char>(i));
        buffer.append(piece);
        expected += piece;
    }
    EXPECT_EQ(buffer.view(), expected);
    EXPECT_EQ(buffer.view_from(100), std::string_view(expected).substr(100));
}

TEST(Buffer, appends_empty_bytes_without_memory) {
    OwnedBuffer buffer;
    buffer.append(std::string_view{});
    buffer.append_zeros(0);
    EXPECT_EQ(buffer.size, 0u);
    EXPECT_EQ(buffer.view(), "");
}

TEST(Buffer, appends_fixed_integers_low_byte_first) {
    OwnedBuffer buffer;
    buffer.append_little_endian(uint32_t{0x01020304});
    buffer.append_byte(0xFF);
    buffer.append_zeros(2);
    EXPECT_EQ(buffer.view(), "\4\3\2\1\xFF\0\0"_bytes);
}

TEST(Buffer, appends_varints_of_seven_bits_a_byte) {
    const std::pair<uint64_t, std::string> known[] = {
        {0, "\0"_bytes},
        {127, "\x7F"},
        {128, "\x80\1"},
        {300, "\xAC\2"},
        {~uint64_t{0}, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1"},
    };
    for (const auto &[value, bytes] : known) {
        OwnedBuffer buffer;
        buffer.append_varint(value);
        EXPECT_EQ(buffer.view(), bytes) << value;
    }
}

TEST(Buffer, appends_zigzag_with_the_sign_in_the_lowest_bit) {
    const std::pair<int64_t, std::string> known[] = {
        {0, "\0"_bytes},
        {-1, "\1"},
        {1, "\2"},
        {-64, "\x7F"},
        {64, "\x80\1"},
        {std::numeric_limits<int64_t>::min(), "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1"},
        {std::numeric_limits<int64_t>::max(), "\xFE\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\1"},
    };
    for (const auto &[value, bytes] : known) {
        OwnedBuffer buffer;
        buffer.append_zigzag(value);
        EXPECT_EQ(buffer.view(), bytes) << value;
    }
}

TEST(Buffer, release_frees_and_leaves_it_usable) {
    CountedMemory memory;
    Buffer buffer;
    buffer.allocator = memory.allocator();
    buffer.append("something");
    buffer.release();
    EXPECT_TRUE(memory.blocks.empty());
    buffer.append("again");
    EXPECT_EQ(buffer.view(), "again");
    buffer.release();
    EXPECT_TRUE(memory.blocks.empty());
}

TEST(Arena, objects_are_aligned_apart_and_zeroed) {
    OwnedArena arena;
    for (int i = 1; i < 300; i++) {
        std::string_view text = arena.copy(std::string(static_cast<size_t>(i % 7), 'x'));
        auto numbers = arena.make<uint64_t>(static_cast<size_t>(i));
        EXPECT_EQ(reinterpret_cast<uintptr_t>(numbers.data()) % alignof(uint64_t), 0u);
        for (uint64_t &number : numbers) {
            EXPECT_EQ(number, 0u);
            number = ~uint64_t{0};
        }
        EXPECT_EQ(text, std::string(static_cast<size_t>(i % 7), 'x'));
    }
}

TEST(Arena, copies_outlive_their_source) {
    OwnedArena arena;
    std::string source = "name";
    std::string_view copy = arena.copy(source);
    source = "else";
    EXPECT_EQ(copy, "name");
    EXPECT_EQ(arena.copy(""), "");
}

TEST(Arena, holds_more_than_a_block_and_frees_all) {
    CountedMemory memory;
    Arena arena;
    arena.allocator = memory.allocator();
    std::string large(1 << 20, 'l');
    EXPECT_EQ(arena.copy("small"), "small");
    EXPECT_EQ(arena.copy(large), large);
    EXPECT_EQ(arena.copy("small again"), "small again");
    EXPECT_EQ(arena.make<char>(0).size(), 0u);
    EXPECT_LT(memory.largest, large.size() + 100);
    arena.release();
    EXPECT_TRUE(memory.blocks.empty());
    EXPECT_EQ(arena.copy("usable"), "usable");
    arena.release();
}

} // namespace
} // namespace waltrail::wire
