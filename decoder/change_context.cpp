#include "change_context.hpp"

extern "C" {
#include "mb/pg_wchar.h"
}

#include "compat.hpp"
#include "server_text.hpp"

#include "wire/decimal.hpp"
#include "wire/json_render.hpp"
#include "wire/jsonb_limits.hpp"

namespace waltrail {

namespace {

// It is stored with every row of its transaction, and any role may emit a message.
constexpr size_t context_bytes_max = size_t{1} << 20;

void append_too_large(wire::Buffer &out, size_t bytes) {
    char digits[wire::decimal_bytes_max];
    char *limit = digits + sizeof digits;
    const char *start = wire::write_decimal_before(limit, bytes);
    out.append("{\"_too_large\":");
    out.append(start, static_cast<size_t>(limit - start));
    out.append_byte('}');
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool starts_object(std::string_view text) {
    for (char c : text)
        if (!is_space(c)) return c == '{';
    return false;
}

// jsonb_can_hold() first: it refuses deep nesting without recursion, at which PostgreSQL's parser would raise an error
// (max_stack_depth) and end the stream for good, and any role may emit a message.
bool is_json_object(std::string_view text) {
    return starts_object(text) && wire::jsonb_can_hold(text) &&
           compat::is_json(const_cast<char *>(text.data()), static_cast<int>(text.size()), PG_UTF8);
}

} // namespace

bool is_context_prefix(std::string_view prefix) {
    return prefix == "waltrail" || prefix == "_bemi";
}

void append_context(wire::Buffer &out, std::string_view content) {
    if (content.empty()) return;
    if (content.size() > context_bytes_max) return append_too_large(out, content.size());
    std::string_view text = text_to_utf8(content);
    bool readable = is_utf8(text);
    if (readable && is_json_object(text)) return out.append(text);
    out.append(readable ? "{\"_raw\":" : "{\"_raw_bytes\":");
    append_json_string(out, readable ? text : raw_text(content));
    out.append_byte('}');
}

} // namespace waltrail
