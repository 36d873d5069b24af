// Whether an actor in the WAL was written by this server's library, there and then, or by somebody who emitted a logical message of
// the same bytes: the first 16 bytes of HMAC-SHA-256 (RFC 2104, FIPS 180-4) with the server's key over the transaction's id, the
// counter and the fields. Whoever reads the WAL may write such a message again, but
//
//   in another transaction     its id is another
//   after the same one         the counter must grow
//   after a savepoint was      before the next change there is a genuine one with a greater counter, unless nothing has changed
//   rolled back with it        since (ActorFields::generation only grows), and then it says what is true
#pragma once

#include "capture/actor_key.hpp"

#include "wire/capture_message.hpp"

namespace waltrail {

// Of actor.xid, actor.counter and actor.fields. An ERROR where the server's cryptography fails.
wire::SignedActor::Signature sign_actor(const wire::SignedActor &actor, const ActorKey &key);

// In a time that does not depend on where they differ.
bool is_signed(const wire::SignedActor &actor, const ActorKey &key);

} // namespace waltrail
