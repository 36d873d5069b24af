// One stream from its start to its end: connections, identity, the reader thread and the writer.
#pragma once

#include "apply/maintenance.hpp"
#include "apply/monitor.hpp"
#include "apply/pattern_warnings.hpp"
#include "apply/quarantine.hpp"
#include "apply/service_manager.hpp"
#include "apply/settings.hpp"
#include "apply/source_clock.hpp"

#include <stop_token>

namespace waltrail {

// Returns when the stop is requested or settings.until is reached; throws Error for everything else. Whatever happens, the
// destination holds whole batches only, and a new session goes on from what is recorded.
struct SessionOutcome {
    bool streamed =
        false; // both ends were reached and agreed: what comes later is no wrong setting
    bool progressed = false; // something was recorded: the backoff may start anew
};
void run_apply_session(const ApplySettings &settings, const RefusedRows &refused,
                       Maintenance &maintenance, SourceClock &clock, PatternWarnings &patterns,
                       Monitor &monitor, ServiceManager &service, std::stop_token stop,
                       SessionOutcome &outcome);

} // namespace waltrail
