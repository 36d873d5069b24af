// What the plugin knows of a type: how it is described on the wire, and how its datums are read. Built once for each
// column when a relation's entry is built; afterwards no value needs a look-up in the catalogs.
#pragma once

extern "C" {
#include "postgres.h"

#include "access/tupdesc.h"
#include "fmgr.h"
}

#include "wire/types.hpp"

#include <span>

namespace waltrail {

class Dependencies;

// How a datum's bytes come about.
enum class Form : uint8_t {
    boolean,
    int2,
    int4,
    int8,
    float4,
    float8,
    numeric,
    date,
    time,
    timetz,
    timestamp,
    uuid,
    bytes,           // a varlena's bytes as they are
    text,            // a varlena's bytes, converted to UTF-8
    name,            // NameData, converted to UTF-8
    jsonb,           // its text, converted to UTF-8
    output_function, // what the output function writes, converted to UTF-8
    array,
    composite,
};

struct TypeDescription {
    wire::Type type{};
    Form form = Form::text;
    bool uses_settings = false; // its text depends on TimeZone, search_path …
    bool may_fail = false;      // its output function, or one inside, may raise an error
    bool expands = false;       // numbers inside may have 10,000 times as many digits as bytes
    bool by_value = false;
    char alignment = 0;
    int16 length = 0;
    FmgrInfo *output = nullptr;                // output_function
    const TypeDescription *element = nullptr;  // array
    TupleDesc row = nullptr;                   // composite: its attributes, dropped ones included
    std::span<const TypeDescription> fields{}; // composite: parallel to type.fields
    std::span<const uint16_t> field_attributes{}; // composite: where in `row` each field is, from 0
};

// Describes the type into the current memory context, which must live as long as the description. Registers what the
// description depends on. Needs a transaction.
TypeDescription describe_type(Oid type, Dependencies &dependencies, int depth = 0);

// Whether a huge value's text may be much longer than what is stored.
bool can_grow(const TypeDescription &type);

// Whether values of the type may have to be guarded (guarded_value.hpp).
bool may_need_guard(const TypeDescription &type);

// As format_type() writes it under an empty search_path, in UTF-8, in the current memory context.
std::string_view type_name(Oid type, int32 modifier);

} // namespace waltrail
