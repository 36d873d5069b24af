#include "apply/pending_rows.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

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

size_t bytes_of(const RowCase &row) { return row.row ? row.row->size() : 0; }

} // namespace

void PendingRows::add(PendingRow row) {
    undecided_++;
    bytes_ += sizeof(PendingRow) + row.key.size() + bytes_of(row.row);
    row.row.newest.clear();
    rows_.push_back(std::move(row));
    if (bytes_ >= bytes_max) settle();
}

// Most of them are good at the second look, which asks more than the first. The others may be so when the trail has caught up.
void PendingRows::settle() {
    if (rows_.empty()) return;
    if (!trail_.has_layouts())
        trail_.set_layouts(read_layouts(run_.source, table_.present.members));
    trail_.read_history();
    settle_pending(Look::at_once);
    if (!rows_.empty()) {
        bool is_caught_up = run_.wait.catch_up();
        require_unaltered();
        trail_.read_history();
        settle_pending(is_caught_up ? Look::at_all : Look::too_early);
    }
    rows_.clear();
    bytes_ = 0;
}

void PendingRows::require_unaltered() {
    if (is_unaltered(run_.source, run_.selection, as_read_)) return;
    throw Error(Disposition::stop, "it was altered meanwhile", "verify it again");
}

void PendingRows::settle_pending(Look look) {
    std::vector<PendingRow> left;
    for (auto begin = rows_.begin(); begin != rows_.end();) {
        auto end = std::find_if(begin, rows_.end(), [&](const PendingRow &row) {
            return row.snapshot != begin->snapshot;
        });
        settle_moment({begin, end}, look, left);
        begin = end;
    }
    rows_ = std::move(left);
}

// Changes are held for as long as their rows are looked at: they may be much longer than these.
void PendingRows::settle_moment(std::span<PendingRow> rows, Look look,
                                std::vector<PendingRow> &left) {
    std::shared_ptr<const RowSnapshot> moment =
        rows.front().snapshot; // which rows that are left take along
    std::vector<std::string> keys;
    for (const PendingRow &row : rows) keys.push_back(row.key);
    for (size_t place = 0; place < rows.size();) {
        auto newest = trail_.newest(std::span(keys).subspan(place), *moment, true);
        auto looked_at = rows.subspan(place, newest.size());
        look_again(looked_at, std::move(newest));
        for (PendingRow &row : looked_at) settle_row(row, look, left);
        place += looked_at.size();
    }
}

void PendingRows::settle_row(PendingRow &row, Look look, std::vector<PendingRow> &left) {
    Judgement judgement = judge(row.row);
    bool is_good = judgement.verdict == Verdict::equal || judgement.verdict == Verdict::gone;
    if (!is_good && look == Look::at_once) {
        row.row.newest.clear();
        left.push_back(std::move(row));
        return;
    }
    if (!is_good && look == Look::too_early) judgement.verdict = Verdict::undecided;
    undecided_--;
    report_.counts.add(judgement);
    if (is_difference(judgement.verdict)) report(row, judgement);
    row.row.newest.clear();
}

void PendingRows::look_again(std::span<PendingRow> rows,
                             std::vector<std::vector<TrailChange>> newest) {
    NewestTruncates truncates = trail_.truncations().seen_by(*rows.front().snapshot);
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
            trail_.history().identity_tells_key() && run_.settings.selection.truncate;
    }
    find_what_left(rows);
}

void PendingRows::find_what_left(std::span<PendingRow> rows) {
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
    std::vector<bool> has_left = trail_.has_left(keys, *rows.front().snapshot);
    for (size_t i = 0; i < cases.size(); i++) cases[i]->has_left = has_left[i];
}

void PendingRows::report(const PendingRow &row, const Judgement &judgement) {
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
std::string PendingRows::cause_of(const Judgement &judgement) const {
    uint64_t position = judgement.change != nullptr ? judgement.change->position : 0;
    for (const NotedGap &gap : run_.gaps)
        if (position < gap.end_position)
            return fmt::format("may come from gap {} of changes.gaps ({} to {})", gap.id, gap.start,
                               gap.end);
    if (judgement.verdict == Verdict::missing_in_source &&
        !trail_.history().lost_partitions().empty())
        return "may have been in a partition that is not part of the table now";
    if (judgement.verdict == Verdict::missing_in_trail && judgement.change == nullptr &&
        table_.was_rewritten)
        return "may be older than the trail, if pg_repack or an ALTER TABLE that the catalogs have "
               "forgotten has written the table anew";
    return "";
}

Judgement PendingRows::judge(const RowCase &row) const {
    return judge_row(row, table_.compared, trail_.history());
}

// ALTER TABLE writes rows anew without a change, and leaves its transaction in the catalogs too.
bool PendingRows::must_be_in_trail(const PendingRow &row) const {
    if (!xmin_tells_ || !run_.trail.known_from_xid || !row.xmin ||
        table_.rewritten_by.contains(*row.xmin))
        return false;
    std::optional<uint64_t> xid = whole_xid(*row.xmin, *row.snapshot);
    return xid && *xid >= *run_.trail.known_from_xid;
}

} // namespace waltrail
