#include "apply/table_verifier.hpp"

#include "apply/name_list.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <span>

namespace waltrail {

namespace {

// The columns of a key as a JSON object, of a row that holds them all.
std::optional<std::string> key_document(std::string_view row, const std::vector<std::string> &key) {
    std::string document = "{";
    for (const std::string &column : key) {
        std::optional<std::string_view> value = json_member(row, column);
        if (!value) return std::nullopt;
        document += fmt::format(
            "{}{}: {}", document.size() > 1 ? ", " : "",
            nlohmann::json(column).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
            *value);
    }
    return document + "}";
}

std::optional<std::string> copy_of(std::optional<std::string_view> text) {
    if (!text) return std::nullopt;
    return std::string(*text);
}

// Bytes of a database without an encoding stand in the trail in bytea's escape format, and look like text with backslashes.
bool may_be_escaped(const PostgresConnection &source, const std::string &key) {
    const char *encoding = PQparameterStatus(source.get(), "server_encoding");
    return encoding != nullptr && std::string_view(encoding) == "SQL_ASCII" &&
           key.find('\\') != key.npos;
}

size_t bytes_of(const RowCase &row) { return row.row ? row.row->size() : 0; }

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
        report_.counts.undecided += pending_.size();
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
    rows_.emplace(run_.source, table_, run_.settings.range_rows);
    compare_rows();
    look_for_lost_rows();
    settle();
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
    xmin_tells_ =
        !table_.has_ignored_columns && !history.has_other_keys() && trail_->erasures() == 0;
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
        count(row, judgement);
    else
        wait_for(std::move(row));
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
                wait_for({keys[absent.place], RowCase{}, std::move(absent.snapshot), {}});
        run_.rate.take(keys.size());
    }
}

void TableVerifier::wait_for(PendingRow row) {
    pending_bytes_ += sizeof(PendingRow) + row.key.size() + bytes_of(row.row);
    row.row.newest.clear();
    pending_.push_back(std::move(row));
    if (pending_bytes_ >= pending_bytes_max) settle();
}

// Most of them are good at the second look, which asks more than the first. The others may be so when the trail has caught up.
void TableVerifier::settle() {
    if (pending_.empty()) return;
    if (!trail_->has_layouts())
        trail_->set_layouts(read_layouts(run_.source, table_.present.members));
    trail_->read_history();
    settle_pending(Look::at_once);
    if (!pending_.empty()) {
        bool is_caught_up = run_.wait.catch_up();
        require_unaltered();
        trail_->read_history();
        settle_pending(is_caught_up ? Look::at_all : Look::too_early);
    }
    pending_.clear();
    pending_bytes_ = 0;
}

void TableVerifier::require_unaltered() {
    if (is_unaltered(run_.source, run_.selection, as_read_)) return;
    throw Error(Disposition::stop, "it was altered meanwhile", "verify it again");
}

void TableVerifier::settle_pending(Look look) {
    std::vector<PendingRow> left;
    for (auto begin = pending_.begin(); begin != pending_.end();) {
        auto end = std::find_if(begin, pending_.end(), [&](const PendingRow &row) {
            return row.snapshot != begin->snapshot;
        });
        settle_moment({begin, end}, look, left);
        begin = end;
    }
    pending_ = std::move(left);
}

// Changes are held for as long as their rows are looked at: they may be much longer than these.
void TableVerifier::settle_moment(std::span<PendingRow> rows, Look look,
                                  std::vector<PendingRow> &left) {
    std::shared_ptr<const RowSnapshot> moment =
        rows.front().snapshot; // which rows that are left take along
    std::vector<std::string> keys;
    for (const PendingRow &row : rows) keys.push_back(row.key);
    for (size_t place = 0; place < rows.size();) {
        auto newest = trail_->newest(std::span(keys).subspan(place), *moment, true);
        auto looked_at = rows.subspan(place, newest.size());
        look_again(looked_at, std::move(newest));
        for (PendingRow &row : looked_at) settle_row(row, look, left);
        place += looked_at.size();
    }
}

void TableVerifier::settle_row(PendingRow &row, Look look, std::vector<PendingRow> &left) {
    Judgement judgement = judge(row.row);
    bool is_good = judgement.verdict == Verdict::equal || judgement.verdict == Verdict::gone;
    if (!is_good && look == Look::at_once) {
        row.row.newest.clear();
        left.push_back(std::move(row));
        return;
    }
    if (!is_good && look == Look::too_early) judgement.verdict = Verdict::undecided;
    count(row, judgement);
    row.row.newest.clear();
}

