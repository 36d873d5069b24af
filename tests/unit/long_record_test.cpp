// Values and contexts that do not fit into one frame. (wire/encoder.cpp and wire/stream_reader.cpp together.)
#include "tests/unit/encoded_value.hpp"
#include "tests/unit/frame_recorder.hpp"

#include <gtest/gtest.h>

namespace waltrail::wire {
namespace {

constexpr size_t mib = size_t{1} << 20;

std::string pattern(size_t length) {
    std::string text(length, '\0');
    for (size_t i = 0; i < length; i++) text[i] = static_cast<char>(i * 31 + (i >> 12));
    return text;
}

struct WideTable {
    OwnedArena arena;
    std::vector<std::string> values;
    std::vector<Column> columns;
    Relation relation;

    explicit WideTable(const std::vector<size_t> &lengths) {
        for (size_t i = 0; i < lengths.size(); i++) {
            values.push_back(pattern(lengths[i]));
            columns.push_back(column(arena.copy("c" + std::to_string(i)),
                                     scalar(i % 2 ? Kind::bytea : Kind::text), arena));
        }
        relation.number = 3;
        relation.columns = columns;
    }
    std::vector<Value> row() const {
        std::vector<Value> row;
        for (const std::string &value : values) row.push_back(present(value));
        return row;
    }
};

void open(FrameRecorder &recorder, const Relation &relation) {
    recorder.out.open_session();
    encode_session(recorder.out, test_source());
    encode_relation(recorder.out, relation);
    encode_begin(recorder.out, test_transaction());
}

void expect_frames_are_small(const FrameRecorder &recorder) {
    for (size_t i = 0; i < recorder.frames.size(); i++) {
        ParsedFrame frame = recorder.frame(i);
        ASSERT_EQ(frame.status, FrameStatus::ok);
        EXPECT_LE(frame.payload.size(), frame_target_bytes + fragment_bytes) << i;
    }
}

// As the decoder does with long text: the length, then the bytes in pieces.
void put_in_pieces(FrameWriter &to, std::string_view bytes) {
    to.payload.append_varint(bytes.size());
    to.append_long(bytes);
}

TEST(LongRecord, rows_of_long_values_come_back) {
    const std::vector<std::vector<size_t>> rows = {
        {0},
        {mib - 1},
        {mib},
        {mib + 1},
        {5 * mib},
        {0, mib - 1, 0, mib, 5 * mib, 17, mib - 1, 0},
        {mib, mib, mib},
    };
    for (const auto &lengths : rows)
        for (bool in_pieces : {false, true}) {
            WideTable table(lengths);
            std::vector<Value> row = table.row();
            FrameRecorder recorder;
            open(recorder, table.relation);
            Change change;
            change.relation = &table.relation;
            change.after = row;
            for (uint64_t i = 0; i < 2; i++) {
                change.sequence = i;
                encode_change(
                    recorder.out, change, {}, 0, [&](FrameWriter &to, size_t column, bool) {
                        if (in_pieces)
                            put_in_pieces(to, row[column].bytes);
                        else
                            encode_value(to.payload, table.columns[column].type, row[column].bytes);
                    });
            }
            encode_commit(recorder.out, 2, 2);
            recorder.out.flush();
            expect_frames_are_small(recorder);

            StreamReader reader;
            Reading reading = read_frames(reader, recorder.bytes());
            ASSERT_EQ(reading.problem, "");
            ASSERT_EQ(reading.changes.size(), 2u);
            EXPECT_EQ(reading.commits, 1u);
            EXPECT_TRUE(reading.changes[0].after == recorded_row(row));
            EXPECT_TRUE(reading.changes[1].after == recorded_row(row));
        }
}

TEST(LongRecord, an_update_shares_the_long_values_that_it_left_alone) {
    WideTable table({2 * mib, 3 * mib, 10});
    std::vector<Value> before = table.row(), after = before;
    std::string changed = pattern(mib + 7);
    after[0].same_as_old = after[2].same_as_old = true;
    after[1] = present(changed);
    FrameRecorder recorder;
    open(recorder, table.relation);
    Change change;
    change.operation = Operation::update;
    change.old_row = OldRow::whole;
    change.relation = &table.relation;
    change.before = before;
    change.after = after;
    write_change(recorder.out, change);
    encode_commit(recorder.out, 1, 1);
    recorder.out.flush();
    EXPECT_LT(recorder.bytes().size(), 6 * mib + 3000);

    StreamReader reader;
    Reading reading = read_frames(reader, recorder.bytes());
    ASSERT_EQ(reading.problem, "");
    ASSERT_EQ(reading.changes.size(), 1u);
    EXPECT_TRUE(reading.changes[0] == recorded(change));
}

TEST(LongRecord, a_record_past_the_limit_is_told_from_damage) {
    WideTable table({5 * mib});
    std::vector<Value> row = table.row();
    FrameRecorder recorder;
    open(recorder, table.relation);
    Change change;
    change.relation = &table.relation;
    change.after = row;
    write_change(recorder.out, change);
    recorder.out.flush();
    StreamReader small(4 * mib), large(6 * mib);
    EXPECT_EQ(read_frames(small, recorder.bytes()).problem,
              "a record is longer than 4194304 bytes");
    EXPECT_TRUE(small.is_too_long());
    EXPECT_EQ(read_frames(large, recorder.bytes()).changes.size(), 1u);

    small.abandon_transaction();
    EXPECT_FALSE(small.is_too_long());
    StreamReader damaged;
    EXPECT_NE(read_frames(damaged, recorder.bytes().substr(recorder.frames[0].size() +
                                                           recorder.frames[1].size()))
                  .problem,
              "");
    EXPECT_FALSE(damaged.is_too_long());
}

TEST(LongRecord, a_long_context_comes_back) {
    WideTable table({5});
    std::vector<Value> row = table.row();
    for (size_t length : {frame_target_bytes - 1, frame_target_bytes + 1, mib - 1, mib, 3 * mib}) {
        FrameRecorder recorder;
        open(recorder, table.relation);
        std::string context = "{\"note\":\"" + std::string(length, 'c') + "\"}";
        encode_context(recorder.out, context);
        Change change;
        change.relation = &table.relation;
        change.after = row;
        write_change(recorder.out, change);
        encode_commit(recorder.out, 1, 1);
        recorder.out.flush();
        expect_frames_are_small(recorder);
        StreamReader reader;
        Reading reading = read_frames(reader, recorder.bytes());
        ASSERT_EQ(reading.problem, "");
        ASSERT_EQ(reading.changes.size(), 1u);
        EXPECT_TRUE(reading.changes[0].context == context);
    }
}

} // namespace
} // namespace waltrail::wire
