// Where frames go: out as they are, or, with format 'json', each as the one change it holds, rendered by wire/ from the very
// bytes that would have travelled.
#pragma once

#include "wire/encoder.hpp"

namespace waltrail {

struct Session;

// The sink for the session's writer.
wire::FrameSink frame_output(Session &session);

} // namespace waltrail
