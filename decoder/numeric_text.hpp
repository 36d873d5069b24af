// The text of a numeric, as numeric_out() writes it, straight into a buffer: two allocations and a copy a value less, which
// decoding feels. It reads the stored form, which pg_upgrade keeps from version to version (numeric.c, "NumericData").
#pragma once

extern "C" {
#include "postgres.h"
}

#include "wire/memory.hpp"

namespace waltrail {

// Appends length and text of a detoasted numeric; a short header need not be expanded.
void append_numeric_text(wire::Buffer &out, const varlena *plain);

} // namespace waltrail
