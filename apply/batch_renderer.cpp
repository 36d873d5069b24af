#include "apply/batch_renderer.hpp"

#include "apply/change_row.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

namespace waltrail {

namespace {

constexpr size_t piece_bytes = size_t{64} << 10;

const Refusal too_large{"54000",
                        "the row is too large for jsonb, which holds up to 268435455 bytes"};

[[noreturn]] void refuse_too_long_change() {
    throw Error(Disposition::stop, "the source sent a change of more than 4 GiB",
                "leave its table out with --exclude-tables, or its largest columns with "
                "--exclude-columns, until the change has passed");
}

} // namespace

BatchRenderer::BatchRenderer(BatchQueue &batches, const DestinationClock &clock,
                             const Progress &progress, const StartPoint &start,
                             const RefusedRows &refused, const OwnTables &own_tables,
                             const ApplySettings &settings)
    : batches_(batches), clock_(clock), progress_(progress), refused_(refused),
      own_tables_(own_tables), settings_(settings), repeats_last_commit_(start.repeats_last_commit),
      relations_(progress.source_id), received_end_(progress.recorded_end) {}

bool BatchRenderer::take_frame(std::string_view bytes, const std::stop_token &stop) {
    wire::ParsedFrame frame = wire::parse_frame(bytes);
    if (frame.status != wire::FrameStatus::ok || frame.bytes != bytes.size())
        throw Error(Disposition::reconnect,
                    fmt::format("damaged frame from the source: {}",
                                frame.problem != nullptr ? frame.problem : "wrong length"),
                    "", "", "source");
    stop_ = &stop;
    reader_.load(frame.header, frame.payload);
    while (!stopped_) {
        switch (reader_.next()) {
        case wire::StreamReader::Event::need_frame:
            return true;
        case wire::StreamReader::Event::begin:
            begin_transaction();
            break;
        case wire::StreamReader::Event::change:
            take_change();
            break;
        case wire::StreamReader::Event::commit:
            end_transaction();
            break;
        case wire::StreamReader::Event::corrupt:
            if (reader_.is_too_long()) refuse_too_long_change();
            throw Error(Disposition::reconnect,
                        fmt::format("damaged stream from the source: {}", reader_.problem()), "",
                        "", "source");
        }
    }
    return false;
}

bool BatchRenderer::is_already_recorded(const wire::Transaction &transaction) const {
    if (transaction.commit_lsn < progress_.recorded_end) return true;
    return std::any_of(progress_.beyond.begin(), progress_.beyond.end(), [&](const Range &range) {
        return range.start <= transaction.commit_lsn && transaction.commit_lsn < range.end;
    });
}

void BatchRenderer::begin_transaction() {
    const wire::Transaction &transaction = reader_.transaction();
    if (reader_.source().system_identifier != progress_.system_identifier ||
        reader_.source().database_oid != progress_.database_oid)
        throw Error(Disposition::stop,
                    "the stream comes from another database than the one connected to");
    if (repeats_last_commit_) {
        check_repeated_commit(transaction, progress_);
        repeats_last_commit_ = false;
    }
    skipping_ = is_already_recorded(transaction);
    ordinal_ = 0;
    if (skipping_) return;
    bool is_careful = needs_care();
    if (is_careful) { // it gets a batch of its own
        open_batch();
        if (!batch_->transactions.empty()) seal_batch(true);
    }
    open_batch();
    batch_->is_careful = is_careful;
    batch_->transactions.push_back({transaction.commit_lsn, batch_->rows + 1, {}});
    created_at_ = clock_.now();
}

bool BatchRenderer::needs_care() const {
    constexpr auto refusals_max = 8; // of one transaction, each of which costs a new pass
    if (refused_.empty()) return false;
    Lsn commit = reader_.transaction().commit_lsn;
    return std::distance(refused_.lower_bound({commit, 0}),
                         refused_.upper_bound({commit, UINT64_MAX})) >= refusals_max;
}

void BatchRenderer::take_change() {
    if (skipping_) return;
    const wire::Change &change = reader_.change();
    if (relations_.note(reader_.description_id(), *change.relation, change.position))
        own_tables_.check(*change.relation);
    auto refused = refused_.empty() ? refused_.end()
                                    : refused_.find({reader_.transaction().commit_lsn, ordinal_});
    if (refused != refused_.end())
        quarantine(refused->second);
    else
        render_change(change);
    ordinal_++;
}

void BatchRenderer::render_change(const wire::Change &change) {
    size_t start = rows_->size;
    RowSetting setting{progress_.label,   &reader_.source(),    &reader_.transaction(),
                       reader_.context(), reader_.decoded_at(), created_at_};
    RowOutcome outcome = append_change_row(*rows_, setting, change);
    if (outcome == RowOutcome::too_large) {
        spdlog::warn("change {} of the transaction at {} is too large for jsonb and goes to "
                     "quarantine",
                     ordinal_, lsn_text(reader_.transaction().commit_lsn));
        return quarantine(too_large);
    }
    bool is_marked = outcome == RowOutcome::marked;
    bool is_large = rows_->size - start >= Batch::large_row_bytes;
    batch_->rows++;
    batch_->marked += is_marked;
    batch_->operations[change.operation]++;
    batch_->operation_bytes[change.operation] += rows_->size - start;
    if (is_large) batch_->large_rows.push_back(batch_->rows);
    if (batch_->is_careful)
        push_piece(CarefulRow{quarantine_entry(progress_.source_id, reader_, {}), change.operation,
                              is_marked, is_large});
    else if (rows_->size >= piece_bytes)
        push_piece();
}

// The change that the reader has just yielded.
void BatchRenderer::quarantine(const Refusal &refusal) {
    batch_->quarantined.push_back(quarantine_entry(progress_.source_id, reader_, refusal));
    batch_->transactions.back().quarantined_ordinals.push_back(ordinal_);
}

void BatchRenderer::push_piece(std::optional<CarefulRow> careful) {
    if (rows_->size == 0) return;
    batch_bytes_ += rows_->size;
    rows_.shrink(); // the queue counts what is in it
    stopped_ |= !batches_.push({std::move(rows_), std::move(careful)}, *stop_);
    rows_ = OwnedBuffer();
    rows_->reserve(piece_bytes + piece_bytes / 8);
}

void BatchRenderer::end_transaction() {
    received_end_ = std::max(received_end_, reader_.transaction().end_lsn);
    if (skipping_) return;
    last_received_ = reader_.transaction();
    if (batch_->is_careful || is_batch_full()) seal_batch(true);
}

bool BatchRenderer::is_batch_full() const {
    return batch_bytes_ + rows_->size >= settings_.batch_bytes_max ||
           batch_->transactions.size() >= settings_.batch_transactions_max ||
           Clock::now() - batch_opened_at_ >= settings_.batch_age_max;
}

void BatchRenderer::open_batch() {
    if (batch_ != nullptr) return;
    batch_ = &batches_.open();
    bool is_new = batch_->transactions.empty();
    if (!is_new) return;
    batch_bytes_ = 0;
    batch_opened_at_ = Clock::now();
}

void BatchRenderer::seal_batch(bool ends) {
    push_piece();
    for (RelationRecord &record : relations_.take_pending())
        batch_->relations.push_back(std::move(record));
    batch_->to = received_end_;
    batch_->last_commit = last_received_;
    batch_->source_time = source_time_;
    batch_ = nullptr;
    if (stopped_) return; // a piece of it is missing
    if (ends)
        batches_.end();
    else
        batches_.seal();
}

void BatchRenderer::take_position(Lsn position) {
    if (repeats_last_commit_ && position >= progress_.last_commit->end_lsn)
        check_repeated_commit({}, progress_);
    if (!reader_.in_transaction()) received_end_ = std::max(received_end_, position);
}

bool BatchRenderer::settle(const std::stop_token &stop) {
    stop_ = &stop;
    if (batch_ != nullptr && !reader_.in_transaction()) seal_batch(false);
    return !stopped_;
}

void BatchRenderer::record_position() {
    Batch &batch = batches_.open();
    batch.to = received_end_;
    batch.source_time = source_time_;
    batches_.end();
}

} // namespace waltrail
