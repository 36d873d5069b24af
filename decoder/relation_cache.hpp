// Descriptions of the relations that changes were seen of, for the life of a decoding session.
//
// An invalidation only marks: it can arrive while an entry is in use. The next use rebuilds what is marked. One session
// is live in a process at a time; the callbacks, which PostgreSQL cannot unregister, find it through a static pointer that
// the deletion of its memory context resets, so that they tolerate a session that an error has ended.
#pragma once

extern "C" {
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/relcache.h"
}

#include "dependencies.hpp"
#include "relation_description.hpp"
#include "selection.hpp"

#include "wire/memory.hpp"
#include "wire/types.hpp"

#include <span>
#include <string_view>

namespace waltrail {

// A row while it is being encoded: datums by attribute, values by column.
struct RowSpace {
    std::span<Datum> datums{};
    std::span<bool> nulls{};
    std::span<wire::Value> values{};
    std::span<std::string_view>
        prepared{}; // encoded values by column, see guarded_value.hpp; empty without `guarded`
};

struct RelationEntry {
    Oid relation_oid; // the hash key, first
    uint32_t number;
    bool stale;
    bool recorded;         // false: its changes are not sent, and nothing below is set
    bool left_out;         // not recorded because of an option, see leave_out_change()
    bool described;        // this session has sent `description`
    uint64_t generation;   // of the cache, when it was built
    MemoryContext context; // all that follows, but `description`
    RelationDescription of;
    RowSpace old_row;
    RowSpace new_row;
    std::string_view description; // the relation record, to see whether a rebuilt entry differs
};
static_assert(std::is_trivially_destructible_v<RelationEntry>);

class RelationCache {
  public:
    // Makes this the process's live cache. It must lie in memory that lives as long as `context`.
    // `selection` says what is recorded and must live as long.
    void start(MemoryContext context, Selection &selection);
    // The entry of an open relation, built or rebuilt where necessary. Valid until the next call.
    RelationEntry &find(Relation relation);
    // Between transactions: forgets marked entries once there are many, so that a database that makes and drops tables
    // all day does not fill the memory.
    void sweep();
    // Whether, since the last call, something changed that descriptions depend on without a lock on their tables, or such a
    // dependency became known: what the catalog caches hold of it may then be too new for a transaction that was already
    // open (see begin_transaction()).
    bool take_shift();

    void mark_relation(Oid relation);
    void mark_type(uint32 hash_value);
    void mark_all();
    void mark_enums() { shifted_ = true; }

  private:
    MemoryContext context_ = nullptr;
    HTAB *entries_ = nullptr;
    RelationEntry *latest_ = nullptr;
    Selection *selection_ = nullptr;
    MemoryContext judging_ = nullptr; // what is only needed to build an entry
    Dependencies dependencies_{};
    uint64_t generation_ = 1;
    uint64_t marked_ = 0;
    bool shifted_ = false;
    uint32_t numbers_ = 0;
    wire::Buffer
        free_numbers_{}; // of forgotten entries, four bytes each; a description under an old number replaces it

    bool is_current(const RelationEntry &entry) const;
    uint32_t next_number();
    void forget(RelationEntry &entry);
    void build(RelationEntry &entry, Relation relation);
    void describe(RelationEntry &entry, Relation relation, const Lineage &lineage);
    void keep_description(RelationEntry &entry);
};
static_assert(std::is_trivially_destructible_v<RelationCache>);

} // namespace waltrail
