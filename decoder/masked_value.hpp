// Values that leave the source as masks only: `hmac-sha256:` and HMAC-SHA-256, in hexadecimal, of the value's text as
// `value::text` gives it under the settings of render_settings.hpp, in UTF-8, with the key of mask_key.hpp.
//
// Neither table, column nor type enters a mask, so that the same text has the same mask wherever it stands: a key and the
// columns that refer to it still join.
#pragma once

#include "mask_key.hpp"
#include "type_description.hpp"
#include "value_encoder.hpp"

#include "wire/memory.hpp"
#include "wire/types.hpp"

#include <string_view>

namespace waltrail {

// What a masked column travels as.
extern const wire::Type mask_type;

// Appends the mask of the text, as a value of mask_type.
void append_mask(wire::Buffer &out, std::string_view text, const MaskKey &key);

// Appends the mask of a value that is not null. Works in the current memory context.
void append_masked_value(ValueEncoder &encoder, wire::Buffer &out, const TypeDescription &type,
                         Datum value, const MaskKey &key);

} // namespace waltrail
