// What `waltrail status` prints, for a person and for a program.
#pragma once

#include "apply/source_status.hpp"

#include <optional>
#include <string>
#include <vector>

namespace waltrail {

struct ReportedSource {
    SourceStatus status;
    std::optional<SourceLag> lag; // none: the source was not asked
};

// A block of lines for each source, an empty line between them.
[[nodiscard]] std::string status_text(const std::vector<ReportedSource> &sources);

// {"sources": […]}; README.md lists the members. What was not asked or is not there is null.
[[nodiscard]] std::string status_json(const std::vector<ReportedSource> &sources);

// The slot's state and the WAL that it keeps, as part of a line.
[[nodiscard]] std::string shown_slot(const SlotState &slot);

// For --watch: the same on one line, with "at" before it; or {"at", "error"} where it could not be read.
[[nodiscard]] std::string status_line(const std::string &at,
                                      const std::vector<ReportedSource> &sources);
[[nodiscard]] std::string problem_line(const std::string &at, const std::string &problem);

} // namespace waltrail
