#include "apply/batch_writer.hpp"

#include "apply/fault_point.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace waltrail {

namespace {

// A server that meets its own limits in a large row says internal error ("invalid memory alloc request size").
bool is_of_the_row(const Error &error, bool is_large) {
    constexpr std::string_view internal_error = "XX000";
    return error.disposition() == Disposition::row ||
           (is_large && error.sqlstate() == internal_error);
}

[[noreturn]] void refuse(const Batch &batch, const CopyRefusal &refusal) {
    bool is_large = refusal.row && batch.is_large(*refusal.row);
    if (!is_of_the_row(refusal.error, is_large)) throw refusal.error;
    if (!refusal.row || *refusal.row > batch.rows)
        throw Error(Disposition::stop, refusal.error.what(),
                    "the server did not say which row it refused", refusal.error.sqlstate());
    throw RowRefused(batch.place_of(*refusal.row),
                     {refusal.error.sqlstate(), refusal.error.what()});
}

} // namespace

BatchWriter::BatchWriter(PostgresConnection &destination, BatchQueue &batches,
                         DestinationClock &clock, const Progress &progress, uint32_t timeline,
                         Monitor &monitor)
    : destination_(destination), batches_(batches), clock_(clock), progress_(progress),
      timeline_(timeline), monitor_(monitor), cancel_(destination), thread_([this] {
          run();
          is_done_ = true;
      }) {}

// Again and again: a request that comes between two statements ends neither.
void BatchWriter::cancel() {
    constexpr auto interval = std::chrono::milliseconds(100);
    while (!is_done_) {
        cancel_.send();
        std::this_thread::sleep_for(interval);
    }
}

void BatchWriter::run() {
    while (BatchQueue::Entry *entry = batches_.take()) {
        try {
            if (!write(*entry)) return;
        } catch (...) {
            batches_.fail(*entry, std::current_exception());
            return;
        }
    }
}

bool BatchWriter::write(BatchQueue::Entry &entry) {
    std::optional<RowPiece> first = batches_.next_piece(entry);
    Written refused;
    if (!first) {
        if (!entry.is_closed()) return false;
        destination_.execute("BEGIN");
        fault_point("position_begun");
    } else if (first->careful) {
        if (!copy_with_care(entry, std::move(*first), refused)) return false;
    } else {
        if (!copy_rows(entry, std::move(*first))) return false;
    }
    if (!batches_.wait_turn(entry)) return false;
    fault_point("turn_come");
    const Batch &batch = entry.batch();
    write_relations(destination_, batch.relations);
    if (!batch.relations.empty()) fault_point("relations_written");
    for (const QuarantineEntry &change : batch.quarantined) write_quarantine(destination_, change);
    if (!batch.quarantined.empty()) fault_point("quarantine_written");
    Written written{batch.rows - refused.rows, batch.marked - refused.marked, batch.operations,
                    batch.operation_bytes};
    written.operations -= refused.operations;
    written.operation_bytes -= refused.operation_bytes;
    uint64_t quarantined = batch.quarantined.size() + refused.rows;
    auto commit_time = record(batch, written);
    spdlog::debug("batch of {} changes in {} transactions recorded up to {}", written.rows,
                  batch.transactions.size(), lsn_text(batch.to));
    monitor_.records({written.operations, written.operation_bytes, batch.transactions.size(),
                      quarantined, commit_time.count()},
                     {batch.to, batch.last_commit, batch.source_time});
    batches_.finish(entry, written.rows, quarantined);
    return true;
}

bool BatchWriter::copy_rows(BatchQueue::Entry &entry, RowPiece first) {
    CopyStream copy(destination_, "BEGIN; ");
    fault_point("copy_begun");
    for (std::optional<RowPiece> piece = std::move(first); piece;
         piece = batches_.next_piece(entry)) {
        copy.send(piece->rows->view());
        fault_point("rows_sent");
    }
    if (!entry.is_closed()) return false;
    if (auto refusal = copy.finish()) refuse(entry.batch(), *refusal);
    fault_point("rows_copied");
    return true;
}

// A row that is refused goes to quarantine at once.
bool BatchWriter::copy_with_care(BatchQueue::Entry &entry, RowPiece first, Written &refused) {
    destination_.execute("BEGIN");
    fault_point("careful_begun");
    for (std::optional<RowPiece> piece = std::move(first); piece;
         piece = batches_.next_piece(entry)) {
        std::optional<Refusal> refusal = copy_one(*piece);
        if (!refusal) continue;
        QuarantineEntry &change = piece->careful->entry;
        change.refusal = *refusal;
        write_quarantine(destination_, change);
        fault_point("row_quarantined");
        refused.rows++;
        refused.marked += piece->careful->is_marked;
        refused.operations[piece->careful->operation]++;
        refused.operation_bytes[piece->careful->operation] += piece->rows->size;
    }
    return entry.is_closed();
}

std::optional<Refusal> BatchWriter::copy_one(RowPiece &piece) {
    CopyStream copy(destination_, "SAVEPOINT one_row; ");
    copy.send(piece.rows->view());
    std::optional<CopyRefusal> refusal = copy.finish();
    if (refusal) {
        if (!is_of_the_row(refusal->error, piece.careful->is_large)) throw refusal->error;
        destination_.execute("ROLLBACK TO SAVEPOINT one_row");
        fault_point("row_rolled_back");
    }
    destination_.execute("RELEASE SAVEPOINT one_row");
    if (!refusal) return std::nullopt;
    return Refusal{refusal->error.sqlstate(), refusal->error.what()};
}

std::chrono::duration<double> BatchWriter::record(const Batch &batch, const Written &written) {
    clock_.set(record_advance(destination_, progress_,
                              {batches_.recorded().end, batch.to, timeline_, batch.last_commit,
                               written.rows, written.marked, batch.source_time}));
    fault_point("progress_recorded");
    auto started = std::chrono::steady_clock::now();
    commit_durably(destination_);
    auto taken = std::chrono::steady_clock::now() - started;
    fault_point("batch_committed");
    return taken;
}

} // namespace waltrail
