// Renders values as the JSON that to_jsonb(row) gives on the source under TimeZone=UTC, DateStyle=ISO, extra_float_digits=1
// and bytea_output=hex (up to white space and the order of keys, which jsonb does not keep). Values must have passed
// parse_value(): nested bytes are not checked again.
//
// What jsonb cannot hold becomes a JSON string of its text; the functions return which kinds of that they met.
#pragma once

#include "wire/marks.hpp"
#include "wire/memory.hpp"
#include "wire/records.hpp"
#include "wire/types.hpp"

namespace waltrail::wire {

// `"name":`, escaped; what Column::json_name and Field::json_name hold.
std::string_view json_name(std::string_view name, Arena &arena);

// Text as a JSON string, quotes included. The text must be UTF-8, or raw text (raw_text.hpp), which is escaped.
Marks append_json_string(Buffer &out, std::string_view text);

// One value that is present; `bytes` as in Value::bytes.
[[nodiscard]] Marks append_json_value(Buffer &out, const Type &type, std::string_view bytes);

// A row as a JSON object: absent columns are left out, nulls are null. With the marks of all its values.
[[nodiscard]] Marks append_json_row(Buffer &out, const Relation &relation,
                                    std::span<const Value> row);
// The same in Relation::jsonb_order: the server need not sort what it stores as jsonb.
[[nodiscard]] Marks append_jsonb_row(Buffer &out, const Relation &relation,
                                     std::span<const Value> row);

} // namespace waltrail::wire