void TableVerifier::look_again(std::span<PendingRow> rows,
                               std::vector<std::vector<TrailChange>> newest) {
    NewestTruncates truncates = trail_->truncations().seen_by(*rows.front().snapshot);
    // After the changes, or what is dropped between the two seems to be missing.
    if (std::any_of(newest.begin(), newest.end(), [](auto &changes) { return changes.empty(); }))
        run_.trail = read_source_trail(run_.destination, run_.trail.source_id, run_.trail.label);
    for (size_t i = 0; i < rows.size(); i++) {
        RowCase &row = rows[i].row;
        row.newest = std::move(newest[i]);
        row.must_be_in_trail = must_be_in_trail(rows[i]);
        row.truncated_at = truncates.of_table;
        row.partition_truncated_at = truncates.of_a_partition;
        row.losses_are_told =
            trail_->history().identity_tells_key() && run_.settings.selection.truncate;
    }
    find_what_left(rows);
}

void TableVerifier::find_what_left(std::span<PendingRow> rows) {
    std::vector<LeftKey> keys;
    std::vector<RowCase *> cases;
    for (PendingRow &pending : rows) {
        RowCase &row = pending.row;
        if (row.is_in_source || judge(row).verdict == Verdict::gone) continue;
        const TrailChange &change = row.newest.front();
        if (auto document = key_document(change.after, table_.present.key)) {
            keys.push_back({std::move(*document), change.position});
            cases.push_back(&row);
        }
    }
    std::vector<bool> has_left = trail_->has_left(keys, *rows.front().snapshot);
    for (size_t i = 0; i < cases.size(); i++) cases[i]->has_left = has_left[i];
}

void TableVerifier::count(const PendingRow &row, const Judgement &judgement) {
    TableCounts &counts = report_.counts;
    switch (judgement.verdict) {
    case Verdict::equal:
        counts.equal++;
        counts.partly_compared += !judgement.difference.skipped.empty();
        return;
    case Verdict::gone:
        return;
    case Verdict::not_seen:
        counts.not_seen++;
        return;
    case Verdict::not_comparable:
        counts.not_comparable++;
        return;
    case Verdict::undecided:
        counts.undecided++;
        return;
    case Verdict::different:
        counts.different++;
        break;
    case Verdict::missing_in_trail:
        counts.missing_in_trail++;
        break;
    case Verdict::missing_in_source:
        counts.missing_in_source++;
        break;
    }
    report(row, judgement);
}

void TableVerifier::report(const PendingRow &row, const Judgement &judgement) {
    RowFinding finding{.verdict = judgement.verdict,
                       .schema = report_.schema,
                       .table = report_.table,
                       .key = row.key,
                       .columns = judgement.difference.columns};
    if (judgement.change != nullptr) finding.change_id = judgement.change->id;
    finding.cause = cause_of(judgement);
    if (run_.settings.values)
        for (const std::string &column : finding.columns)
            finding.values.push_back({column, copy_of(json_member(*row.row.row, column)),
                                      copy_of(json_member(judgement.change->after, column))});
    run_.report(std::move(finding));
}

// A gap explains what happened in it: of a row whose newest change lies before its end, or that has none.
std::string TableVerifier::cause_of(const Judgement &judgement) const {
    uint64_t position = judgement.change != nullptr ? judgement.change->position : 0;
    for (const NotedGap &gap : run_.gaps)
        if (position < gap.end_position)
            return fmt::format("may come from gap {} of changes.gaps ({} to {})", gap.id, gap.start,
                               gap.end);
    if (judgement.verdict == Verdict::missing_in_source &&
        !trail_->history().lost_partitions().empty())
        return "may have been in a partition that is not part of the table now";
    if (judgement.verdict == Verdict::missing_in_trail && judgement.change == nullptr &&
        table_.was_rewritten)
        return "may be older than the trail, if pg_repack or an ALTER TABLE that the catalogs have "
               "forgotten has written the table anew";
    return "";
}

Judgement TableVerifier::judge(const RowCase &row) const {
    return judge_row(row, table_.compared, trail_->history());
}

bool TableVerifier::is_older_than_trail(const PendingRow &row) const {
    if (!run_.trail.known_from_xid || !row.xmin) return false;
    std::optional<uint64_t> xid = whole_xid(*row.xmin, *row.snapshot);
    return xid && *xid < *run_.trail.known_from_xid;
}

// ALTER TABLE writes rows anew without a change, and leaves its transaction in the catalogs too.
bool TableVerifier::must_be_in_trail(const PendingRow &row) const {
    if (!xmin_tells_ || !run_.trail.known_from_xid || !row.xmin ||
        table_.rewritten_by.contains(*row.xmin))
        return false;
    std::optional<uint64_t> xid = whole_xid(*row.xmin, *row.snapshot);
    return xid && *xid >= *run_.trail.known_from_xid;
}

} // namespace waltrail
