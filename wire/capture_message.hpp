// What the preloaded library writes into the WAL before a change, as the content of a transactional logical message: who makes
// the change, and the context that its statement came with (docs/wire_format.md, "Capture messages"). Written by capture/,
// read by decoder/. Any role can write the same content: what is genuine is sealed (capture/sealed_message.hpp).
#pragma once

#include "wire/memory.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace waltrail::wire {

inline constexpr char capture_prefix[] = "waltrail.capture";

// What the server knows of whoever makes a change, in the encoding of the database. Empty where there is nothing to say.
struct Actor {
    std::string_view session_user;
    std::string_view current_user;       // where it is not session_user
    std::string_view authenticated_user; // where it is not session_user
    std::string_view system_user;        // method:identity, as PostgreSQL 16 has it
    std::string_view client_addr;
    std::string_view application_name; // what the client says of itself
};

struct CaptureMessage {
    bool has_actor = false;
    bool has_context = false;
    std::string_view actor;   // of append_actor(); empty: of nobody, from here on
    std::string_view context; // empty ends the context of an earlier message
};

// Nobody can make an actor of more: it stands in every change behind it.
inline constexpr size_t actor_bytes_max = 2048;

void append_actor(Buffer &out, const Actor &actor);
// False where the bytes are no actor. No bytes at all are an actor of whom nothing is said.
[[nodiscard]] bool parse_actor(std::string_view fields, Actor &actor);

void append_capture_message(Buffer &out, const CaptureMessage &message);
// False where the bytes are no such message.
[[nodiscard]] bool parse_capture_message(std::string_view bytes, CaptureMessage &message);

} // namespace waltrail::wire
