// Writes records into frames. The counterpart is records.hpp; the two are tested as a pair.
//
// A FrameWriter collects whole records and hands a frame to its sink when frame_target_bytes are full, or when flush() is
// called (at commit). A record longer than fragment_bytes leaves in fragments while it is being written, so a value of
// hundreds of MB never needs a message of that size.
#pragma once

#include "wire/cursor.hpp"
#include "wire/frame.hpp"
#include "wire/memory.hpp"
#include "wire/records.hpp"
#include "wire/types.hpp"

#include <span>

namespace waltrail::wire {

// Takes one frame; both views are valid during the call only. May longjmp (the server) or throw (the program).
struct FrameSink {
    void (*send)(void *owner, std::string_view header, std::string_view payload) = nullptr;
    void *owner = nullptr;
};

struct FrameWriter {
    Buffer payload; // give it an allocator first
    FrameSink sink{};
    Timestamp (*clock)() = nullptr;
    size_t spill_bytes = fragment_bytes;

    // The next frame opens a session.
    void open_session() { header_.opens = true; }
    // What is written from here to flush() is one frame that stands alone; only records longer than a fragment still
    // leave in fragments, and then every frame of it is marked.
    void mark_self_contained() { header_.self_contained = true; }
    void begin_record(RecordTag tag);
    // Sends the frame when it is full enough.
    void end_record();
    // Appends long bytes inside a record, sending fragments on the way.
    void append_long(std::string_view bytes);
    // Sends fragments if the record has become long. Call between values, never inside one that patches its length.
    void spill_if_long() {
        if (payload.size - record_start_ >= spill_bytes) spill();
    }
    // Sends what has been collected, if anything. Only between records.
    void flush();
    // Drops what has been collected and not sent, also in the middle of a record (after an error).
    void reset();

  private:
    FrameHeader header_{};
    FrameHeader header_before_record_{};
    Timestamp record_decoded_at_{}; // of the record that is being fragmented
    size_t record_start_ = 0;
    bool fragmenting_ = false;

    void spill();
    void start_frame();
    void send(const FrameHeader &header, std::string_view bytes);
};
static_assert(std::is_trivially_destructible_v<FrameWriter>);

void encode_session(FrameWriter &out, const Source &source);
void encode_relation(FrameWriter &out, const Relation &relation);
void encode_begin(FrameWriter &out, const Transaction &transaction);
void encode_commit(FrameWriter &out, uint64_t changes_sent, uint64_t changes_decoded);
void encode_context(FrameWriter &out, std::string_view json_object);

// What stands before the rows of `change`; previous_position is that of the change sent before in the transaction (0 for
// none), skipped the number of changes filtered out since then.
// Answers the flags (change_flag_…), which say which bitmaps follow.
uint8_t encode_change_header(FrameWriter &out, const Change &change, Lsn previous_position,
                             uint64_t skipped);
void encode_null_bitmap(Buffer &out, std::span<const Value> row);
void encode_absent_bitmap(Buffer &out, std::span<const Value> row);
void encode_changed_bitmap(Buffer &out, std::span<const Value> row);
void encode_unreadable_bitmap(Buffer &out, std::span<const Value> row);

// Appends a value with its length prefix, from bytes as Value::bytes holds them.
void encode_value(Buffer &out, const Type &type, std::string_view bytes);

// Encodes a whole change record. `change.before` and `change.after` say by `state` and `same_as_old` what each column holds;
// put_value(out, column, is_new) must append the value's bytes as the kind of the column wants them, length prefix included.
// An unreadable value is a string, whatever its kind. The old row must be absent exactly where change.old_row says so;
// same_as_old only with OldRow::whole.
template <typename PutValue>
void encode_change(FrameWriter &out, const Change &change, Lsn previous_position, uint64_t skipped,
                   PutValue put_value) {
    uint8_t flags = encode_change_header(out, change, previous_position, skipped);
    if (change.old_row != OldRow::none) {
        if (flags & change_flag_old_nulls) encode_null_bitmap(out.payload, change.before);
        if (change.unreadable) encode_unreadable_bitmap(out.payload, change.before);
        for (size_t i = 0; i < change.before.size(); i++) {
            if (change.before[i].state != Value::State::present) continue;
            put_value(out, i, false);
            out.spill_if_long();
        }
    }
    if (change.operation == Operation::insert || change.operation == Operation::update) {
        bool delta = change.old_row == OldRow::whole;
        if (delta)
            encode_changed_bitmap(out.payload, change.after);
        else if (flags & change_flag_new_absent)
            encode_absent_bitmap(out.payload, change.after);
        if (flags & change_flag_new_nulls) encode_null_bitmap(out.payload, change.after);
        if (change.unreadable) encode_unreadable_bitmap(out.payload, change.after);
        for (size_t i = 0; i < change.after.size(); i++) {
            if (change.after[i].state != Value::State::present || change.after[i].same_as_old)
                continue;
            put_value(out, i, true);
            out.spill_if_long();
        }
    }
    out.end_record();
}

} // namespace waltrail::wire
