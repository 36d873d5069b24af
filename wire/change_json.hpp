// One change as one JSON object with the column names of the table `changes`: what the plugin's `format 'json'` and
// `waltrail decode` print. created_at is null: the row is not stored yet.
#pragma once

#include "wire/memory.hpp"
#include "wire/records.hpp"

namespace waltrail::wire {

struct ChangeSetting {
    const Source *source = nullptr;
    const Transaction *transaction = nullptr;
    std::string_view context;  // text of a JSON object; empty: none
    std::string_view database; // the label that changes.database holds
    Timestamp queued_at;
};

// CREATE, UPDATE, DELETE, TRUNCATE
std::string_view operation_name(Operation operation);

// changes.schema and changes.table: the root's name for a row, the table's own for a TRUNCATE, because a partition that is
// truncated by itself leaves the rest of the root as it was.
std::string_view schema_name(const Change &change);
std::string_view table_name(const Change &change);

// Floor to the second, also before 2000.
Timestamp truncate_to_second(Timestamp time);

// The object, without a newline.
void append_change_json(Buffer &out, const ChangeSetting &setting, const Change &change);

} // namespace waltrail::wire
