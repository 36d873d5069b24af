// Names of the source as the destination shows them, for rows that do not go through COPY.
#pragma once

#include <string>
#include <string_view>

namespace waltrail {

// UTF-8 as it is, raw text in bytea's escape format (wire/raw_text.hpp).
[[nodiscard]] std::string shown_text(std::string_view text);

} // namespace waltrail
