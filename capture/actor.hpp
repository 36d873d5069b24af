// Who makes the changes of this session, as the server knows it.
#pragma once

extern "C" {
#include "postgres.h"
}

#include <cstdint>
#include <string_view>

namespace waltrail {

struct ActorFields {
    std::string_view bytes; // of wire::append_actor(); valid until the next call
    uint32_t generation;    // another number when the bytes are others
};

// Needs a transaction.
ActorFields actor_fields();

// Once, before sessions begin: roles may be renamed.
void watch_actors();

} // namespace waltrail
