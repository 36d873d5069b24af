// The key with which this server signs what it says of an actor: 32 random bytes in the file waltrail_actor.key of the data
// directory, which only the server's user may read. A physical copy of the server has it too, and so signs on as its original did
// after a failover.
#pragma once

extern "C" {
#include "postgres.h"
}

#include <cstdint>
#include <type_traits>

namespace waltrail {

struct ActorKey {
    static constexpr size_t size = 32;
    uint8_t bytes[size];
};
static_assert(std::is_trivially_destructible_v<ActorKey>);

enum class MissingKey { make, leave };

// The key, read once in a process: what the postmaster has read, its children have. Null where there is none, or none that could be
// trusted, which is said in the log. `make` writes one where there is no file; not to be asked of a standby, which
// would get a key that is not its primary's.
const ActorKey *actor_key(MissingKey missing);

} // namespace waltrail
