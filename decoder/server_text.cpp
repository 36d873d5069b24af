#include "server_text.hpp"

extern "C" {
#include "catalog/namespace.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
}

#include "context_memory.hpp"

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

bool text_needs_conversion() {
    int encoding = GetDatabaseEncoding();
    return encoding != PG_UTF8 && encoding != PG_SQL_ASCII;
}

std::string_view text_to_utf8(std::string_view bytes) {
    if (!text_needs_conversion() || bytes.empty()) return bytes;
    Oid conversion = FindDefaultConversionProc(GetDatabaseEncoding(), PG_UTF8);
    if (!OidIsValid(conversion)) return bytes;
    wire::Buffer converted = buffer_in(CurrentMemoryContext);
    return append_converted(converted, conversion, bytes) ? converted.view() : bytes;
}

std::string_view utf8_to_server(std::string_view utf8) {
    if (!text_needs_conversion()) return utf8;
    char *converted = pg_any_to_server(utf8.data(), static_cast<int>(utf8.size()), PG_UTF8);
    if (converted == utf8.data()) return utf8;
    return {converted, std::strlen(converted)};
}

} // namespace waltrail
