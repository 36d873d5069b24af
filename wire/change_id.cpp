#include "wire/change_id.hpp"

namespace waltrail::wire {

namespace {

constexpr uint64_t mask_62 = (uint64_t{1} << 62) - 1;
constexpr uint64_t unix_epoch_offset_us =
    uint64_t{946'684'800} * 1'000'000; // 2000-01-01 since 1970-01-01

// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
constexpr uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

constexpr uint64_t offset(const Source &source, Lsn commit_lsn) {
    uint64_t hash = mix(source.system_identifier + 0x9E3779B97F4A7C15u);
    hash = mix(hash ^ source.database_oid);
    return mix(hash ^ commit_lsn.value);
}

// One-to-one on 62 bits: each step (xor with a right shift, product with an odd number) can be undone.
constexpr uint64_t permute(uint64_t x) {
    x &= mask_62;
    x = (x ^ (x >> 31)) * 0xBF58476D1CE4E5B9u & mask_62;
    x = (x ^ (x >> 29)) * 0x94D049BB133111EBu & mask_62;
    return x ^ (x >> 31);
}

} // namespace

Uuid change_id(const Source &source, const Transaction &transaction, uint64_t sequence) {
    // A commit time is far from the limits of int64; should it not be, the sum wraps.
    auto us = static_cast<int64_t>(static_cast<uint64_t>(transaction.committed_at.microseconds) +
                                   unix_epoch_offset_us);
    int64_t in_ms = ((us % 1000) + 1000) % 1000;
    auto ms = static_cast<uint64_t>(us / 1000 - (us % 1000 < 0 ? 1 : 0));
    uint64_t rand_a = static_cast<uint64_t>(in_ms) * 4096 / 1000;
    uint64_t rand_b = permute(offset(source, transaction.commit_lsn) + sequence);

    uint64_t high = ms << 16 | uint64_t{0x7} << 12 | rand_a;
    uint64_t low = uint64_t{0b10} << 62 | rand_b;
    Uuid id;
    for (unsigned i = 0; i < 8; i++) {
        id[i] = static_cast<uint8_t>(high >> (56 - 8 * i));
        id[8 + i] = static_cast<uint8_t>(low >> (56 - 8 * i));
    }
    return id;
}

void write_uuid_text(char *out, const Uuid &uuid) {
    static constexpr char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < uuid.size(); i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) *out++ = '-';
        *out++ = digits[uuid[i] >> 4];
        *out++ = digits[uuid[i] & 0x0F];
    }
}

} // namespace waltrail::wire
