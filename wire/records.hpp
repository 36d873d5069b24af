// Reads records out of a frame's payload. The counterpart of encoder.hpp. Parsers never abort and never read out of bounds:
// they say `corrupt` with a reason. (Incomplete input is the business of frames: a payload holds whole records.)
#pragma once

#include "wire/cursor.hpp"
#include "wire/memory.hpp"
#include "wire/types.hpp"

#include <span>

namespace waltrail::wire {

enum class RecordTag : uint8_t {
    session = 0x01,
    relation = 0x02,
    begin = 0x03,
    commit = 0x04,
    context = 0x05,
    insert = 0x10,
    update = 0x11,
    remove = 0x12,
    truncate = 0x13,
};

// One change, as both ends see it. The rows have one Value for each column of the relation, or are empty (TRUNCATE).
struct Change {
    Operation operation = Operation::insert;
    const Relation *relation = nullptr;
    Lsn position;          // of the change's WAL record
    uint64_t sequence = 0; // in the transaction, filtered changes counted
    OldRow old_row = OldRow::none;
    bool cascade = false;          // TRUNCATE … CASCADE
    bool restart_identity = false; // TRUNCATE … RESTART IDENTITY
    bool unreadable = false;       // a value of the rows is
    std::span<Value> before{};
    std::span<Value> after{};
};

struct Commit {
    uint64_t changes_sent = 0;
    uint64_t changes_decoded = 0;
};

// null when the record was read, otherwise what contradicts the format.
using Problem = const char *;

Problem parse_session(Cursor &in, Source &source);
inline constexpr uint8_t column_flag_identity = 0x01;
inline constexpr uint8_t column_flag_generated = 0x02;
inline constexpr uint8_t column_flag_masked = 0x04;
inline constexpr uint8_t column_flags =
    column_flag_identity | column_flag_generated | column_flag_masked;
// Names and descriptions are copied into the arena, so the relation outlives the frame.
Problem parse_relation(Cursor &in, Arena &arena, Relation &relation);
Problem parse_begin(Cursor &in, Transaction &transaction);
Problem parse_commit(Cursor &in, Commit &commit);
Problem parse_context(Cursor &in, std::string_view &json_object);

// What stands before the rows of a change.
struct ChangeHeader {
    uint32_t relation = 0;
    int64_t position_distance = 0;
    uint64_t skipped = 0;
    bool old_nulls = false;
    bool new_nulls = false;
    bool new_absent = false;
    OldRow old_row = OldRow::none;
    bool cascade = false;
    bool restart_identity = false;
    bool unreadable = false;
};
inline constexpr uint8_t change_flag_skipped = 0x01;
inline constexpr uint8_t change_flag_old_nulls = 0x02;
inline constexpr uint8_t change_flag_new_nulls = 0x04;
inline constexpr uint8_t change_flag_new_absent = 0x08;
inline constexpr unsigned change_old_row_shift = 4;
inline constexpr uint8_t change_flag_unreadable = 0x40; // of a row's change
inline constexpr uint8_t change_flag_cascade = 0x40;    // of a truncate
inline constexpr uint8_t change_flag_restart_identity = 0x80;

Problem parse_change_header(Cursor &in, RecordTag tag, ChangeHeader &header);

// The rows. `before` and `after` must have one Value for each column; they point into the input afterwards. A row that the
// operation does not have is left all absent.
Problem parse_change_rows(Cursor &in, RecordTag tag, const ChangeHeader &header,
                          const Relation &relation, std::span<Value> before,
                          std::span<Value> after);

// Reads one value of the type, as encoded with its length prefix; returns its bytes without the prefix. Checks that
// nested values are whole, so that rendering need not. `depth` guards the stack.
Problem parse_value(Cursor &in, const Type &type, std::string_view &bytes, int depth = 0);

} // namespace waltrail::wire
