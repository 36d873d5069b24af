#include "wire/jsonb_limits.hpp"

#include <cstddef>
#include <cstdint>

namespace waltrail::wire {

namespace {

constexpr int nesting_max = 1000; // the server's limit is its stack: some 6,000 at its default size
constexpr size_t number_digits_max =
    16000; // numeric keeps 131072 digits before the point and 16383 after it
constexpr size_t exponent_digits_max = 4;
constexpr size_t string_bytes_max = 0x0FFFFFFF; // JENTRY_OFFLENMASK

bool is_digit(char c) { return c >= '0' && c <= '9'; }

uint32_t hex4(std::string_view text, size_t at) {
    uint32_t value = 0;
    for (size_t i = at; i < at + 4 && i < text.size(); i++) {
        char c = text[i];
        uint32_t digit = static_cast<uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
        value = value << 4 | digit;
    }
    return value;
}

// `at` is behind the opening quote and moves behind the closing one.
bool can_hold_string(std::string_view json, size_t &at) {
    size_t start = at;
    bool high_surrogate = false; // the escape before was one
    for (; at < json.size() && json[at] != '"'; at++) {
        uint32_t code = 0;
        bool escape = json[at] == '\\' && ++at < json.size() && json[at] == 'u';
        if (escape) {
            code = hex4(json, at + 1);
            if (code == 0) return false;
            at += 4;
        }
        bool low_surrogate = code >= 0xDC00 && code <= 0xDFFF;
        if (high_surrogate != low_surrogate) return false;
        high_surrogate = code >= 0xD800 && code <= 0xDBFF;
    }
    return !high_surrogate && at++ - start <= string_bytes_max;
}

// `at` is on the first character of the number and moves behind its last.
bool can_hold_number(std::string_view json, size_t &at) {
    size_t digits = 0, exponent_digits = 0;
    bool in_exponent = false;
    for (; at < json.size(); at++) {
        char c = json[at];
        if (c == 'e' || c == 'E')
            in_exponent = true;
        else if (is_digit(c))
            (in_exponent ? exponent_digits : digits)++;
        else if (c != '-' && c != '+' && c != '.')
            break;
    }
    return digits <= number_digits_max && exponent_digits <= exponent_digits_max;
}

} // namespace

bool jsonb_can_hold(std::string_view json) {
    int depth = 0;
    for (size_t at = 0; at < json.size();) {
        char c = json[at];
        if (c == '"') {
            if (!can_hold_string(json, ++at)) return false;
        } else if (c == '-' || is_digit(c)) {
            if (!can_hold_number(json, at)) return false;
        } else {
            if (c == '{' || c == '[') depth++;
            if (c == '}' || c == ']') depth--;
            if (depth > nesting_max) return false;
            at++;
        }
    }
    return true;
}

} // namespace waltrail::wire
