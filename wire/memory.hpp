// Growable bytes and a bump arena whose memory comes from whoever embeds wire/: palloc in the server, malloc in the
// program. Both are plain structs without destructors (a longjmp in the server would skip them): the owner of the
// allocator frees.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>

namespace waltrail::wire {

// substr() without its exception, which the server library cannot throw. The range must lie inside.
constexpr std::string_view slice(std::string_view bytes, size_t start, size_t count) {
    return {bytes.data() + start, count};
}

// Resizes `old` (null for a new block) to `size` bytes. Does not return on failure: it throws or longjmps.
// A size of 0 frees.
struct Allocator {
    void *(*reallocate)(void *owner, void *old, size_t size) = nullptr;
    void *owner = nullptr;
};

// malloc, for the program and the tests; ends the process when memory is exhausted.
Allocator process_allocator();

struct Buffer {
    char *data = nullptr;
    size_t size = 0;
    size_t capacity = 0;
    Allocator allocator{};

    void clear() { size = 0; }
    void release();
    std::string_view view() const { return {data, size}; }
    std::string_view view_from(size_t start) const { return {data + start, size - start}; }

    // Afterwards at least `extra` bytes can be written at end().
    void reserve(size_t extra) {
        if (capacity - size < extra) grow(extra);
    }
    char *end() { return data + size; }

    void append(const void *bytes, size_t count) {
        reserve(count);
        if (count != 0) std::memcpy(end(), bytes, count);
        size += count;
    }
    void append(std::string_view bytes) { append(bytes.data(), bytes.size()); }
    void append_byte(uint8_t byte) {
        reserve(1);
        data[size++] = static_cast<char>(byte);
    }
    template <typename T> void append_little_endian(T value) {
        static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
        append(&value, sizeof value);
    }
    void append_zeros(size_t count) {
        reserve(count);
        if (count != 0) std::memset(end(), 0, count);
        size += count;
    }
    void append_varint(uint64_t value) {
        reserve(10);
        while (value >= 0x80) {
            data[size++] = static_cast<char>(value | 0x80);
            value >>= 7;
        }
        data[size++] = static_cast<char>(value);
    }
    void append_zigzag(int64_t value) {
        append_varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
    }
    void append_string(std::string_view text) {
        append_varint(text.size());
        append(text);
    }

  private:
    void grow(size_t extra);
};
static_assert(std::is_trivially_destructible_v<Buffer>);
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the format is written for little-endian machines");

// Memory for decoded descriptions; blocks are chained and freed together.
struct Arena {
    struct Block;
    Block *newest = nullptr;
    size_t used = 0;
    Allocator allocator{};

    void release();
    // Memory for `count` objects of trivial type, value-initialised.
    template <typename T> std::span<T> make(size_t count) {
        static_assert(std::is_trivially_destructible_v<T>);
        T *objects = static_cast<T *>(allocate(sizeof(T) * count, alignof(T)));
        for (size_t i = 0; i < count; i++) new (objects + i) T();
        return {objects, count};
    }
    std::string_view copy(std::string_view text);

  private:
    void *allocate(size_t size, size_t alignment);
};
static_assert(std::is_trivially_destructible_v<Arena>);

} // namespace waltrail::wire
