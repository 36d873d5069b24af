// Writes the stream into the destination in batches: whole source transactions, one COPY and one record of progress in one
// destination transaction. A batch ends when nothing waits (latency) or when it is large or old enough (throughput).
//
// A transaction of which several rows were refused is written row by row, each in a savepoint of its own: to learn of one row in
// each pass over the stream would take for ever where there are thousands.
//
// Invariants: the COPY of an open batch holds every change received since recorded_end(), but those in quarantine; nothing
// is committed in the middle of a source transaction; recorded_end() only moves after a durable COMMIT.
#pragma once

#include "apply/copy_stream.hpp"
#include "apply/frame_queue.hpp"
#include "apply/identity.hpp"
#include "apply/own_tables.hpp"
#include "apply/progress.hpp"
#include "apply/quarantine.hpp"
#include "apply/relation_log.hpp"
#include "apply/settings.hpp"
#include "wire/stream_reader.hpp"

#include <chrono>

namespace waltrail {

class BatchWriter {
  public:
    // All references must outlive the writer. `timeline` is the source's current one.
    BatchWriter(PostgresConnection &destination, const Progress &progress, const StartPoint &start,
                uint32_t timeline, const RefusedRows &refused, const OwnTables &own_tables,
                const ApplySettings &settings);

    // The source is the server that is written to: what is recorded comes back as WAL of the source.
    void expect_echo() {
        idle_bytes_min_ = settings_.echo_bytes_max;
        expects_echo_ = true;
    }

    // Takes one frame; the batch may be committed at the end of a transaction in it.
    void take_frame(std::string_view frame);
    // A keepalive: everything before `position` has been received.
    void take_position(Lsn position);
    // Commits the open batch if it holds whole transactions only. Call when nothing waits.
    void settle();
    // Everything that the source committed before `time` lies before received_end().
    void note_source_time(wire::Timestamp time) { source_time_ = time; }
    // Nothing has been recorded for a while, so a newer time of the source is worth having.
    [[nodiscard]] bool wants_source_time() const;
    // Records the newest known position, or time of the source, when it is due (ApplySettings::idle_record_interval), and is no mere echo, or when
    // asked for.
    void record_idle_position(bool now);

    [[nodiscard]] Lsn recorded_end() const { return recorded_end_; }
    // Everything before this was received as whole transactions (written or not).
    [[nodiscard]] Lsn received_end() const { return received_end_; }
    [[nodiscard]] uint64_t changes_written() const { return changes_written_; }
    [[nodiscard]] uint64_t changes_quarantined() const { return changes_quarantined_; }

  private:
    using Clock = std::chrono::steady_clock;

    // A transaction in the open COPY: its first row's number, and which of its changes are not in the COPY.
    struct WrittenTransaction {
        Lsn commit_lsn;
        uint64_t first_row;
        std::vector<uint64_t> quarantined_ordinals;
    };

    void begin_transaction();
    void take_change();
    void write_change(const wire::Change &change);
    void begin_care();
    bool write_with_care();
    void quarantine(const Refusal &refusal);
    void end_transaction();
    void open_batch();
    void commit_batch();
    void record(Lsn to, std::optional<wire::Transaction> last_commit, uint64_t changes,
                uint64_t marked);
    [[nodiscard]] bool is_batch_full() const;
    [[nodiscard]] bool is_idle_position_due() const;
    [[nodiscard]] bool has_time_to_record() const;
    [[nodiscard]] bool is_time_due() const;
    [[nodiscard]] std::chrono::milliseconds time_record_interval() const;
    [[nodiscard]] bool is_large_row(const std::optional<uint64_t> &row) const;
    [[nodiscard]] bool needs_care() const;
    [[nodiscard]] bool is_already_recorded(const wire::Transaction &transaction) const;
    [[noreturn]] void refuse(const CopyRefusal &refusal);

    PostgresConnection &destination_;
    const Progress &progress_;
    const RefusedRows &refused_;
    const OwnTables &own_tables_;
    const ApplySettings &settings_;
    uint32_t timeline_;
    bool repeats_last_commit_;

    wire::StreamReader reader_;
    RelationLog relations_;
    QuarantineLog quarantine_;
    CopyStream copy_;

    bool batch_open_ = false;
    Clock::time_point batch_opened_at_{};
    wire::Timestamp batch_began_at_{}; // the destination's clock
    wire::Timestamp created_at_{};     // of the current transaction's rows: never before its commit
    std::vector<WrittenTransaction> batch_transactions_;
    uint64_t batch_rows_ = 0;
    static constexpr size_t large_row_bytes = size_t{16} << 20;
    std::vector<uint64_t> batch_large_rows_; // numbers of rows of at least that size
    uint64_t batch_marked_ = 0;              // of them (wire/marks.hpp)

    bool skipping_ = false; // the current transaction is in the trail already
    bool careful_ = false;  // it is written row by row, and no COPY is open between its rows
    uint64_t ordinal_ = 0;
    std::optional<wire::Transaction> last_received_;

    Lsn recorded_end_;
    Lsn received_end_;
    Clock::time_point recorded_at_;
    std::optional<wire::Timestamp> source_time_;
    std::optional<wire::Timestamp> recorded_source_time_;
    uint64_t idle_bytes_min_ =
        1; // past recorded_end_: what lies closer is not worth a record of its own
    bool expects_echo_ = false;
    uint64_t changes_written_ = 0;
    uint64_t changes_quarantined_ = 0;
};

} // namespace waltrail
