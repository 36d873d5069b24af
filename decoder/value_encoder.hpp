// Datums as the bytes of their kind (docs/wire_format.md, "values").
#pragma once

#include "type_description.hpp"

#include "wire/encoder.hpp"

extern "C" {
#include "lib/stringinfo.h"
}

namespace waltrail {

struct ValueEncoder {
    bool converts_text = false;  // text_needs_conversion()
    StringInfoData jsonb_text{}; // reused from value to value
};

ValueEncoder make_value_encoder(MemoryContext context);

// Appends any value that is not null.
void append_encoded_value(ValueEncoder &encoder, wire::Buffer &out, const TypeDescription &type,
                          Datum value);

// The bytes of any value that is not null, as wire::Value::bytes has them. In the current memory context, or the value's own.
std::string_view value_bytes(ValueEncoder &encoder, const TypeDescription &type, Datum value);

// Gives back the memory that a huge value has taken.
void shrink(ValueEncoder &encoder);

// Appends a column's value, which is not null. Detoasts and calls output functions in the current memory context. Long text
// leaves in fragments on the way.
void append_column_value(ValueEncoder &encoder, wire::FrameWriter &out, const TypeDescription &type,
                         Datum value);

} // namespace waltrail
