// The application's context as a JSON object: what a logical message, a comment or a setting says.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "wire/memory.hpp"

#include <cstddef>
#include <string_view>

namespace waltrail {

// It is stored with every row of its transaction, and any role may give one.
inline constexpr size_t context_bytes_max = size_t{1} << 20;

// Messages with another prefix are no contexts.
bool is_context_prefix(std::string_view prefix);

// Whether a text is a JSON object that jsonb can hold.
bool is_json_object(std::string_view text);

// One context: its object without the member that is reserved for waltrail, and the value that it had for that member.
struct ContextText {
    wire::Buffer object{};  // empty: no context
    wire::Buffer claimed{}; // empty: none
};

// Takes the content of a message: as it is when it is a JSON object, {"_raw": "…"} otherwise, or {"_raw_bytes": "…"}, in bytea's
// escape format, where it is no text; {"_too_large": its bytes} when it has more than 1 MiB; nothing when it is empty, which
// ends the context. Allocates in the current memory context; needs a transaction.
void set_context(ContextText &context, std::string_view content);

} // namespace waltrail
