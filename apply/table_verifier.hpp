// Compares one table of the source with the trail, both ways: each row with its newest change, and each key of which the newest change says that
// there is a row with the source.
//
// Writers go on meanwhile. A row that is as the trail says is done with at once. All others are decided later (apply/pending_rows.hpp).
#pragma once

#include "apply/pending_rows.hpp"
#include "apply/source_rows.hpp"
#include "apply/trail_rows.hpp"
#include "apply/verify_report.hpp"
#include "apply/verify_run.hpp"

#include <optional>

namespace waltrail {

class TableVerifier {
  public:
    TableVerifier(VerifyRun &run, VerifiedTable table);
    TableVerifier(const TableVerifier &) = delete; // what it reads with refers to it
    TableVerifier &operator=(const TableVerifier &) = delete;

    // What goes wrong is the report's problem; where a connection is lost, it ends the run.
    [[nodiscard]] TableReport verify();

  private:
    void estimate_rows();
    void compare();
    void adapt_to_history();
    void compare_rows();
    void compare_range(SourceRange range);
    void compare_row(PendingRow row);
    void look_for_lost_rows();
    // Whether the row's transaction says that it must be in the trail.
    [[nodiscard]] bool xmin_tells();
    [[nodiscard]] Judgement judge(const RowCase &row) const;
    [[nodiscard]] bool is_older_than_trail(const PendingRow &row) const;

    VerifyRun &run_;
    const VerifiedTable as_read_; // before the first row
    VerifiedTable table_;         // less what the trail's history does not let compare
    TableReport report_;
    std::optional<TrailRows> trail_;
    std::optional<SourceRows> rows_;
    std::optional<PendingRows> pending_;
};

} // namespace waltrail
