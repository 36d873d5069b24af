// One destination transaction to be: whole source transactions rendered as rows of COPY, and the progress that goes with them.
#pragma once

#include "apply/operation_counts.hpp"
#include "apply/owned_buffer.hpp"
#include "apply/postgres.hpp"
#include "apply/progress.hpp"
#include "apply/quarantine.hpp"
#include "apply/relation_log.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace waltrail {

// What is kept of a row that is written by itself, in a savepoint of its own, in case the destination refuses it.
struct CarefulRow {
    QuarantineEntry entry;
    wire::Operation operation;
    bool is_marked = false;
    bool is_large = false;
};

// Rows of COPY in binary format, whole; with `careful`, one row.
struct RowPiece {
    OwnedBuffer rows;
    std::optional<CarefulRow> careful;
};

// The rows are not here: they pass through the BatchQueue in pieces, so that a batch of any size needs the memory of a few.
struct Batch {
    // A transaction among the rows: the number of its first row, from 1, and which of its changes are not among them.
    struct RenderedTransaction {
        Lsn commit_lsn;
        uint64_t first_row;
        std::vector<uint64_t> quarantined_ordinals;
    };

    bool is_careful = false; // every piece is one row
    std::vector<RenderedTransaction> transactions;
    uint64_t rows = 0;
    uint64_t marked = 0;              // of them (wire/marks.hpp)
    OperationCounts operations;       // of them
    OperationCounts operation_bytes;  // of them
    std::vector<uint64_t> large_rows; // numbers of rows of at least large_row_bytes
    std::vector<RelationRecord> relations;
    std::vector<QuarantineEntry> quarantined;

    // The range that ends with this batch.
    Lsn to;
    std::optional<wire::Transaction> last_commit; // none: no transaction, only a position
    std::optional<wire::Timestamp> source_time;

    static constexpr size_t large_row_bytes = size_t{16} << 20;

    // Where in the source the row with this number, from 1 to `rows`, comes from.
    [[nodiscard]] ChangePlace place_of(uint64_t row) const;
    [[nodiscard]] bool is_large(uint64_t row) const;
};

} // namespace waltrail
