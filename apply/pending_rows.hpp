// The rows of one table that were not as the trail said at first sight, and keys of the trail that the source lacked, until it is decided what they
// are.
//
// They wait until the trail has recorded whatever their range's snapshot had seen, and are then compared with the newest change that the
// snapshot had seen, by transaction id: so they are never compared with a state of another moment, and none has to be read again. What the trail
// does not reach in time is undecided. So is what is left of a table that somebody has altered meanwhile: its rows were read as what it is no
// longer.
#pragma once

#include "apply/row_verdict.hpp"
#include "apply/verified_table.hpp"
#include "apply/verify_run.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace waltrail {

// A row, or a key without one.
struct PendingRow {
    std::string key;
    RowCase row;
    std::shared_ptr<const RowSnapshot> snapshot;
    std::optional<uint32_t> xmin;
};

class PendingRows {
  public:
    // `as_read`: the table before its first row was read; `table`: less what is not compared. `xmin_tells`: whether a row's transaction says that it
    // must be in the trail. What is decided goes into the report.
    PendingRows(VerifyRun &run, const VerifiedTable &as_read, const VerifiedTable &table,
                bool xmin_tells, TrailRows &trail, TableReport &report)
        : run_(run), as_read_(as_read), table_(table), xmin_tells_(xmin_tells), trail_(trail),
          report_(report) {}

    // Settles all when they are many.
    void add(PendingRow row);
    // Decides all of them. Throws where the table was altered meanwhile.
    void settle();
    // Rows that are not decided.
    [[nodiscard]] size_t undecided() const { return undecided_; }

  private:
    // What is not good at once may be so later; what is not when the trail has not caught up, is undecided.
    enum class Look { at_once, at_all, too_early };
    void require_unaltered();
    void settle_pending(Look look);
    void settle_moment(std::span<PendingRow> rows, Look look, std::vector<PendingRow> &left);
    void settle_row(PendingRow &row, Look look, std::vector<PendingRow> &left);
    void look_again(std::span<PendingRow> rows, std::vector<std::vector<TrailChange>> newest);
    void find_what_left(std::span<PendingRow> rows);
    void report(const PendingRow &row, const Judgement &judgement);
    [[nodiscard]] Judgement judge(const RowCase &row) const;
    [[nodiscard]] bool must_be_in_trail(const PendingRow &row) const;
    [[nodiscard]] std::string cause_of(const Judgement &judgement) const;

    VerifyRun &run_;
    const VerifiedTable &as_read_;
    const VerifiedTable &table_;
    bool xmin_tells_;
    TrailRows &trail_;
    TableReport &report_;
    std::vector<PendingRow> rows_;
    size_t bytes_ = 0;
    size_t undecided_ = 0;

    static constexpr size_t bytes_max = size_t{8} << 20;
};

} // namespace waltrail
