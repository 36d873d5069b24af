// What the entries of the relation cache were built from, besides their own relations: ancestors, composite types, types. One
// set for all entries: when one of its members changes, every entry is looked at again, which is rare enough.
#pragma once

extern "C" {
#include "postgres.h"

#include "utils/hsearch.h"
}

namespace waltrail {

class Dependencies {
  public:
    void start(MemoryContext context);
    void add_relation(Oid relation);
    void add_type(Oid type);
    bool on_relation(Oid relation) const;
    // By the hash value that a syscache callback is given.
    bool on_type(uint32 hash_value) const;
    // Whether there is a new member since the last call.
    bool take_growth();

  private:
    HTAB *members_ = nullptr;
    bool grown_ = false;

    bool has(uint64_t key) const;
    void add(uint64_t key);
};

} // namespace waltrail
