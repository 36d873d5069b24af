// The deterministic UUIDv7 of a change; docs/wire_format.md, "Identity of a change".
#pragma once

#include "wire/types.hpp"

#include <array>

namespace waltrail::wire {

using Uuid = std::array<uint8_t, 16>;

Uuid change_id(const Source &source, const Transaction &transaction, uint64_t sequence);

// 36 characters, not terminated.
void write_uuid_text(char *out, const Uuid &uuid);

} // namespace waltrail::wire
