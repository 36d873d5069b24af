// The key under which masks are made. It lies in a file of the source's server that nobody but the server's user may read, so
// that neither the log nor pg_stat_activity, where options of a replication command are visible, ever shows it.
#pragma once

extern "C" {
#include "postgres.h"

#include "utils/palloc.h"
}

#include <cstdint>
#include <type_traits>

namespace waltrail {

struct MaskKey {
    static constexpr size_t bytes_min = 16;
    static constexpr size_t bytes_max = 1024;
    size_t size = 0;
    uint8_t bytes[bytes_max + 3]; // room for a line end, and to notice that there is more
};
static_assert(std::is_trivially_destructible_v<MaskKey>);

// The bytes of the file, without line ends at its end, in `context`. A relative path starts at the data directory. An ERROR where no
// file is named, or where it is missing, too short or too long, or readable by its group or by others.
const MaskKey *read_mask_key(MemoryContext context, const char *path);

} // namespace waltrail
