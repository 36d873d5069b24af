#include "numeric_text.hpp"

extern "C" {
#include "access/htup_details.h"
}

#include <cstring>

namespace waltrail {

namespace {

constexpr int group_digits = 4; // NBASE is 10000

// One header word for most numbers; two (scale and sign, weight) for those with many digits.
constexpr unsigned special_mask = 0xC000;
constexpr unsigned short_flag = 0x8000;
constexpr unsigned long_negative = 0x4000;
constexpr unsigned long_scale_mask = 0x3FFF;
constexpr unsigned short_negative = 0x2000;
constexpr unsigned short_scale_mask = 0x1F80;
constexpr unsigned short_scale_shift = 7;
constexpr unsigned short_weight_sign = 0x0040;
constexpr unsigned short_weight_mask = 0x003F;
constexpr unsigned not_a_number = 0xC000;
constexpr unsigned positive_infinity = 0xD000;

struct Digits {
    const char *bytes; // 16-bit groups, not aligned
    int groups;
    int weight; // of the first group, in groups before the decimal point less one
    int scale;  // digits after the decimal point
    bool negative;

    unsigned group(int index) const {
        if (index < 0 || index >= groups) return 0;
        uint16_t value;
        std::memcpy(&value, bytes + index * 2, sizeof value);
        return value;
    }
};

Digits read_digits(const char *bytes, size_t count, unsigned header) {
    Digits digits;
    size_t skipped = 2;
    if ((header & short_flag) != 0) {
        digits.negative = (header & short_negative) != 0;
        digits.scale = static_cast<int>((header & short_scale_mask) >> short_scale_shift);
        digits.weight = static_cast<int>(header & short_weight_mask);
        if ((header & short_weight_sign) != 0) digits.weight -= short_weight_mask + 1;
    } else {
        int16_t weight;
        std::memcpy(&weight, bytes + 2, sizeof weight);
        digits.negative = (header & special_mask) == long_negative;
        digits.scale = static_cast<int>(header & long_scale_mask);
        digits.weight = weight;
        skipped = 4;
    }
    digits.bytes = bytes + skipped;
    digits.groups = static_cast<int>((count - skipped) / 2);
    return digits;
}

char *write_group(char *at, unsigned group) {
    at[0] = static_cast<char>('0' + group / 1000);
    at[1] = static_cast<char>('0' + group / 100 % 10);
    at[2] = static_cast<char>('0' + group / 10 % 10);
    at[3] = static_cast<char>('0' + group % 10);
    return at + group_digits;
}

int digits_in(unsigned group) { return group >= 1000 ? 4 : group >= 100 ? 3 : group >= 10 ? 2 : 1; }

} // namespace

void append_numeric_text(wire::Buffer &out, const varlena *plain) {
    const char *bytes = VARDATA_ANY(plain);
    uint16_t header;
    std::memcpy(&header, bytes, sizeof header);
    if ((header & special_mask) == special_mask) {
        unsigned value = header & 0xF000u;
        return out.append_string(value == not_a_number        ? "NaN"
                                 : value == positive_infinity ? "Infinity"
                                                              : "-Infinity");
    }
    Digits digits = read_digits(bytes, VARSIZE_ANY_EXHDR(plain), header);
    int first_digits = digits.weight < 0 ? 1 : digits_in(digits.group(0));
    int whole_digits = first_digits + (digits.weight > 0 ? digits.weight * group_digits : 0);
    int fraction_bytes = digits.scale > 0 ? digits.scale + 1 : 0;
    auto length = static_cast<size_t>((digits.negative ? 1 : 0) + whole_digits + fraction_bytes);
    out.append_varint(length);
    out.reserve(length + group_digits); // the last group may be written past the scale
    char *start = out.end();
    char *at = start;
    if (digits.negative) *at++ = '-';
    char first[group_digits];
    write_group(first, digits.weight < 0 ? 0 : digits.group(0));
    std::memcpy(at, first + group_digits - first_digits, static_cast<size_t>(first_digits));
    at += first_digits;
    for (int i = 1; i <= digits.weight; i++) at = write_group(at, digits.group(i));
    if (digits.scale > 0) *at++ = '.';
    int next = digits.weight + 1;
    for (int written = 0; written < digits.scale; written += group_digits)
        at = write_group(at, digits.group(next++));
    out.size += length;
}

} // namespace waltrail
