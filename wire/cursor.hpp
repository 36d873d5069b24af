// Bounds-checked reading of encoded bytes. Every read that would leave the bytes sets `failed` and returns zero, so a
// parser can read on and check once before it believes what it has read (and before it uses a count to allocate).
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace waltrail::wire {

struct Cursor {
    const char *at;
    const char *limit;
    bool failed = false;

    explicit Cursor(std::string_view bytes) : at(bytes.data()), limit(at + bytes.size()) {}

    size_t left() const { return static_cast<size_t>(limit - at); }
    bool at_end() const { return at == limit; }

    uint8_t byte() { return static_cast<uint8_t>(*take(1)); }

    template <typename T> T little_endian() {
        T value;
        std::memcpy(&value, take(sizeof value), sizeof value);
        return value;
    }

    uint64_t varint() {
        uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            uint8_t next = byte();
            if (shift == 63 && next > 1) break;
            value |= static_cast<uint64_t>(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
        return fail();
    }

    int64_t zigzag() {
        uint64_t value = varint();
        return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
    }

    std::string_view bytes(uint64_t count) {
        if (count > left()) {
            fail();
            return {};
        }
        return {take(count), static_cast<size_t>(count)};
    }

    std::string_view string() { return bytes(varint()); }

    uint64_t fail() {
        failed = true;
        at = limit;
        return 0;
    }

  private:
    const char *take(size_t count) {
        static constexpr char zeros[8] = {};
        if (count > left()) {
            fail();
            return zeros; // only reads of at most 8 bytes come here: bytes() has checked
        }
        const char *start = at;
        at += count;
        return start;
    }
};

inline bool bit(const char *bitmap, size_t index) {
    return (static_cast<uint8_t>(bitmap[index / 8]) >> (index % 8)) & 1;
}
inline void set_bit(char *bitmap, size_t index) {
    bitmap[index / 8] =
        static_cast<char>(static_cast<uint8_t>(bitmap[index / 8]) | 1u << (index % 8));
}
inline constexpr size_t bitmap_bytes(size_t bits) { return (bits + 7) / 8; }

} // namespace waltrail::wire
