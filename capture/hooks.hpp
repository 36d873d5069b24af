// The preloaded library: its hooks in the executor and in utility statements.
#pragma once

namespace waltrail {

// In the postmaster, while shared_preload_libraries are loaded.
void start_capture();

} // namespace waltrail
