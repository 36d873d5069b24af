// What is recorded of a relation, and what of it leaves the source: the client's options, and what the source's own settings add
// to them. Asked once for each build of a relation's entry.
//
// tables     | exclude_tables | exclude_oids | changes of the table
// -----------+----------------+--------------+------------------------------------------------------------------
// any        | any            | contains it  | never sent; nor are transactions of nothing else
// matches    | does not match | no           | sent
// otherwise  |                | no           | left out; their transaction is still sent
//
// Patterns match a table by its own name and by the names of all partitioned tables it belongs to.
#pragma once

extern "C" {
#include "postgres.h"

#include "utils/relcache.h"
}

#include "options.hpp"
#include "pattern_list.hpp"

#include <span>

namespace waltrail {

class Dependencies;

// A relation and its partitioned ancestors, itself first, the topmost last; parallel spans.
struct Lineage {
    std::span<const Oid> oids{};
    std::span<const TableName> names{};
};

// In the current memory context. Registers the ancestors. Needs a transaction.
Lineage lineage_of(Relation relation, Dependencies &dependencies);

enum class Recording : uint8_t { sent, left_out, never };

class Selection {
  public:
    // Copies what it needs into `context`.
    void start(MemoryContext context, const Options &options);
    // Needs a transaction.
    Recording recording_of(const Lineage &lineage);

  private:
    MemoryContext context_ = nullptr;
    bool compiled_ = false;
    PatternList tables_{};
    PatternList exclude_tables_{};
    std::span<const Oid> exclude_oids_{};

    void compile();
};
static_assert(std::is_trivially_destructible_v<Selection>);

} // namespace waltrail
