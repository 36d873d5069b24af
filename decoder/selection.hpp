// What is recorded of a relation, and what of it leaves the source: the client's options, and what the source's own settings add
// to them. Asked once for each build of a relation's entry.
//
// tables     | exclude_tables | exclude_oids | changes of the table
// -----------+----------------+--------------+------------------------------------------------------------------
// any        | any            | contains it  | never sent; nor are transactions of nothing else
// matches    | does not match | no           | sent
// otherwise  |                | no           | left out; their transaction is still sent
//
// ignore_columns, exclude_columns and mask_columns say it of columns: see ColumnTreatment. What the source's settings exclude or
// mask is added to what the client asks.
//
// Patterns match a table, and its columns, by its own name and by the names of all partitioned tables it belongs to.
#pragma once

extern "C" {
#include "postgres.h"

#include "utils/relcache.h"
}

#include "mask_key.hpp"
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

struct ColumnTreatment {
    bool ignored = false;          // an UPDATE that changes nothing else is left out
    bool excluded = false;         // for the reader, the column does not exist
    const MaskKey *mask = nullptr; // what travels is the value's mask under this key
};

class Selection {
  public:
    // Copies what it needs into `context`. Reads the mask key where columns are to be masked. An ERROR where a setting of the
    // source is not well formed or the key cannot be had.
    void start(MemoryContext context, const Options &options);
    Recording recording_of(const Lineage &lineage) const;
    // What is excluded is not masked.
    ColumnTreatment treatment_of(const Lineage &lineage, const ServerName &column) const;

  private:
    PatternList tables_{};
    PatternList exclude_tables_{};
    std::span<const Oid> exclude_oids_{};
    PatternList ignore_columns_{};
    PatternList exclude_columns_{};
    PatternList mask_columns_{};
    const MaskKey *mask_key_ = nullptr;
};
static_assert(std::is_trivially_destructible_v<Selection>);

} // namespace waltrail
