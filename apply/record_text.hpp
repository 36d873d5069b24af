// Rows and arrays as PostgreSQL writes them as text: a composite key of the trail is taken apart, and lists of values are put together for a
// parameter of a query.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace waltrail {

// The fields of ROW(…)::text as record_out() writes it, NULL as nullopt; none for other text.
[[nodiscard]] std::optional<std::vector<std::optional<std::string>>>
record_fields(std::string_view text);

// The literal of a text[] with these elements.
[[nodiscard]] std::string text_array(const std::vector<std::optional<std::string>> &elements);

} // namespace waltrail
