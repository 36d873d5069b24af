// What the plugin knows of a relation: its description on the wire and how to read its columns.
#pragma once

extern "C" {
#include "postgres.h"

#include "utils/relcache.h"
}

#include "dependencies.hpp"
#include "type_description.hpp"

#include "wire/types.hpp"

#include <span>

namespace waltrail {

// How a column of the wire's relation is read; parallel to wire::Relation::columns.
struct ColumnReader {
    uint16_t attribute = 0; // in the tuple descriptor, from 0
    bool by_value = false;
    int16 length = 0;
    TypeDescription type{};
};

struct RelationDescription {
    wire::Relation relation{};
    std::span<const ColumnReader> columns{};
    bool uses_settings = false; // a column's text depends on settings
    bool guarded = false;       // a column may_need_guard()
};

// Whether changes of the relation belong in the trail: ordinary tables outside the system schemas, and partitioned tables,
// which TRUNCATE names.
bool is_recorded(Relation relation);

// Describes it in the current memory context, which must live as long as the description.
RelationDescription describe_relation(Relation relation, uint32_t number,
                                      Dependencies &dependencies);

} // namespace waltrail
