#include "apply/table_verifier.hpp"

#include "apply/name_list.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace waltrail {

namespace {

// Bytes of a database without an encoding stand in the trail in bytea's escape format, and look like text with backslashes.
bool may_be_escaped(const PostgresConnection &source, const std::string &key) {
    const char *encoding = PQparameterStatus(source.get(), "server_encoding");
    return encoding != nullptr && std::string_view(encoding) == "SQL_ASCII" &&
           key.find('\\') != key.npos;
}

} // namespace

TableVerifier::TableVerifier(VerifyRun &run, VerifiedTable table)
    : run_(run), as_read_(std::move(table)), table_(as_read_) {
    report_.schema = table_.present.schema;
    report_.table = table_.present.table;
    report_.notes = table_.notes;
}

TableReport TableVerifier::verify() {
    try {
        if (table_.problem.empty())
            compare();
        else
            estimate_rows();
    } catch (const Error &error) {
        table_.problem = error.what();
        table_.is_refused = true;
        report_.ends_run = run_.source.is_lost() || run_.destination.is_lost();
        if (pending_) report_.counts.undecided += pending_->undecided();
    }
    report_.problem = table_.problem;
    report_.is_failure = table_.is_refused;
    return std::move(report_);
}

// By the planner's estimate, where there is one.
void TableVerifier::estimate_rows() {
    if (table_.rows_estimate >= 0)
        report_.counts.not_comparable = static_cast<uint64_t>(table_.rows_estimate);
    else
        report_.notes.push_back("how many rows it has shows after ANALYZE");
}

void TableVerifier::compare() {
    trail_.emplace(run_.destination, run_.trail, table_.present);
    adapt_to_history();
    if (!table_.problem.empty()) return;
    pending_.emplace(run_, as_read_, table_, xmin_tells(), *trail_, report_);
    rows_.emplace(run_.source, table_, run_.settings.range_rows);
    compare_rows();
    look_for_lost_rows();
    pending_->settle();
}

// What the trail has of a table counts, whatever the settings that are given now say: a column that it has never had does not leave the
// source, and of one that it has masked only whether it is NULL does.
void TableVerifier::adapt_to_history() {
    const TableHistory &history = trail_->history();
    for (const std::string &column : table_.present.key)
        if (history.masked().contains(column))
            table_.problem = fmt::format("column \"{}\" of its key has been masked", column);
    std::vector<std::string> unknown;
    for (size_t i = table_.compared.size(); i-- > 0;) {
        ComparedColumn &compared = table_.compared[i];
        if (history.masked().contains(compared.name) && !compared.by_presence) {
            compared.by_presence = true;
            table_.columns[i] = {table_.columns[i].name, presence_of(table_.columns[i].name)};
        }
        if (history.columns().empty() || history.columns().contains(compared.name)) continue;
        unknown.push_back(compared.name);
        table_.compared.erase(table_.compared.begin() + static_cast<long>(i));
        table_.columns.erase(table_.columns.begin() + static_cast<long>(i));
    }
    if (!unknown.empty())
        report_.notes.push_back(fmt::format(
            "columns not compared, because no change has them yet: {}", name_list(unknown)));
    if (!history.lost_partitions().empty())
        report_.notes.push_back(fmt::format(
            "partitions that the trail has changes of and that are not part of it now: {}",
            name_list({history.lost_partitions().begin(), history.lost_partitions().end()})));
    if (uint64_t count = trail_->quarantined(); count > 0)
        report_.notes.push_back(
            fmt::format("changes in quarantine, which the trail lacks: {}", count));
}

bool TableVerifier::xmin_tells() {
    return !table_.has_ignored_columns && !trail_->history().has_other_keys() &&
           trail_->erasures() == 0;
}

void TableVerifier::compare_rows() {
    for (;;) {
        SourceRange range = rows_->next();
        if (range.rows.empty()) return;
        size_t rows = range.rows.size();
        compare_range(std::move(range));
        run_.rate.take(rows);
    }
}

void TableVerifier::compare_range(SourceRange range) {
    TableCounts &counts = report_.counts;
    counts.rows += range.rows.size();
    std::vector<std::string> keys;
    std::erase_if(range.rows, [&](const SourceRow &row) {
        counts.not_comparable += !row.key;
        return !row.key;
    });
    for (const SourceRow &row : range.rows) keys.push_back(*row.key);
    uint64_t truncated_at = trail_->truncations().seen_by(*range.snapshot).of_table;
    for (size_t place = 0; place < keys.size();) {
        auto newest = trail_->newest(std::span(keys).subspan(place), *range.snapshot, false);
        for (auto &changes : newest) {
            SourceRow &row = range.rows[place++];
            RowCase found{.is_in_source = true};
            found.row = std::move(row.row);
            found.newest = std::move(changes);
            found.truncated_at = truncated_at;
            compare_row({std::move(*row.key), std::move(found), range.snapshot, row.xmin});
        }
    }
}

void TableVerifier::compare_row(PendingRow row) {
    if (row.row.newest.empty() && is_older_than_trail(row)) {
        report_.counts.not_seen++;
        return;
    }
    Judgement judgement = judge(row.row);
    if (judgement.verdict == Verdict::equal)
        report_.counts.add(judgement);
    else
        pending_->add(std::move(row));
}

// Of the trail's keys. Rows that are there have been compared.
void TableVerifier::look_for_lost_rows() {
    for (;;) {
        std::vector<TrailKey> found = trail_->next_keys(run_.settings.range_rows);
        if (found.empty()) return;
        std::vector<std::string> keys;
        for (TrailKey &key : found)
            if (key.has_row) keys.push_back(std::move(key.key));
        for (AbsentKey &absent : rows_->absent(keys))
            if (may_be_escaped(run_.source, keys[absent.place]))
                report_.counts.not_comparable++;
            else
                pending_->add({keys[absent.place], RowCase{}, std::move(absent.snapshot), {}});
        run_.rate.take(keys.size());
    }
}

Judgement TableVerifier::judge(const RowCase &row) const {
    return judge_row(row, table_.compared, trail_->history());
}

bool TableVerifier::is_older_than_trail(const PendingRow &row) const {
    if (!run_.trail.known_from_xid || !row.xmin) return false;
    std::optional<uint64_t> xid = whole_xid(*row.xmin, *row.snapshot);
    return xid && *xid < *run_.trail.known_from_xid;
}

} // namespace waltrail
