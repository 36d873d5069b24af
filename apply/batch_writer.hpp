// One session of the destination: takes batches, and makes each one transaction, its rows by one COPY and the record of
// progress behind them. Several work side by side; each waits with the record, and the COMMIT, until the batches before its own
// are recorded.
//
// Invariant: rows and progress become durable together or not at all, and progress never passes over a batch.
#pragma once

#include "apply/batch_queue.hpp"
#include "apply/cancel_request.hpp"
#include "apply/copy_stream.hpp"
#include "apply/destination_clock.hpp"
#include "apply/monitor.hpp"
#include "apply/progress.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

namespace waltrail {

class BatchWriter {
  public:
    // Starts the thread. All references must outlive the writer; the connection is the thread's alone until then.
    // `timeline` is the source's current one. What fails goes to the queue.
    BatchWriter(PostgresConnection &destination, BatchQueue &batches, DestinationClock &clock,
                const Progress &progress, uint32_t timeline, Monitor &monitor);
    // The queue must be cancelled, or this waits for ever.
    ~BatchWriter() = default;
    BatchWriter(const BatchWriter &) = delete;
    BatchWriter &operator=(const BatchWriter &) = delete;
    // Ends the statements that the destination is at, which may wait for a lock for ever, until the thread is done. Once the
    // queue is cancelled. As long as it takes to reach the server.
    void cancel();
    // Waits until the thread is done. Once the queue is cancelled.
    void join() { thread_.join(); }

  private:
    struct Written {
        uint64_t rows = 0;
        uint64_t marked = 0; // of them
        OperationCounts operations;
        OperationCounts operation_bytes;
    };

    void run();
    // False: the queue is cancelled, and the destination's transaction is open still.
    bool write(BatchQueue::Entry &entry);
    bool copy_rows(BatchQueue::Entry &entry, RowPiece first);
    bool copy_with_care(BatchQueue::Entry &entry, RowPiece first, Written &refused);
    std::optional<Refusal> copy_one(RowPiece &piece);
    // Answers how long the COMMIT took.
    std::chrono::duration<double> record(const Batch &batch, const Written &written);

    PostgresConnection &destination_;
    BatchQueue &batches_;
    DestinationClock &clock_;
    const Progress &progress_;
    uint32_t timeline_;
    Monitor &monitor_;
    CancelRequest cancel_;
    std::atomic<bool> is_done_{false};
    std::jthread thread_; // last: it uses everything above
};

} // namespace waltrail
