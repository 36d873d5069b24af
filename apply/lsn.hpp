// LSNs as PostgreSQL writes them: two hexadecimal numbers with a slash, `16/B374D848`.
#pragma once

#include "wire/types.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace waltrail {

using wire::Lsn;

[[nodiscard]] std::string lsn_text(Lsn lsn);
[[nodiscard]] std::optional<Lsn> parse_lsn(std::string_view text);

} // namespace waltrail
