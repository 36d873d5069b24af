// Whether an actor in the WAL was written by this server's library, there and then, or by somebody who emitted a logical message of
// the same bytes: the first 16 bytes of HMAC-SHA-256 (RFC 2104, FIPS 180-4) with the server's key over the 64-bit id of the
// subtransaction, the counter and the fields. The reader checks besides that the subtransaction is one of the transaction's, and not
// rolled back, and that counters grow: so a message that was read in the WAL is worth nothing a second time.
#pragma once

#include "capture/actor_key.hpp"

#include "wire/capture_message.hpp"

namespace waltrail {

// Of actor.xid, actor.counter and actor.fields. An ERROR where the server's cryptography fails.
wire::SignedActor::Signature sign_actor(const wire::SignedActor &actor, const ActorKey &key);

// In a time that does not depend on where they differ.
bool is_signed(const wire::SignedActor &actor, const ActorKey &key);

} // namespace waltrail
