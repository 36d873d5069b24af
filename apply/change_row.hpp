// A change as one row of COPY "changes" … (FORMAT binary): field count, then each field's length and its binary form.
// (PostgreSQL documentation, COPY, "Binary Format")
#pragma once

#include "wire/change_id.hpp"
#include "wire/memory.hpp"
#include "wire/records.hpp"

#include <string_view>

namespace waltrail {

// The columns in the order in which append_change_row writes them.
inline constexpr std::string_view copy_changes_sql =
    "COPY public.changes (id, database, schema, \"table\", primary_key, operation, before, after, "
    "context, committed_at, "
    "queued_at, created_at, transaction_id, position) FROM STDIN (FORMAT binary)";

struct RowSetting {
    std::string_view label; // of the source: the column "database"
    const wire::Source *source = nullptr;
    const wire::Transaction *transaction = nullptr;
    std::string_view context; // JSON object; empty: none
    wire::Timestamp queued_at;
    wire::Timestamp created_at;
};

// What stands before and after the rows of one COPY.
[[nodiscard]] std::string_view copy_header();
[[nodiscard]] std::string_view copy_trailer();

enum class RowOutcome {
    plain,
    marked,    // wire/marks.hpp
    too_large, // jsonb or COPY cannot take it; nothing was appended
};

RowOutcome append_change_row(wire::Buffer &out, const RowSetting &setting,
                             const wire::Change &change);

} // namespace waltrail
