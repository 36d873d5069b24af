#include "dependencies.hpp"

extern "C" {
#include "utils/syscache.h"
}

#include <type_traits>

namespace waltrail {

static_assert(std::is_trivially_destructible_v<Dependencies>);

namespace {

constexpr uint64_t type_flag = uint64_t{1} << 32; // relations are kept by OID, types by hash value

} // namespace

void Dependencies::start(MemoryContext context) {
    HASHCTL control{};
    control.keysize = sizeof(uint64_t);
    control.entrysize = sizeof(uint64_t);
    control.hcxt = context;
    members_ =
        hash_create("waltrail dependencies", 128, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

bool Dependencies::has(uint64_t key) const {
    return hash_search(members_, &key, HASH_FIND, nullptr) != nullptr;
}

void Dependencies::add(uint64_t key) {
    bool found;
    hash_search(members_, &key, HASH_ENTER, &found);
    if (!found) grown_ = true;
}

void Dependencies::add_relation(Oid relation) { add(relation); }

void Dependencies::add_type(Oid type) {
    add(type_flag | GetSysCacheHashValue1(TYPEOID, ObjectIdGetDatum(type)));
}

bool Dependencies::on_relation(Oid relation) const { return has(relation); }

bool Dependencies::on_type(uint32 hash_value) const { return has(type_flag | hash_value); }

bool Dependencies::take_growth() {
    bool grown = grown_;
    grown_ = false;
    return grown;
}

} // namespace waltrail
