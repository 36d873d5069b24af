// Text of the source that is not UTF-8 and cannot be made UTF-8: bytes of an SQL_ASCII database, whose encoding nobody knows, or
// a character without an equivalent. It travels as the byte 0xFF, which UTF-8 never has, and its bytes as they are stored.
//
// Shown, it is what encode(bytes, 'escape') writes, so that decode(value, 'escape') gives the bytes back: zero and each
// byte above 0x7F as \ooo (octal), a backslash twice. (PostgreSQL documentation, "Binary Data Types", bytea escape format)
#pragma once

#include "wire/memory.hpp"
#include "wire/types.hpp"

#include <string_view>

namespace waltrail::wire {

inline constexpr char raw_text_mark = '\xFF';

inline bool is_raw_text(std::string_view text) {
    return !text.empty() && text.front() == raw_text_mark;
}

inline std::string_view bytes_of_raw_text(std::string_view text) {
    return slice(text, 1, text.size() - 1);
}

// For Relation::raw_names.
bool has_raw_names(const Relation &relation);

// Appends the text as it is shown: UTF-8 as it is, raw text escaped. Returns whether it was escaped.
bool append_shown_text(Buffer &out, std::string_view text);

// Appends any bytes in the escape format.
void append_escaped_bytes(Buffer &out, std::string_view bytes);

} // namespace waltrail::wire
