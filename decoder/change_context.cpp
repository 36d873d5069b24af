#include "change_context.hpp"

extern "C" {
#include "mb/pg_wchar.h"
}

#include "compat.hpp"
#include "server_text.hpp"

#include "wire/json_render.hpp"
#include "wire/jsonb_limits.hpp"

namespace waltrail {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool starts_object(std::string_view text) {
    for (char c : text)
        if (!is_space(c)) return c == '{';
    return false;
}

bool is_utf8(std::string_view text) {
    return pg_encoding_verifymbstr(PG_UTF8, text.data(), static_cast<int>(text.size())) ==
           static_cast<int>(text.size());
}

// jsonb_can_hold() first: it refuses deep nesting without recursion, at which PostgreSQL's parser would raise an error
// (max_stack_depth) and end the stream for good, and any role may emit a message.
bool is_json_object(std::string_view text) {
    return starts_object(text) && wire::jsonb_can_hold(text) &&
           compat::is_json(const_cast<char *>(text.data()), static_cast<int>(text.size()), PG_UTF8);
}

// Bytes that are no text, as bytea writes them.
void append_hex(wire::Buffer &out, std::string_view bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    out.append("\"\\\\x");
    for (char byte : bytes) {
        out.append_byte(static_cast<uint8_t>(digits[static_cast<uint8_t>(byte) >> 4]));
        out.append_byte(static_cast<uint8_t>(digits[byte & 0x0F]));
    }
    out.append_byte('"');
}

} // namespace

bool is_context_prefix(std::string_view prefix) {
    return prefix == "waltrail" || prefix == "_bemi";
}

void append_context(wire::Buffer &out, std::string_view content) {
    if (content.empty()) return;
    std::string_view text = text_to_utf8(content);
    bool readable = is_utf8(text);
    if (readable && is_json_object(text)) return out.append(text);
    out.append("{\"_raw\":");
    if (readable)
        append_json_string(out, text);
    else
        append_hex(out, content);
    out.append_byte('}');
}

} // namespace waltrail
