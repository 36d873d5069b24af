#include "change_context.hpp"

extern "C" {
#include "mb/pg_wchar.h"
}

#include "compat.hpp"
#include "server_text.hpp"

#include "wire/decimal.hpp"
#include "wire/json_members.hpp"
#include "wire/json_render.hpp"
#include "wire/jsonb_limits.hpp"
#include "wire/marks.hpp"

namespace waltrail {

namespace {

void append_too_large(wire::Buffer &out, size_t bytes) {
    char digits[wire::decimal_bytes_max];
    char *limit = digits + sizeof digits;
    const char *start = wire::write_decimal_before(limit, bytes);
    out.append("{\"_too_large\":");
    out.append(start, static_cast<size_t>(limit - start));
    out.append_byte('}');
}

bool starts_object(std::string_view text) {
    for (char c : text)
        if (!wire::is_json_space(c)) return c == '{';
    return false;
}

// Cheap, and true for nearly no context that does not claim it: its name is there, or may be there with an escape.
bool may_claim(std::string_view object) {
    return object.find(wire::reserved_member) != object.npos || object.find("\\u") != object.npos;
}

// Of several, jsonb would keep the last.
std::string_view claimed_value(std::string_view object) {
    std::string_view claimed;
    wire::JsonMembers members(object);
    for (wire::JsonMember member; members.next(member);)
        if (wire::is_member_name(member.name, wire::reserved_member)) claimed = member.value;
    return claimed;
}

void append_unclaimed(wire::Buffer &out, std::string_view object) {
    out.append_byte('{');
    size_t start = out.size;
    wire::JsonMembers members(object);
    for (wire::JsonMember member; members.next(member);) {
        if (wire::is_member_name(member.name, wire::reserved_member)) continue;
        if (out.size > start) out.append_byte(',');
        out.append(member.text);
    }
    out.append_byte('}');
}

void set_object(ContextText &context, std::string_view object) {
    if (may_claim(object)) context.claimed.append(claimed_value(object));
    if (context.claimed.size == 0)
        context.object.append(object);
    else
        append_unclaimed(context.object, object);
}

} // namespace

// jsonb_can_hold() first: it refuses deep nesting without recursion, at which PostgreSQL's parser would raise an error
// (max_stack_depth) and end the stream for good, and any role may emit a message.
bool is_json_object(std::string_view text) {
    return starts_object(text) && wire::jsonb_can_hold(text) &&
           compat::is_json(const_cast<char *>(text.data()), static_cast<int>(text.size()), PG_UTF8);
}

bool is_context_prefix(std::string_view prefix) {
    return prefix == "waltrail" || prefix == "_bemi";
}

void set_context(ContextText &context, std::string_view content) {
    context.object.clear();
    context.claimed.clear();
    if (content.empty()) return;
    wire::Buffer &out = context.object;
    if (content.size() > context_bytes_max) return append_too_large(out, content.size());
    std::string_view text = text_to_utf8(content);
    bool readable = is_utf8(text);
    if (readable && is_json_object(text)) return set_object(context, text);
    out.append(readable ? "{\"_raw\":" : "{\"_raw_bytes\":");
    append_json_string(out, readable ? text : raw_text(content));
    out.append_byte('}');
}

} // namespace waltrail
