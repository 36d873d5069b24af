#include "capture/actor_signature.hpp"

extern "C" {
#include "common/hmac.h"
#include "common/sha2.h"
}

#include <cstring>

namespace waltrail {

namespace {

// Keys are used for nothing else, but may be once: what is signed says what it is.
constexpr std::string_view purpose = "waltrail actor 1";

bool update(pg_hmac_ctx *hmac, const void *bytes, size_t size) {
    return pg_hmac_update(hmac, static_cast<const uint8 *>(bytes), size) == 0;
}

} // namespace

// An error between creation and release leaves the context to the resource owner.
wire::SignedActor::Signature sign_actor(const wire::SignedActor &actor, const ActorKey &key) {
    uint8_t digest[PG_SHA256_DIGEST_LENGTH];
    pg_hmac_ctx *hmac = pg_hmac_create(PG_SHA256);
    if (hmac == nullptr || pg_hmac_init(hmac, key.bytes, sizeof key.bytes) < 0 ||
        !update(hmac, purpose.data(), purpose.size()) ||
        !update(hmac, &actor.xid, sizeof actor.xid) ||
        !update(hmac, &actor.counter, sizeof actor.counter) ||
        !update(hmac, actor.fields.data(), actor.fields.size()) ||
        pg_hmac_final(hmac, digest, sizeof digest) < 0)
        elog(ERROR, "could not sign an actor: %s", pg_hmac_error(hmac));
    pg_hmac_free(hmac);
    wire::SignedActor::Signature signature;
    static_assert(sizeof signature <= sizeof digest);
    std::memcpy(signature.data(), digest, signature.size());
    return signature;
}

bool is_signed(const wire::SignedActor &actor, const ActorKey &key) {
    wire::SignedActor::Signature expected = sign_actor(actor, key);
    uint8_t difference = 0;
    for (size_t i = 0; i < expected.size(); i++) difference |= expected[i] ^ actor.signature[i];
    return difference == 0;
}

} // namespace waltrail
