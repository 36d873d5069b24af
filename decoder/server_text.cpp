#include "server_text.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
}

#include "context_memory.hpp"

#include "wire/raw_text.hpp"

#include <algorithm>

namespace waltrail {

namespace {

constexpr size_t conversion_piece_bytes =
    65536; // of input; each byte may become MAX_CONVERSION_GROWTH

// False where the text has a character without an equivalent. The conversion stops before it, and before an incomplete
// character at the end of a piece.
bool append_converted(wire::Buffer &out, Oid conversion, std::string_view text) {
    while (!text.empty()) {
        size_t piece = std::min(text.size(), conversion_piece_bytes);
        size_t room = (piece + 1) * MAX_CONVERSION_GROWTH + 1;
        out.reserve(room);
        auto *source = reinterpret_cast<unsigned char *>(const_cast<char *>(text.data()));
        auto *target = reinterpret_cast<unsigned char *>(out.end());
        int taken = pg_do_encoding_conversion_buf(conversion, GetDatabaseEncoding(), PG_UTF8,
                                                  source, static_cast<int>(piece), target,
                                                  static_cast<int>(room), true);
        if (taken <= 0) return false;
        out.size += std::strlen(out.end());
        text.remove_prefix(static_cast<size_t>(taken));
    }
    return true;
}

} // namespace

bool is_utf8(std::string_view text) {
    // In pieces, because the server counts in int; a character that a piece cuts is left to the next one.
    constexpr size_t piece_bytes = size_t{1} << 30;
    while (!text.empty()) {
        size_t piece = std::min(text.size(), piece_bytes);
        auto valid = static_cast<size_t>(
            pg_encoding_verifymbstr(PG_UTF8, text.data(), static_cast<int>(piece)));
        bool at_cut = piece < text.size() && valid + 3 >= piece;
        if (valid < piece && !at_cut) return false;
        text.remove_prefix(valid);
    }
    return true;
}

std::string_view raw_text(std::string_view bytes) {
    wire::Buffer raw = buffer_in(CurrentMemoryContext);
    raw.reserve(bytes.size() + 1);
    raw.append_byte(static_cast<uint8_t>(wire::raw_text_mark));
    raw.append(bytes);
    return raw.view();
}

bool text_needs_conversion() {
    int encoding = GetDatabaseEncoding();
    return encoding != PG_UTF8;
}

std::string_view text_to_utf8(std::string_view bytes) {
    if (!text_needs_conversion() || bytes.empty()) return bytes;
    if (GetDatabaseEncoding() == PG_SQL_ASCII) return is_utf8(bytes) ? bytes : raw_text(bytes);
    Oid conversion = FindDefaultConversionProc(GetDatabaseEncoding(), PG_UTF8);
    if (!OidIsValid(conversion)) return raw_text(bytes);
    wire::Buffer converted = buffer_in(CurrentMemoryContext);
    return append_converted(converted, conversion, bytes) ? converted.view() : raw_text(bytes);
}

std::string_view utf8_to_server(std::string_view utf8) {
    if (!text_needs_conversion() || GetDatabaseEncoding() == PG_SQL_ASCII) return utf8;
    char *converted = pg_any_to_server(utf8.data(), static_cast<int>(utf8.size()), PG_UTF8);
    if (converted == utf8.data()) return utf8;
    return {converted, std::strlen(converted)};
}

} // namespace waltrail
