// The application's context: what logical messages say about the changes that follow them in their transaction.
#pragma once

extern "C" {
#include "postgres.h"
}

#include "wire/memory.hpp"

#include <string_view>

namespace waltrail {

// Messages with another prefix are not ours.
bool is_context_prefix(std::string_view prefix);

// Appends the message's content as the text of a JSON object: as it is when it is one, {"_raw": "…"} otherwise, or
// {"_raw_bytes": "…"}, in bytea's escape format, where it is no text; {"_too_large": its bytes} when it has more than 1 MiB; nothing
// when it is empty, which ends the context. Allocates in the current memory context; needs a transaction.
void append_context(wire::Buffer &out, std::string_view content);

} // namespace waltrail
