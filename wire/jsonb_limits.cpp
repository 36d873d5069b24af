#include "wire/jsonb_limits.hpp"

#include <cstddef>
#include <cstdint>

namespace waltrail::wire {

namespace {

constexpr int nesting_max = 1000; // the server's limit is its stack: some 6,000 at its default size
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

// What the server makes of a number's digits (set_var_from_str() and make_result_opt_error() in numeric.c).
struct Number {
    int64_t digits_before_point = 0;
    int64_t digits_after_point = 0;
    int64_t zeros_before_first = 0; // digits before the first that is not zero
    bool is_zero = true;
    int64_t exponent = 0;

    void take_digit(char c, bool after_point) {
        (after_point ? digits_after_point : digits_before_point)++;
        if (c != '0') is_zero = false;
        if (is_zero) zeros_before_first++;
    }

    // numeric keeps groups of four digits; the number of the first group and the digits after the point have limits.
    bool fits_numeric() const {
        constexpr int64_t scale_max = 16383;
        constexpr int64_t digits_before_point_max = int64_t{32768} * 4;
        if (exponent >= exponent_max || exponent <= -exponent_max) return false;
        if (digits_after_point - exponent > scale_max) return false;
        return is_zero ||
               digits_before_point - zeros_before_first + exponent <= digits_before_point_max;
    }

    static constexpr int64_t exponent_max = INT32_MAX / 2;
};

// `at` is behind the letter of an exponent and moves behind its last digit.
int64_t read_exponent(std::string_view json, size_t &at) {
    bool negative = at < json.size() && json[at] == '-';
    if (at < json.size() && (json[at] == '-' || json[at] == '+')) at++;
    int64_t exponent = 0;
    for (; at < json.size() && is_digit(json[at]); at++)
        if (exponent < Number::exponent_max) exponent = exponent * 10 + (json[at] - '0');
    return negative ? -exponent : exponent;
}

// `at` is on the first character of the number and moves behind its last.
bool can_hold_number(std::string_view json, size_t &at) {
    Number number;
    bool after_point = false;
    if (json[at] == '-') at++;
    for (; at < json.size() && (is_digit(json[at]) || json[at] == '.'); at++) {
        if (json[at] == '.')
            after_point = true;
        else
            number.take_digit(json[at], after_point);
    }
    if (at < json.size() && (json[at] == 'e' || json[at] == 'E'))
        number.exponent = read_exponent(json, ++at);
    return number.fits_numeric();
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
