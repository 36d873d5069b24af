// The findings of `waltrail check` for a person and for a program. Both hold the same findings in the same order.
#pragma once

#include "apply/finding.hpp"

namespace waltrail {

struct FindingCount {
    size_t errors = 0;
    size_t warnings = 0;
};
[[nodiscard]] FindingCount count_findings(const std::vector<Finding> &findings);

// The source first; at each end the worst first, otherwise as they were found.
void sort_findings(std::vector<Finding> &findings);

// A line for each finding, and a last line `N errors, M warnings`, with `1 error` and `1 warning`.
[[nodiscard]] std::string findings_text(const std::vector<Finding> &findings);

// {"errors": N, "warnings": M, "findings": [{"end", "severity", "check", "what", "where", "mend"}]}; `mend` is null where there
// is nothing to mend.
[[nodiscard]] std::string findings_json(const std::vector<Finding> &findings);

} // namespace waltrail
