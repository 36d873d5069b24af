// Follows the stream of frames and renders its changes as rows of COPY, in batches of whole source transactions. A batch ends
// when nothing waits (latency) or when it is large or old enough (throughput).
//
// A transaction of which several rows were refused is rendered row by row, for a savepoint of its own each: to learn of one row in
// each pass over the stream would take for ever where there are thousands.
//
// Invariants: the batches hold every change received since the recorded end, in order, as rows or for quarantine; no batch
// ends in the middle of a source transaction.
#pragma once

#include "apply/batch_queue.hpp"
#include "apply/destination_clock.hpp"
#include "apply/identity.hpp"
#include "apply/own_tables.hpp"
#include "apply/progress.hpp"
#include "apply/relation_log.hpp"
#include "apply/settings.hpp"
#include "wire/stream_reader.hpp"

#include <chrono>

namespace waltrail {

class BatchRenderer {
  public:
    // All references must outlive the renderer.
    BatchRenderer(BatchQueue &batches, const DestinationClock &clock, const Progress &progress,
                  const StartPoint &start, const RefusedRows &refused, const OwnTables &own_tables,
                  const ApplySettings &settings);

    // Takes one frame; a batch may end with a transaction in it. False when the stop was requested in its middle: nothing more
    // may be rendered then.
    [[nodiscard]] bool take_frame(std::string_view frame, const std::stop_token &stop);
    // A keepalive: everything before `position` has been received.
    void take_position(Lsn position);
    // Seals the open batch if it holds whole transactions only. Call when nothing waits. False as above.
    [[nodiscard]] bool settle(const std::stop_token &stop);
    // Everything that the source committed before `time` lies before received_end().
    void note_source_time(wire::Timestamp time) { source_time_ = time; }
    [[nodiscard]] std::optional<wire::Timestamp> source_time() const { return source_time_; }
    // A batch without rows, which records the newest position and time. Only while the queue is idle and no transaction is under way.
    void record_position();

    [[nodiscard]] bool in_transaction() const { return reader_.in_transaction(); }
    // Everything before this was received as whole transactions (written or not).
    [[nodiscard]] Lsn received_end() const { return received_end_; }

  private:
    using Clock = std::chrono::steady_clock;

    void begin_transaction();
    void take_change();
    void render_change(const wire::Change &change);
    void quarantine(const Refusal &refusal);
    void end_transaction();
    void open_batch();
    void push_piece(std::optional<CarefulRow> careful = std::nullopt);
    void seal_batch(bool ends);
    [[nodiscard]] bool is_batch_full() const;
    [[nodiscard]] bool needs_care() const;
    [[nodiscard]] bool is_already_recorded(const wire::Transaction &transaction) const;

    BatchQueue &batches_;
    const DestinationClock &clock_;
    const Progress &progress_;
    const RefusedRows &refused_;
    const OwnTables &own_tables_;
    const ApplySettings &settings_;
    bool repeats_last_commit_;

    wire::StreamReader reader_;
    RelationLog relations_;

    Batch *batch_ = nullptr; // the open one
    OwnedBuffer rows_;       // of it, not yet pushed
    size_t batch_bytes_ = 0;
    Clock::time_point batch_opened_at_{};

    bool skipping_ = false; // the current transaction is in the trail already
    bool stopped_ = false;
    const std::stop_token *stop_ = nullptr; // of the call under way
    uint64_t ordinal_ = 0;
    wire::Timestamp created_at_{}; // of the current transaction's rows: never before its commit
    std::optional<wire::Transaction> last_received_;
    Lsn received_end_;
    std::optional<wire::Timestamp> source_time_;
};

} // namespace waltrail
