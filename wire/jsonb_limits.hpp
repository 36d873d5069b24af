// Which JSON texts the type json accepts but jsonb does not: an escaped zero or a lone surrogate in a string, a number beyond
// numeric's range, nesting beyond the stack of whoever reads it. What jsonb cannot hold is kept as a JSON string of the text.
#pragma once

#include <string_view>

namespace waltrail::wire {

// `json` must be valid JSON text in UTF-8; for other bytes the answer means nothing, but is given safely. Says false for a
// nesting beyond 1000, because how much more the destination can take is a setting there (max_stack_depth).
bool jsonb_can_hold(std::string_view json);

} // namespace waltrail::wire
