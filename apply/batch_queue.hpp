// What is rendered and not yet recorded: batches in the order of the stream. One renderer fills the newest, several writers
// take one each, and record them in that order, so that the trail is always a beginning of the stream without a hole.
//
//   renderer                            writer
//   open()    a batch to go on with     take()        the next batch, once it has something
//   push()    a piece of its rows       next_piece()  until it is sealed and empty: from then on it is closed
//   seal()    ends at a commit          wait_turn()   until every batch before it is recorded
//                                       finish()      it is recorded; or fail()
//
// A sealed batch that no writer has closed is opened again for what comes next: while writers are busy batches grow, while they
// wait every batch is taken at once.
//
// Threads: open(), push(), seal() by the renderer only; the rest by any.
#pragma once

#include "apply/backlog.hpp"
#include "apply/batch.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

namespace waltrail {

// What is durable at the destination.
struct Recorded {
    Lsn end;
    std::chrono::steady_clock::time_point at;
    std::optional<wire::Timestamp> source_time;
    uint64_t changes = 0; // since the queue was made
    uint64_t quarantined = 0;
};

// For who watches it.
struct BatchLoad {
    size_t bytes = 0;   // of pieces that wait
    size_t batches = 0; // not yet recorded, the open one too
    bool waits =
        false; // it is the writers' turn: not where they have written all that there is of an open batch
    std::chrono::steady_clock::time_point moved_at{}; // since when nothing of what waits has moved
};

class BatchQueue {
  public:
    // `bytes_max`: of pieces that wait; one larger than that is taken when nothing else waits. `on_recorded` is called by a
    // writer after each finish() and fail(). `backlog` must outlive the queue.
    BatchQueue(Lsn recorded_end, size_t bytes_max, Backlog &backlog,
               std::function<void()> on_recorded);

    // The batch that goes on: the newest if it was not closed and has not been `ended`, else a new one. Valid until end().
    Batch &open();
    [[nodiscard]] bool has_open() const { return opened_ != nullptr; }
    // Waits for room. False when the stop was requested before there was any. Rethrows what a writer failed with.
    bool push(RowPiece piece, const std::stop_token &stop);
    // The open batch may be recorded as it is.
    void seal();
    // The same, and nothing may be added to it any more.
    void end();

    // Nothing is open or waits to be recorded.
    [[nodiscard]] bool is_idle() const;
    // Waits for that; false when it took longer than `patience`. Rethrows what a writer failed with.
    bool wait_idle(std::chrono::milliseconds patience);
    [[nodiscard]] Recorded recorded() const;
    [[nodiscard]] BatchLoad load() const;
    void rethrow_failure() const;

    // For writers; null, nullopt and false say that the queue is cancelled or another batch has failed. nullopt also ends the
    // rows of a batch, which is closed then.
    class Entry;
    Entry *take();
    std::optional<RowPiece> next_piece(Entry &entry);
    bool wait_turn(Entry &entry);
    void finish(Entry &entry, uint64_t changes, uint64_t quarantined);
    // Takes effect when every batch before it is recorded: what stood before a failure is not lost to it.
    void fail(Entry &entry, std::exception_ptr failure);

    // Every call above returns at once.
    void cancel();

  private:
    [[nodiscard]] bool is_over() const { return cancelled_ || failure_ != nullptr; }
    [[nodiscard]] bool waits() const;
    void note_arrival();

    size_t bytes_max_;
    Backlog &backlog_;
    std::function<void()> on_recorded_;
    mutable std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<std::unique_ptr<Entry>> entries_;
    Entry *opened_ = nullptr; // the renderer writes into it
    size_t bytes_ = 0;
    std::chrono::steady_clock::time_point moved_at_{};
    Recorded recorded_;
    std::exception_ptr failure_;
    bool cancelled_ = false;
};

class BatchQueue::Entry {
  public:
    // For its writer. Closed: next_piece() has answered none because there is no more; the batch is then his to read.
    [[nodiscard]] bool is_closed() const { return closed_; }
    [[nodiscard]] const Batch &batch() const { return batch_; }

  private:
    friend class BatchQueue;
    Batch batch_;
    std::deque<RowPiece> pieces_;
    size_t bytes_ = 0;                      // of all its pieces, those already taken too
    std::optional<Backlog::Burden> burden_; // once that is much, until the batch is recorded
    bool sealed_ = false;
    bool begun_ = false;  // its writer has a piece
    bool ended_ = false;  // by the renderer
    bool taken_ = false;  // by a writer
    bool closed_ = false; // by that writer
};

} // namespace waltrail
