// What the plugin knows of a relation: its description on the wire and how to read its columns.
#pragma once

extern "C" {
#include "postgres.h"

#include "utils/relcache.h"
}

#include "dependencies.hpp"
#include "mask_key.hpp"
#include "selection.hpp"
#include "type_description.hpp"

#include "wire/types.hpp"

#include <span>

namespace waltrail {

// A column as its tuples hold it, whether or not it is described.
struct StoredColumn {
    uint16_t attribute = 0; // in the tuple descriptor, from 0
    bool by_value = false;
    bool ignored = false; // by the option ignore_columns
    int16 length = 0;
};

// How a column of the wire's relation is read; parallel to wire::Relation::columns.
struct ColumnReader {
    StoredColumn stored{};
    TypeDescription type{};        // of the value; a masked one travels as text
    const MaskKey *mask = nullptr; // not null: what travels is the value's mask
};

struct RelationDescription {
    wire::Relation relation{};
    std::span<const ColumnReader> columns{};
    std::span<const StoredColumn>
        compared{};             // all columns, excluded ones too; empty where none is ignored
    bool uses_settings = false; // a column's text depends on settings
    bool guarded = false;       // a column may_need_guard()
};

// Whether changes of the relation belong in the trail: ordinary tables outside the system schemas, and partitioned tables,
// which TRUNCATE names.
bool is_recorded(Relation relation);

// Who says what becomes of a relation's columns.
struct ColumnChoice {
    const Selection &selection;
    const Lineage &lineage;
};

// Describes it in the current memory context, which must live as long as the description.
RelationDescription describe_relation(Relation relation, uint32_t number,
                                      const ColumnChoice &choice, Dependencies &dependencies);

} // namespace waltrail
