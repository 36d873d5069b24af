// What a row's JSON does not say by itself: that a value stands there as a text from which it can be made again, because jsonb
// cannot hold it. Such a change says so in its context, under a member that is ours (docs/values.md, "Marks").
#pragma once

#include "wire/memory.hpp"
#include "wire/records.hpp"

#include <cstdint>
#include <string_view>

namespace waltrail::wire {

// A set of flags. What becomes of a part of an array or a composite becomes of every part of that kind in it.
using Marks = uint8_t;
// A json value that jsonb cannot hold, as a JSON string of its text.
inline constexpr Marks mark_json_as_text = 0x01;
// Text that is not UTF-8, in bytea's escape format.
inline constexpr Marks mark_bytes_escaped = 0x02;
// The stored bytes of a value whose text the source could not write.
inline constexpr Marks mark_unreadable = 0x04;

// The member of a context that waltrail writes.
inline constexpr std::string_view reserved_member = "_waltrail";
// What a context begins with to which the source has added that member itself. It holds something, and marks are added to it.
inline constexpr std::string_view reserved_start = "{\"_waltrail\":{";

// Whether a change whose rows have these marks is marked: they, or its names.
bool is_marked(const Change &change, Marks marks);

// Appends the context of a change: `context`, the text of a JSON object or empty, and for a marked change the reserved member
// that names the marked columns. `marks` are those of the change's rows.
void append_context_json(Buffer &out, std::string_view context, const Change &change, Marks marks);

} // namespace waltrail::wire
