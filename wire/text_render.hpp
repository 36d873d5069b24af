// Renders values as PostgreSQL's own text, as the output functions write it under TimeZone=UTC, DateStyle=ISO,
// extra_float_digits=1 and bytea_output=hex. Used for keys, and by json_render for what becomes a JSON string.
#pragma once

#include "wire/memory.hpp"
#include "wire/records.hpp"
#include "wire/types.hpp"

namespace waltrail::wire {

// What `value::text` gives: the output function's text, but `true` and `false` for a boolean, no trailing blanks for
// character(n), and always a netmask for inet.
void append_cast_text(Buffer &out, const Type &type, std::string_view bytes);

// The output function's text: `t` and `f`, arrays as `{…}`, composites as `(…)`.
void append_output_text(Buffer &out, const Type &type, std::string_view bytes);

// ISO 8601 as the JSON functions write it: 'T' between date and time, offset with minutes. Only for date, timestamp and
// timestamptz.
void append_json_datetime(Buffer &out, Kind kind, std::string_view bytes);

// The value of changes.primary_key: the key's cast text, or ROW(a, b)::text for a composite key. False, with nothing
// appended, when the relation has no key, when a key column is absent or null, or when the text is longer than 255
// characters.
bool append_primary_key(Buffer &out, const Relation &relation, std::span<const Value> row);

} // namespace waltrail::wire
