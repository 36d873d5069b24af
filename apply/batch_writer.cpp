#include "apply/batch_writer.hpp"

#include "apply/change_row.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>

namespace waltrail {

namespace {

const Refusal too_large{"54000",
                        "the row is too large for jsonb, which holds up to 268435455 bytes"};

// A server that meets its own limits in a large row says internal error ("invalid memory alloc request size").
bool is_of_the_row(const Error &error, bool is_large) {
    constexpr std::string_view internal_error = "XX000";
    return error.disposition() == Disposition::row ||
           (is_large && error.sqlstate() == internal_error);
}

[[noreturn]] void refuse_too_long_change() {
    throw Error(Disposition::stop, "the source sent a change of more than 4 GiB",
                "leave its table out with --exclude-tables, or its largest columns with "
                "--exclude-columns, until the change has passed");
}

} // namespace

BatchWriter::BatchWriter(PostgresConnection &destination, const Progress &progress,
                         const StartPoint &start, uint32_t timeline, const RefusedRows &refused,
                         const OwnTables &own_tables, const ApplySettings &settings)
    : destination_(destination), progress_(progress), refused_(refused), own_tables_(own_tables),
      settings_(settings), timeline_(timeline), repeats_last_commit_(start.repeats_last_commit),
      relations_(progress.source_id), quarantine_(progress.source_id),
      recorded_end_(progress.recorded_end), received_end_(progress.recorded_end),
      recorded_at_(Clock::now()) {}

void BatchWriter::take_frame(std::string_view bytes) {
    wire::ParsedFrame frame = wire::parse_frame(bytes);
    if (frame.status != wire::FrameStatus::ok || frame.bytes != bytes.size())
        throw Error(Disposition::reconnect,
                    fmt::format("damaged frame from the source: {}",
                                frame.problem != nullptr ? frame.problem : "wrong length"));
    reader_.load(frame.header, frame.payload);
    while (true) {
        switch (reader_.next()) {
        case wire::StreamReader::Event::need_frame:
            return;
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
                        fmt::format("damaged stream from the source: {}", reader_.problem()));
        }
    }
}

bool BatchWriter::is_already_recorded(const wire::Transaction &transaction) const {
    if (transaction.commit_lsn < progress_.recorded_end) return true;
    return std::any_of(progress_.beyond.begin(), progress_.beyond.end(), [&](const Range &range) {
        return range.start <= transaction.commit_lsn && transaction.commit_lsn < range.end;
    });
}

void BatchWriter::begin_transaction() {
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
    open_batch();
    created_at_ = {
        batch_began_at_.microseconds +
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - batch_opened_at_)
            .count()};
    if (needs_care()) begin_care();
    batch_transactions_.push_back({transaction.commit_lsn, batch_rows_ + 1, {}});
}

bool BatchWriter::needs_care() const {
    constexpr auto refusals_max = 8; // of one transaction, each of which costs a new pass
    Lsn commit = reader_.transaction().commit_lsn;
    return std::distance(refused_.lower_bound({commit, 0}),
                         refused_.upper_bound({commit, UINT64_MAX})) >= refusals_max;
}

// The transaction gets a batch of its own.
void BatchWriter::begin_care() {
    if (!batch_transactions_.empty()) commit_batch();
    open_batch();
    if (auto refusal = copy_.finish(destination_)) throw refusal->error;
    careful_ = true;
}

void BatchWriter::take_change() {
    if (skipping_) return;
    const wire::Change &change = reader_.change();
    if (relations_.note(reader_.description_id(), *change.relation, change.position))
        own_tables_.check(*change.relation);
    auto refused = refused_.empty() ? refused_.end()
                                    : refused_.find({reader_.transaction().commit_lsn, ordinal_});
    if (refused != refused_.end())
        quarantine(refused->second);
    else
        write_change(change);
    ordinal_++;
}

void BatchWriter::write_change(const wire::Change &change) {
    if (careful_) {
        destination_.execute("SAVEPOINT one_row");
        copy_.begin(destination_);
    }
    RowSetting setting{progress_.label,   &reader_.source(),    &reader_.transaction(),
                       reader_.context(), reader_.decoded_at(), created_at_};
    RowOutcome outcome = append_change_row(copy_.buffer(), setting, change);
    if (outcome == RowOutcome::too_large) {
        spdlog::warn("change {} of the transaction at {} is too large for jsonb and goes to "
                     "quarantine",
                     ordinal_, lsn_text(reader_.transaction().commit_lsn));
        quarantine(too_large);
        if (careful_) write_with_care();
        return;
    }
    bool is_marked = outcome == RowOutcome::marked;
    if (careful_) {
        if (!write_with_care()) return;
    } else {
        if (copy_.buffer().size >= large_row_bytes) batch_large_rows_.push_back(batch_rows_ + 1);
        copy_.send_if_full(destination_);
    }
    batch_rows_++;
    if (is_marked) batch_marked_++;
}

// Ends the COPY of the one row, or of none where it went to quarantine at once. Whether the destination took it.
bool BatchWriter::write_with_care() {
    bool is_large = copy_.buffer().size >= large_row_bytes;
    std::optional<CopyRefusal> refusal = copy_.finish(destination_);
    if (refusal) {
        if (!is_of_the_row(refusal->error, is_large)) throw refusal->error;
        destination_.execute("ROLLBACK TO SAVEPOINT one_row");
        quarantine({refusal->error.sqlstate(), refusal->error.what()});
    }
    destination_.execute("RELEASE SAVEPOINT one_row");
    changes_quarantined_ += quarantine_.write(destination_);
    return !refusal;
}

