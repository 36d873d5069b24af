// Amounts of bytes as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace waltrail {

// "512 bytes", "16 MB", "1.5 GB": by powers of 1024, as pg_size_pretty() and postgresql.conf count, with at most one decimal.
[[nodiscard]] std::string shown_bytes(int64_t bytes);

} // namespace waltrail
