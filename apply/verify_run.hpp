// What the comparison of each table needs of the run that it is part of: both ends, what is asked, and where differences go.
#pragma once

#include "apply/row_rate.hpp"
#include "apply/settings.hpp"
#include "apply/trail_rows.hpp"
#include "apply/trail_wait.hpp"
#include "apply/verify_report.hpp"

#include <functional>
#include <string>
#include <vector>

namespace waltrail {

// A range that an operator went on without (changes.gaps).
struct NotedGap {
    std::string id;
    std::string start, end;
    uint64_t end_position = 0;
};

// What all tables of one run share.
struct VerifyRun {
    PostgresConnection &source;
    PostgresConnection &destination;
    const VerifySettings &settings;
    const Selection &selection; // that of the settings, and the source's own
    SourceTrail &trail;         // read again where the retention may have dropped what a row lacks
    const std::vector<NotedGap> &gaps;
    TrailWait &wait;
    RowRate &rate;
    std::function<void(RowFinding)> report; // called for each difference
};

} // namespace waltrail
