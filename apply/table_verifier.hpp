// Compares one table of the source with the trail, both ways: each row with its newest change, and each key of which the newest change says that
// there is a row with the source.
//
// Writers go on meanwhile. A row that is as the trail says is done with at once. All others wait until the trail has recorded whatever
// their range's snapshot had seen, and are then compared with the newest change that the snapshot had seen, by transaction id: so they are
// never compared with a state of another moment, and none has to be read again. What the trail does not reach in time is undecided. So is what is
// left of a table that somebody has altered meanwhile: its rows were read as what it is no longer.
#pragma once

#include "apply/row_rate.hpp"
#include "apply/settings.hpp"
#include "apply/source_rows.hpp"
#include "apply/trail_rows.hpp"
#include "apply/trail_wait.hpp"
#include "apply/verify_report.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
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

class TableVerifier {
  public:
    TableVerifier(VerifyRun &run, VerifiedTable table);
    TableVerifier(const TableVerifier &) = delete; // what it reads with refers to it
    TableVerifier &operator=(const TableVerifier &) = delete;

    // What goes wrong is the report's problem; where a connection is lost, it ends the run.
    [[nodiscard]] TableReport verify();

  private:
    // A row, or a key without one, that was not as the trail said at first sight.
    struct PendingRow {
        std::string key;
        RowCase row;
        std::shared_ptr<const RowSnapshot> snapshot;
        std::optional<uint32_t> xmin;
    };

    void estimate_rows();
    void compare();
    void adapt_to_history();
    void compare_rows();
    void compare_range(SourceRange range);
    void compare_row(PendingRow row);
    void look_for_lost_rows();
    void wait_for(PendingRow row);
    void settle();
    // What is not good at once may be so later; what is not when the trail has not caught up, is undecided.
    enum class Look { at_once, at_all, too_early };
    void settle_pending(Look look);
    void require_unaltered();
    void settle_row(PendingRow &row, Look look, std::vector<PendingRow> &left);
    void settle_moment(std::span<PendingRow> rows, Look look, std::vector<PendingRow> &left);
    void look_again(std::span<PendingRow> rows, std::vector<std::vector<TrailChange>> newest);
    void find_what_left(std::span<PendingRow> rows);
    void count(const PendingRow &row, const Judgement &judgement);
    void report(const PendingRow &row, const Judgement &judgement);
    [[nodiscard]] Judgement judge(const RowCase &row) const;
    [[nodiscard]] bool is_older_than_trail(const PendingRow &row) const;
    [[nodiscard]] bool must_be_in_trail(const PendingRow &row) const;
    [[nodiscard]] std::string cause_of(const Judgement &judgement) const;

    VerifyRun &run_;
    const VerifiedTable as_read_; // before the first row
    VerifiedTable table_;         // less what the trail's history does not let compare
    TableReport report_;
    std::optional<TrailRows> trail_;
    std::optional<SourceRows> rows_;
    bool xmin_tells_ = false; // whether the row's transaction says that it must be in the trail
    std::vector<PendingRow> pending_;
    size_t pending_bytes_ = 0;

    static constexpr size_t pending_bytes_max = size_t{8} << 20;
};

} // namespace waltrail
