// Text between the encoding of the database and UTF-8, which is what travels.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "wire/memory.hpp"

#include <string_view>

namespace waltrail {

// `bytes` in UTF-8: the same bytes where they are that already, otherwise converted into the current memory context. Text that
// has no equivalent in UTF-8, or that an SQL_ASCII database holds in an encoding nobody knows, becomes raw text
// (wire/raw_text.hpp): an error would end the stream for good. Needs a transaction.
std::string_view text_to_utf8(std::string_view bytes);

// Whether text_to_utf8() has anything to do in this database.
bool text_needs_conversion();

bool is_utf8(std::string_view text);

// The bytes as raw text, in the current memory context.
std::string_view raw_text(std::string_view bytes);

// UTF-8 in the encoding of the database, for what leaves as text. An error where it has no equivalent.
std::string_view utf8_to_server(std::string_view utf8);

} // namespace waltrail
