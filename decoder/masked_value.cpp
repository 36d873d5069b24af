#include "masked_value.hpp"

extern "C" {
#include "catalog/pg_type.h"
#include "common/hmac.h"
#include "common/sha2.h"
}

#include "context_memory.hpp"

#include "wire/text_render.hpp"

namespace waltrail {

constexpr wire::Type mask_type{.kind = wire::Kind::text, .oid = TEXTOID};

namespace {

constexpr std::string_view mask_prefix = "hmac-sha256:";

struct Digest {
    uint8_t bytes[PG_SHA256_DIGEST_LENGTH];
};

// An error between creation and release leaves the context to the resource owner.
Digest hmac_of(std::string_view text, const MaskKey &key) {
    Digest digest;
    pg_hmac_ctx *hmac = pg_hmac_create(PG_SHA256);
    if (hmac == nullptr || pg_hmac_init(hmac, key.bytes, key.size) < 0 ||
        pg_hmac_update(hmac, reinterpret_cast<const uint8 *>(text.data()), text.size()) < 0 ||
        pg_hmac_final(hmac, digest.bytes, sizeof digest.bytes) < 0)
        elog(ERROR, "could not compute a mask: %s", pg_hmac_error(hmac));
    pg_hmac_free(hmac);
    return digest;
}

} // namespace

void append_mask(wire::Buffer &out, std::string_view text, const MaskKey &key) {
    static constexpr char digits[] = "0123456789abcdef";
    Digest digest = hmac_of(text, key);
    out.append_varint(mask_prefix.size() + sizeof digest.bytes * 2);
    out.append(mask_prefix);
    for (uint8_t byte : digest.bytes) {
        out.append_byte(static_cast<uint8_t>(digits[byte >> 4]));
        out.append_byte(static_cast<uint8_t>(digits[byte & 0x0F]));
    }
}

void append_masked_value(ValueEncoder &encoder, wire::Buffer &out, const TypeDescription &type,
                         Datum value, const MaskKey &key) {
    wire::Buffer text = buffer_in(CurrentMemoryContext);
    append_cast_text(text, type.type, value_bytes(encoder, type, value));
    append_mask(out, text.view(), key);
    text.release();
}

} // namespace waltrail