// The change that the reader has just yielded.
void BatchWriter::quarantine(const Refusal &refusal) {
    quarantine_.note(reader_, refusal);
    batch_transactions_.back().quarantined_ordinals.push_back(ordinal_);
}

void BatchWriter::end_transaction() {
    received_end_ = std::max(received_end_, reader_.transaction().end_lsn);
    if (skipping_) return;
    last_received_ = reader_.transaction();
    if (careful_ || is_batch_full()) commit_batch();
}

bool BatchWriter::is_batch_full() const {
    return copy_.bytes_sent() >= settings_.batch_bytes_max ||
           batch_transactions_.size() >= settings_.batch_transactions_max ||
           Clock::now() - batch_opened_at_ >= settings_.batch_age_max;
}

void BatchWriter::open_batch() {
    if (batch_open_) return;
    destination_.execute("BEGIN");
    Result now = destination_.execute(
        "SELECT pg_catalog.floor((extract(epoch FROM pg_catalog.now()) - 946684800) * "
        "1000000)::pg_catalog.int8");
    std::string_view text = now.text(0, 0);
    std::from_chars(text.data(), text.data() + text.size(), batch_began_at_.microseconds);
    copy_.begin(destination_);
    batch_open_ = true;
    batch_opened_at_ = Clock::now();
    batch_transactions_.clear();
    batch_rows_ = 0;
    batch_marked_ = 0;
    batch_large_rows_.clear();
}

void BatchWriter::commit_batch() {
    if (!careful_)
        if (auto refusal = copy_.finish(destination_)) refuse(*refusal);
    careful_ = false;
    relations_.write(destination_);
    changes_quarantined_ += quarantine_.write(destination_);
    record(received_end_, last_received_, batch_rows_, batch_marked_);
    changes_written_ += batch_rows_;
    batch_open_ = false;
    spdlog::debug("batch of {} changes in {} transactions recorded up to {}", batch_rows_,
                  batch_transactions_.size(), lsn_text(recorded_end_));
}

// Inside a destination transaction, which it commits.
void BatchWriter::record(Lsn to, std::optional<wire::Transaction> last_commit, uint64_t changes,
                         uint64_t marked) {
    record_advance(
        destination_, progress_,
        {recorded_end_, to, timeline_, std::move(last_commit), changes, marked, source_time_});
    commit_durably(destination_);
    recorded_end_ = to;
    recorded_source_time_ = source_time_;
    recorded_at_ = Clock::now();
}

bool BatchWriter::is_large_row(const std::optional<uint64_t> &row) const {
    return row && std::ranges::find(batch_large_rows_, *row) != batch_large_rows_.end();
}

void BatchWriter::refuse(const CopyRefusal &refusal) {
    if (!is_of_the_row(refusal.error, is_large_row(refusal.row))) throw refusal.error;
    if (!refusal.row || *refusal.row > batch_rows_)
        throw Error(Disposition::stop, refusal.error.what(),
                    "the server did not say which row it refused", refusal.error.sqlstate());
    auto after = std::upper_bound(
        batch_transactions_.begin(), batch_transactions_.end(), *refusal.row,
        [](uint64_t row, const WrittenTransaction &t) { return row < t.first_row; });
    const WrittenTransaction &transaction = *std::prev(after);
    uint64_t ordinal = *refusal.row - transaction.first_row;
    for (uint64_t quarantined : transaction.quarantined_ordinals)
        if (quarantined <= ordinal) ordinal++;
    throw RowRefused({transaction.commit_lsn, ordinal},
                     {refusal.error.sqlstate(), refusal.error.what()});
}

void BatchWriter::take_position(Lsn position) {
    if (repeats_last_commit_ && position >= progress_.last_commit->end_lsn)
        check_repeated_commit({}, progress_);
    if (!reader_.in_transaction()) received_end_ = std::max(received_end_, position);
}

void BatchWriter::settle() {
    if (batch_open_ && !reader_.in_transaction()) commit_batch();
}

bool BatchWriter::is_idle_position_due() const {
    return received_end_.value - recorded_end_.value >= idle_bytes_min_ &&
           Clock::now() - recorded_at_ >= settings_.idle_record_interval;
}

// A time alone is seldom a reason to write where what is written comes back as WAL: the server would never be quiet.
std::chrono::milliseconds BatchWriter::time_record_interval() const {
    return expects_echo_ ? settings_.echo_record_interval : settings_.idle_record_interval;
}

bool BatchWriter::has_time_to_record() const {
    return source_time_ && (!recorded_source_time_ ||
                            source_time_->microseconds > recorded_source_time_->microseconds);
}

// A source that tells no time (a standby) is recorded as well: recorded_at says that it was there.
bool BatchWriter::is_time_due() const {
    return (has_time_to_record() || !source_time_) &&
           Clock::now() - recorded_at_ >= time_record_interval();
}

bool BatchWriter::wants_source_time() const {
    return !batch_open_ && Clock::now() - recorded_at_ >=
                               time_record_interval() - settings_.idle_record_interval / 2;
}

void BatchWriter::record_idle_position(bool now) {
    if (batch_open_ || reader_.in_transaction()) return;
    bool has_news = received_end_ > recorded_end_ || (has_time_to_record() && !expects_echo_);
    if (!(now && has_news) && !is_idle_position_due() && !is_time_due()) return;
    destination_.execute("BEGIN");
    record(received_end_, std::nullopt, 0, 0);
}

} // namespace waltrail
