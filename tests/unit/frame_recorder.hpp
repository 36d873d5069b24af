// A FrameWriter whose frames are kept, and the way back: what a StreamReader makes of them, copied out of its memory, so
// that it can be compared.
#pragma once

#include "wire/encoder.hpp"
#include "wire/frame.hpp"
#include "wire/stream_reader.hpp"

#include <ostream>
#include <string>
#include <vector>

namespace waltrail::wire {

inline std::string self_contained_frames(const StreamReader &reader) {
    std::string frames;
    reader.write_self_contained(
        {[](void *owner, std::string_view header, std::string_view payload) {
             static_cast<std::string *>(owner)->append(header).append(payload);
         },
         &frames});
    return frames;
}

class FrameRecorder {
  public:
    FrameWriter out;
    std::vector<std::string> frames;

    FrameRecorder() {
        now = 0;
        out.payload.allocator = process_allocator();
        out.clock = [] { return Timestamp{++now}; };
        out.sink = {[](void *owner, std::string_view header, std::string_view payload) {
                        auto &frame =
                            static_cast<FrameRecorder *>(owner)->frames.emplace_back(header);
                        frame += payload;
                    },
                    this};
    }
    ~FrameRecorder() { out.payload.release(); }
    FrameRecorder(const FrameRecorder &) = delete;
    FrameRecorder &operator=(const FrameRecorder &) = delete;

    std::string bytes() const {
        std::string all;
        for (const std::string &frame : frames) all += frame;
        return all;
    }

    ParsedFrame frame(size_t index) const { return parse_frame(frames.at(index)); }

  private:
    static inline int64_t now = 0; // each record is a microsecond later
};

// Source and transaction of tests that need any.
inline Source test_source() { return {7'300'000'000'000'000'001u, 16'384, "shop", 150'020}; }
inline Transaction test_transaction() {
    return {{4'294'967'296u + 17}, {0x1'2345'6789u}, {0x1'2345'67B9u}, {770'000'000'123'456}};
}

struct RecordedValue {
    Value::State state = Value::State::absent;
    bool same_as_old = false;
    std::string bytes;
    bool unreadable = false;
    friend bool operator==(const RecordedValue &, const RecordedValue &) = default;
};

struct RecordedChange {
    Operation operation = Operation::insert;
    uint32_t relation = 0;
    Lsn position;
    uint64_t sequence = 0;
    OldRow old_row = OldRow::none;
    bool cascade = false;
    bool restart_identity = false;
    std::vector<RecordedValue> before;
    std::vector<RecordedValue> after;
    std::string context;
    friend bool operator==(const RecordedChange &, const RecordedChange &) = default;
};

inline std::vector<RecordedValue> recorded_row(std::span<const Value> row) {
    std::vector<RecordedValue> copy;
    for (const Value &value : row)
        copy.push_back({value.state, value.same_as_old,
                        value.state == Value::State::present ? std::string(value.bytes) : "",
                        value.unreadable});
    return copy;
}

inline RecordedChange recorded(const Change &change, std::string_view context = {}) {
    return {change.operation,
            change.relation->number,
            change.position,
            change.sequence,
            change.old_row,
            change.cascade,
            change.restart_identity,
            recorded_row(change.before),
            recorded_row(change.after),
            std::string(context)};
}

inline std::ostream &operator<<(std::ostream &out, const RecordedValue &value) {
    static constexpr const char *states[] = {"absent", "null", "present"};
    out << states[static_cast<int>(value.state)] << (value.same_as_old ? " same" : "")
        << (value.unreadable ? " unreadable" : "");
    return out << " of " << value.bytes.size() << " bytes";
}

inline std::ostream &operator<<(std::ostream &out, const RecordedChange &change) {
    out << "operation " << static_cast<int>(change.operation) << " relation " << change.relation
        << " position " << change.position.value << " sequence " << change.sequence << " old row "
        << static_cast<int>(change.old_row) << " context " << change.context.size()
        << " bytes\n  before:";
    for (const RecordedValue &value : change.before) out << " [" << value << "]";
    out << "\n  after:";
    for (const RecordedValue &value : change.after) out << " [" << value << "]";
    return out << "\n";
}

// What a reader yielded from frames, until they ended or contradicted the format.
struct Reading {
    std::vector<RecordedChange> changes;
    std::vector<uint64_t> xids; // of the transactions begun
    size_t commits = 0;
    std::string problem; // empty unless corrupt
};

inline Reading read_events(StreamReader &reader, Reading reading = {}) {
    for (;;) {
        switch (reader.next()) {
        case StreamReader::Event::need_frame:
            return reading;
        case StreamReader::Event::begin:
            reading.xids.push_back(reader.transaction().xid.value);
            break;
        case StreamReader::Event::change:
            reading.changes.push_back(recorded(reader.change(), reader.context()));
            break;
        case StreamReader::Event::commit:
            reading.commits++;
            break;
        case StreamReader::Event::corrupt:
            reading.problem = reader.problem();
            return reading;
        }
    }
}

// Reads frames that stand one behind another.
inline Reading read_frames(StreamReader &reader, std::string_view bytes) {
    Reading reading;
    while (!bytes.empty() && reading.problem.empty()) {
        ParsedFrame frame = parse_frame(bytes);
        if (frame.status != FrameStatus::ok) {
            reading.problem = frame.problem != nullptr ? frame.problem : "incomplete frame";
            return reading;
        }
        reader.load(frame.header, frame.payload);
        reading = read_events(reader, std::move(reading));
        bytes.remove_prefix(frame.bytes);
    }
    return reading;
}

// Encodes the change from its values' bytes.
inline void write_change(FrameWriter &out, const Change &change, Lsn previous_position = {},
                         uint64_t skipped = 0) {
    encode_change(out, change, previous_position, skipped,
                  [&](FrameWriter &to, size_t column, bool is_new) {
                      const Value &value = is_new ? change.after[column] : change.before[column];
                      const Type &declared = change.relation->columns[column].type;
                      encode_value(to.payload, type_of(value, declared), value.bytes);
                  });
}

} // namespace waltrail::wire
