#include "wire/capture_message.hpp"

#include "wire/cursor.hpp"

namespace waltrail::wire {

namespace {

constexpr uint8_t has_actor_flag = 0x01;
constexpr uint8_t has_context_flag = 0x02;
constexpr uint8_t known_flags = has_actor_flag | has_context_flag;

constexpr std::string_view Actor::*actor_fields[] = {
    &Actor::session_user, &Actor::current_user, &Actor::authenticated_user,
    &Actor::system_user,  &Actor::client_addr,  &Actor::application_name};

} // namespace

void append_actor(Buffer &out, const Actor &actor) {
    for (auto field : actor_fields) out.append_string(actor.*field);
}

bool parse_actor(std::string_view fields, Actor &actor) {
    if (fields.empty()) return true;
    if (fields.size() > actor_bytes_max) return false;
    Cursor in(fields);
    for (auto field : actor_fields) {
        actor.*field = in.string();
        if ((actor.*field).find('\0') != std::string_view::npos) return false;
    }
    return !in.failed && in.at_end();
}

void append_capture_message(Buffer &out, const CaptureMessage &message) {
    out.append_byte((message.has_actor ? has_actor_flag : 0) |
                    (message.has_context ? has_context_flag : 0));
    if (message.has_actor) out.append_string(message.actor);
    if (message.has_context) out.append(message.context);
}

bool parse_capture_message(std::string_view bytes, CaptureMessage &message) {
    Cursor in(bytes);
    uint8_t flags = in.byte();
    message.has_actor = (flags & has_actor_flag) != 0;
    message.has_context = (flags & has_context_flag) != 0;
    if (message.has_actor) message.actor = in.string();
    if (message.has_context) message.context = in.bytes(in.left());
    return !in.failed && in.at_end() && flags != 0 && (flags & ~known_flags) == 0;
}

} // namespace waltrail::wire
