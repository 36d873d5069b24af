#include "transaction_context.hpp"

extern "C" {
#include "replication/origin.h"
}

#include "context_memory.hpp"
#include "server_text.hpp"

#include "wire/capture_message.hpp"
#include "wire/json_render.hpp"
#include "wire/marks.hpp"
#include "wire/raw_text.hpp"

#include <array>

namespace waltrail {

namespace {

std::array<wire::Buffer *, 8> buffers_of(TransactionContext &context) {
    return {&context.message.object,    &context.message.claimed, &context.statement.object,
            &context.statement.claimed, &context.actor,           &context.application_name,
            &context.claimed_actor,     &context.origin};
}

void begin_member(wire::Buffer &out, std::string_view name) {
    if (out.data[out.size - 1] != '{') out.append_byte(',');
    append_json_string(out, name);
    out.append_byte(':');
}

void append_member(wire::Buffer &out, std::string_view name, std::string_view json) {
    if (json.empty()) return;
    begin_member(out, name);
    out.append(json);
}

// Names of roles are the whole server's: they may be in the encoding of another database.
void append_name(wire::Buffer &out, std::string_view text) {
    std::string_view utf8 = text_to_utf8(text);
    append_json_string(out, is_utf8(utf8) || wire::is_raw_text(utf8) ? utf8 : raw_text(text));
}

void append_text_member(wire::Buffer &out, std::string_view name, std::string_view text) {
    if (text.empty()) return;
    begin_member(out, name);
    append_name(out, text);
}

void append_actor_object(wire::Buffer &out, const wire::Actor &actor) {
    out.append_byte('{');
    append_text_member(out, "session_user", actor.session_user);
    append_text_member(out, "current_user", actor.current_user);
    append_text_member(out, "authenticated_user", actor.authenticated_user);
    append_text_member(out, "system_user", actor.system_user);
    append_text_member(out, "client_addr", actor.client_addr);
    out.append_byte('}');
}

// Of nobody: whose actor is left out from here on.
void take_actor(TransactionContext &context, const wire::Actor &actor, bool is_nobodys) {
    context.claimed_actor.clear();
    context.actor.clear();
    context.application_name.clear();
    if (!is_nobodys) append_actor_object(context.actor, actor);
    if (!actor.application_name.empty())
        append_name(context.application_name, actor.application_name);
}

void claim_actor(TransactionContext &context, const wire::Actor &actor) {
    context.claimed_actor.clear();
    append_actor_object(context.claimed_actor, actor);
}

const ContextText &text_in_force(const TransactionContext &context) {
    return context.statement.object.size != 0 ? context.statement : context.message;
}

void append_claimed(wire::Buffer &out, const TransactionContext &context,
                    std::string_view reserved) {
    size_t start = out.size;
    begin_member(out, "claimed");
    out.append_byte('{');
    size_t empty = out.size;
    append_member(out, "application_name", context.application_name.view());
    append_member(out, "actor", context.claimed_actor.view());
    append_member(out, wire::reserved_member, reserved);
    if (out.size == empty)
        out.size = start;
    else
        out.append_byte('}');
}

// Without the braces of the object, and the white space around them.
std::string_view members_of(std::string_view object) {
    size_t start = object.find('{'), end = object.rfind('}');
    if (start == object.npos || end <= start) return {};
    std::string_view members = wire::slice(object, start + 1, end - start - 1);
    bool is_blank = members.find_first_not_of(" \t\n\r") == members.npos;
    return is_blank ? std::string_view() : members;
}

} // namespace

TransactionContext make_transaction_context(MemoryContext memory) {
    TransactionContext context;
    for (wire::Buffer *buffer : buffers_of(context)) *buffer = buffer_in(memory);
    return context;
}

void reset(TransactionContext &context, size_t kept_bytes_max) {
    for (wire::Buffer *buffer : buffers_of(context)) {
        buffer->clear();
        if (buffer->capacity > kept_bytes_max) buffer->release();
    }
}

// An origin that is gone since has no name any more: its number.
void set_origin(TransactionContext &context, RepOriginId origin) {
    char *name = nullptr;
    if (!replorigin_by_oid(origin, true, &name)) name = psprintf("%u", origin);
    context.origin.clear();
    append_name(context.origin, name);
}

void take_capture(TransactionContext &context, std::string_view content, bool is_sealed) {
    wire::CaptureMessage message;
    wire::Actor actor;
    if (!parse_capture_message(content, message) ||
        (message.has_actor && !parse_actor(message.actor, actor)))
        return set_context(context.message, content);
    if (message.has_actor && is_sealed) take_actor(context, actor, message.actor.empty());
    if (message.has_actor && !is_sealed) claim_actor(context, actor);
    if (message.has_context)
        set_context(is_sealed ? context.statement : context.message, message.context);
}

void append_context(wire::Buffer &out, const TransactionContext &context) {
    const ContextText &text = text_in_force(context);
    size_t start = out.size;
    out.append(wire::reserved_start);
    size_t empty = out.size;
    append_member(out, "actor", context.actor.view());
    append_claimed(out, context, text.claimed.view());
    append_member(out, "origin", context.origin.view());
    if (out.size == empty) {
        out.size = start;
        return out.append(text.object.view());
    }
    out.append_byte('}');
    std::string_view members = members_of(text.object.view());
    if (!members.empty()) out.append_byte(',');
    out.append(members);
    out.append_byte('}');
}

} // namespace waltrail
